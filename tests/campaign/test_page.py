"""The page of guarantees leaves no fault out, and names nothing that is not there."""

from __future__ import annotations

import re

from tests.campaign.page import PAGE, ROOT, proofs

# Of what a system of this kind must survive, all that concerns input, execution and publication.
FAULTS = {6, *range(13, 36), *range(40, 46), *range(49, 57), 76, 78, 82}


def test_every_fault_of_the_campaign_is_injected_by_a_test_of_its_own_room() -> None:
    found = proofs()
    assert {each.fault for each in found} == FAULTS
    assert {each.path.split("/")[1] for each in found} == {"campaign"}


def test_the_guarantees_name_tests_that_exist() -> None:
    named = set(re.findall(r"`(tests/[^`]+)`", PAGE.read_text(encoding="utf-8")))
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []
