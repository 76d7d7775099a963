"""Anything dies at any moment of a state machine: nothing half-done is visible, and the next run heals."""

from __future__ import annotations

from typing import Any

import pytest

from laptop.servers.stack import CLASSIFICATION
from tests.campaign.faults import Fault, injects
from tests.campaign.kills.cases import STATES, Case, cases, heals
from tests.campaign.kills.house import HOSTILE, House

ORCHESTRATOR = STATES


@injects(Fault.ANY_DEATH)
@pytest.mark.parametrize("case", cases(STATES), ids=str)
def test_an_execution_that_something_died_of_heals_to_the_same_bytes(
    tried: House, undisturbed: dict[str, Any], case: Case
) -> None:
    heals(tried, undisturbed, case)


@injects(Fault.HOSTILE_SOURCE)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_an_execution_with_a_hostile_source_fails_before_anything_is_read(tried: House, hostile: str) -> None:
    planned = tried.planned()
    run = tried.start(CLASSIFICATION, hostile)
    assert tried.end(CLASSIFICATION, run) == "failed"
    assert "PlanError" in "".join(tried.orchestrator.log(CLASSIFICATION, run, "", 1))
    assert tried.planned() == planned
