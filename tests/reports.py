"""The counts, failures and seconds of JUnit reports."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

# The property of a test case that holds its seconds of processor time.
PROCESSOR = "processor"


@dataclass
class Results:
    """The outcome of tests, and of each room the seconds and the seconds of processor time, summed over its tests."""

    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)
    processor: Counter[str] = field(default_factory=Counter)

    def read(self, environment: str, report: Path) -> None:
        """Adds the test cases of a JUnit report, of pytest's family `xunit1`."""
        for case in ET.parse(report).iter("testcase"):
            file = case.get("file", "")
            room = f"{environment}: {'/'.join(file.split('/')[:2])}"
            self.seconds[room] += float(case.get("time", 0))
            self.processor[room] += sum(
                float(each.get("value", 0)) for each in case.iter("property") if each.get("name") == PROCESSOR
            )
            if case.find("failure") is not None or case.find("error") is not None:
                # xdist puts the test's group behind its name.
                self.failed.append(f"{environment}: {file}::{case.get('name', '').rpartition('@')[0]}")
            elif case.find("skipped") is not None:
                self.skipped += 1
            else:
                self.passed += 1

    def __str__(self) -> str:
        return f"{self.passed} passed, {len(self.failed)} failed, {self.skipped} skipped"
