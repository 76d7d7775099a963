"""Runs every test in the environment that it belongs to, and adds the counts up."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).parents[1]
# DAGs and plugins on each Airflow that they must run on, the compiler on that of MWAA; all else where the jobs and
# local AWS run.
# What wants a Docker engine or a Chromium has verbs of its own: make compose-test, make browser-test.
ELSEWHERE = ("dags", "plugins", "stepfunctions/compiler", "bench/test_compile_time.py", "browser", "compose")
RUNS = {
    "airflow": ["tests/dags", "tests/plugins", "tests/stepfunctions/compiler", "tests/bench/test_compile_time.py"],
    "airflow-oldest": ["tests/dags", "tests/plugins"],
    "airflow-newest": ["tests/dags", "tests/plugins"],
    "jobs": ["tests", *(f"--ignore=tests/{each}" for each in ELSEWHERE)],
}


def main() -> int:
    """Returns 0 if every environment's tests passed and each ran at least one."""
    passed = failed = skipped = 0
    codes = []
    for environment, arguments in RUNS.items():
        print(f"\n== {environment}: pytest {' '.join(arguments)}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            python = ROOT / ".venvs" / environment / "bin" / "python"
            command = [str(python), "-m", "pytest", *arguments, f"--junit-xml={report}", *sys.argv[1:]]
            codes.append(subprocess.run(command, cwd=ROOT, check=False).returncode)
            suite = ET.parse(report).getroot()[0] if report.exists() else ET.Element("none")
        broken = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        missed = int(suite.get("skipped", 0))
        failed, skipped = failed + broken, skipped + missed
        passed += int(suite.get("tests", 0)) - broken - missed
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
