"""Runs every test in the environment that it belongs to, environments side by side, and adds the counts up.

`--tier` is `quick` (no server, no job), `test`, or `all` (with the long campaign); other arguments are pytest's.
Logs and JUnit reports are kept in `build/tests/`. CONTRIBUTING.md describes tiers, groups and profiles.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.leftovers import adopt_orphans, stop_descendants
from tests.reports import Results

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "build" / "tests"
# How long fixtures may take to stop their servers after an interrupt.
STOP_SECONDS = 60
NO_TESTS_SELECTED = 5


@dataclass(frozen=True)
class Tier:
    """The tests to run, by pytest's markers, and how many examples property tests try."""

    markers: str
    profile: str


TIERS = {
    "quick": Tier("not server and not long", "quick"),
    "test": Tier("not long", "default"),
    "all": Tier("", "long"),
}
# What may differ between versions of Airflow: how the DAGs load, the operators, the plugin.
ON_EACH_AIRFLOW = ("tests/dags", "tests/plugins")
# Of an Airflow that is not released: that they load.
ON_THE_NEXT_AIRFLOW = ("tests/dags/test_mwaa_layout.py", "tests/dags/test_dag_integrity.py")
# What may differ between versions of Glue, and so of Spark, pyarrow and pandas.
ON_EACH_GLUE = tuple(
    f"tests/glue/test_{name}.py"
    for name in (
        "prepare_complaints",
        "prepare_history",
        "audit_results",
        "compare_exports",
        "complaint_rows",
        "run_files",
    )
)


@dataclass(frozen=True)
class Part:
    """The tests of one environment, so many at a time."""

    environment: str
    paths: Sequence[str]
    workers: int

    @property
    def log(self) -> Path:
        return REPORTS / f"{self.environment}.log"

    @property
    def report(self) -> Path:
        return REPORTS / f"{self.environment}.xml"


def lanes(tier: str) -> list[list[Part]]:
    """The parts that run side by side; those of one lane run one after the other.

    More workers than processors: tests also wait for servers and jobs. The quick ones do not.
    """
    processors = os.cpu_count() or 2
    if tier == "quick":
        return [[Part("jobs", ["tests"], processors)], [Part("airflow", ["tests"], 1)]]
    return [
        [Part("jobs", ["tests"], 2 * processors)],
        [
            Part("airflow", ["tests"], 2),
            # Each worker imports Airflow and collects the tests for itself.
            Part("airflow-oldest", ON_EACH_AIRFLOW, 1),
            Part("airflow-newest", ON_EACH_AIRFLOW, 1),
            Part("airflow-canary", ON_THE_NEXT_AIRFLOW, 1),
            Part("glue-5", ON_EACH_GLUE, 1),
            Part("glue-6", ON_EACH_GLUE, 1),
        ],
    ]


def _environment(tier: Tier) -> dict[str, str]:
    # Bytecode is kept, whatever the shell says: every worker, job and function would compile our modules anew.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {"HYPOTHESIS_PROFILE": tier.profile}


