"""docs/faults.md lists every fault with a test that injects it, and the guarantees name tests that exist."""

from __future__ import annotations

import re

from tests.campaign.faults import Fault
from tests.campaign.page import PAGE, ROOT, page, proofs


def test_every_fault_is_injected_by_a_test() -> None:
    never = set(Fault) - {fault for proof in proofs() for fault in proof.faults}
    assert not never, f"no test has @injects({', '.join(map(str, never))})"


def test_no_two_faults_are_the_same_sentence() -> None:
    assert len({fault.value for fault in Fault}) == len(Fault.__members__)


def test_a_test_names_its_faults_by_the_decorator_and_not_by_numbers() -> None:
    """A number would point into a list that readers of this repository do not have."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    numbered = [path.name for path in files if re.search(r'"""Faults? \d', path.read_text(encoding="utf-8"))]
    assert numbered == [], "add a member to tests/campaign/faults.py and decorate the test with @injects(Fault...)"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(proofs()), "run make export"


def test_the_guarantees_name_tests_that_exist() -> None:
    text = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[^`]+)`", text))
    assert named
    assert [each for each in named if not (ROOT / each).exists()] == []