class Running:
    """pytest on a part, its output shown as it comes with the environment before each line."""

    def __init__(self, part: Part, tier: Tier, more: Sequence[str]) -> None:
        self.part = part
        self._started = time.monotonic()
        self._read = 0
        part.report.unlink(missing_ok=True)
        python = ROOT / ".venvs" / part.environment / "bin" / "python"
        command = [str(python), "-m", "pytest", *part.paths, "-m", tier.markers]
        command += ["-n", str(part.workers), "--dist", "loadgroup", "--no-loadscope-reorder"]
        command += [f"--junit-xml={part.report}", "-o", "junit_family=xunit1", *more]
        with part.log.open("wb") as log:
            # A session of its own: a signal reaches pytest and its workers once, when we pass it on.
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=_environment(tier),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._say(f"pytest {' '.join(part.paths)}, {part.workers} workers")

    def show(self) -> None:
        """Prints the lines that were written since the last call."""
        with self.part.log.open("rb") as log:
            log.seek(self._read)
            whole, newline, _ = log.read().rpartition(b"\n")
        self._read += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            self._say(line)

    def interrupt(self) -> None:
        """Has pytest stop; its fixtures stop their servers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)

    def end(self, processor_seconds: float) -> str:
        """Shows the rest; returns the line of the timing table."""
        self.show()
        return f"{self.part.environment:16}{time.monotonic() - self._started:7.0f} s{processor_seconds:10.0f} s"

    def _say(self, line: str) -> None:
        print(f"[{self.part.environment}] {line}", flush=True)


class Run:
    """All parts of a tier, from the first start to the last end."""

    def __init__(self, tier: str, more: Sequence[str]) -> None:
        self.results = Results()
        self.timings: list[str] = []
        # Of processes that outlived their parents, such as Spark's JVMs: they belong to no environment.
        self.orphans_seconds = 0.0
        self.code = 0
        self.interrupted = 0.0
        self._tier, self._more = TIERS[tier], more
        self._lanes = lanes(tier)
        self._running: dict[int, Running] = {}

    def interrupt(self, *_: object) -> None:
        """Stops the parts that run, and starts no more."""
        if not self.interrupted:
            self.interrupted = time.monotonic()
            print("interrupted: stopping the tests and their servers ...", flush=True)
            for running in self._running.values():
                running.interrupt()

    def finish(self) -> None:
        """Returns once every part has ended, or has not stopped in time after an interrupt."""
        for lane in self._lanes:
            self._begin_next_of(lane)
        while self._running and not self._is_overdue():
            # Of every child: the orphans of tests are ours, and would stay zombies.
            pid, status, usage = os.wait4(-1, os.WNOHANG)
            running = self._running.pop(pid, None)
            if pid and not running:
                self.orphans_seconds += usage.ru_utime + usage.ru_stime
            if running:
                running.process.returncode = os.waitstatus_to_exitcode(status)
                self.timings.append(running.end(usage.ru_utime + usage.ru_stime))
                self._count(running.part, running.process.returncode)
                self._begin_next_of(next(lane for lane in self._lanes if running.part in lane), after=running.part)
            for each in self._running.values():
                each.show()
            if not pid:
                time.sleep(0.2)

    def _begin_next_of(self, lane: list[Part], after: Part | None = None) -> None:
        rest = lane[lane.index(after) + 1 :] if after else lane
        if rest and not self.interrupted:
            running = Running(rest[0], self._tier, self._more)
            self._running[running.process.pid] = running

    def _count(self, part: Part, code: int) -> None:
        before = len(self.results.failed)
        if part.report.exists():
            self.results.read(part.environment, part.report)
        if code == NO_TESTS_SELECTED and self._more:
            return  # a selection by -k, for instance, may leave an environment without a test
        self.code = max(self.code, abs(code))
        if code and len(self.results.failed) == before:
            log = part.log.relative_to(ROOT)
            self.results.failed.append(f"{part.environment}: pytest ended with code {code}, see {log}")

    def _is_overdue(self) -> bool:
        return bool(self.interrupted) and time.monotonic() > self.interrupted + STOP_SECONDS


def main() -> int:
    """Returns 0 if every environment's tests passed and each ran at least one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tier", choices=TIERS, default="test")
    arguments, more = parser.parse_known_args()
    REPORTS.mkdir(parents=True, exist_ok=True)
    adopt_orphans()
    run = Run(arguments.tier, more)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, run.interrupt)
    try:
        run.finish()
    finally:
        left = stop_descendants()
    for command in left if not run.interrupted else []:
        print(f"left running by a test, now killed: {command}")
    print(f"\n{'seconds by room, all workers together':40}{'clock':>10}{'processor':>12}")
    for room, seconds in run.results.processor.most_common():
        print(f"  {room:38}{run.results.seconds[room]:8.0f} s{seconds:10.0f} s")
    print(f"{'environment':16}{'wall clock':>9}{'processor':>12}", *run.timings, sep="\n")
    print(f"{'orphans of all':16}{'':9}{run.orphans_seconds:10.0f} s")
    for name in run.results.failed:
        print(f"FAILED {name}")
    print(f"{'interrupted: ' if run.interrupted else ''}{run.results}", flush=True)
    return 130 if run.interrupted else run.code


if __name__ == "__main__":
    sys.exit(main())
