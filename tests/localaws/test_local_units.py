"""The parts of local AWS that decide without touching anything."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from localaws.glue.spark import asked_for
from localaws.jobs.errors import error_in
from localaws.jobs.job import InputError, Job, Phase, Work
from localaws.jobs.logs import JobLog, LogStream
from localaws.jobs.processes import Command
from localaws.s3.staging import scopes
from localaws.s3.storage import place, relative_key, within


def test_the_cause_of_a_java_error_is_what_began_it() -> None:
    log = [
        "Traceback (most recent call last):",
        '  File "job.py", line 3, in <module>',
        "    frame.write.parquet(path)",
        "py4j.protocol.Py4JJavaError: An error occurred while calling o1.parquet.",
        ": org.apache.spark.SparkException: Job aborted",
        "\tat org.apache.spark.Foo(Foo.scala:1)",
        "Caused by: java.io.IOException: disk full",
        "\t... 3 more",
    ]
    assert error_in(log).endswith("Caused by: java.io.IOException: disk full")
    assert error_in(log).startswith("py4j.protocol.Py4JJavaError")


def test_the_cause_of_a_python_workers_error_is_the_inner_exception() -> None:
    log = [
        "Traceback (most recent call last):",
        '  File "job.py", line 9, in <module>',
        "pyspark.errors.exceptions.captured.PythonException: ",
        "  An exception was thrown from the Python worker. Please see the stack trace below.",
        "Traceback (most recent call last):",
        '  File "worker.py", line 1, in main',
        "ValueError: bad row",
        "",
    ]
    assert error_in(log) == "ValueError: bad row"


def test_the_cause_of_a_chained_exception_is_the_last_one() -> None:
    log = ["Traceback (most recent call last):", "KeyError: 1", "", "During handling of the above exception:"]
    log += ["", "Traceback (most recent call last):", '  File "a", line 1', "ValueError: two"]
    assert error_in(log) == "ValueError: two"


def test_silence_has_no_error_in() -> None:
    assert error_in([]) == ""
    assert error_in([], [" "]) == ""


def test_a_line_of_the_jvm_between_those_of_a_traceback_is_not_its_error() -> None:
    log = ["Traceback (most recent call last):", '  File "a.py", line 1', "12:00:01 WARN TaskSetManager: lost"]
    assert error_in([*log, "__main__.f.<locals>.OurError: no rows", "12:00:02 INFO Exit: bye"]) == (
        "__main__.f.<locals>.OurError: no rows"
    )


@pytest.mark.parametrize(
    ("error", "output", "found"),
    [
        (["Traceback (most recent call last):", "ValueError: no rows"], ["0 train, 0 test"], "ValueError: no rows"),
        (["a.py: error: --input is required"], ["starting"], "a.py: error: --input is required"),
        (["12:00:01 WARN a: b"], ["Traceback (most recent call last):", "KeyError: 1"], "KeyError: 1"),
        ([], ["the last thing that was printed"], "the last thing that was printed"),
    ],
)
def test_standard_error_is_looked_at_first_and_a_traceback_before_any_line(
    error: list[str], output: list[str], found: str
) -> None:
    assert error_in(error, output) == found


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("s3://b/raw/a.csv", ["s3://b/raw/a.csv"]),
        ("s3://b/raw/*.csv", ["s3://b/raw"]),
        ("s3://b/x/, s3://c/y", ["s3://b/x", "s3://c/y"]),
        ("s3://b/with, comma/a.csv", ["s3://b/with, comma/a.csv"]),
        ('{"in": ["s3://b/x/1"], "out": {"to": "s3://b/y/"}}', ["s3://b/x/1", "s3://b/y"]),
        ("--packages=s3://b/p.jar", ["s3://b/p.jar"]),
        ("raw/2026", []),
    ],
)
def test_what_arguments_name_is_found(value: str, named: list[str]) -> None:
    assert [str(scope) for scope in scopes({"--a": value})] == named


def test_the_widest_of_nested_prefixes_is_enough_and_siblings_are_not_nested() -> None:
    named = scopes({"--a": "s3://b/run=1", "--b": "s3://b/run=1/part", "--c": "s3://b/run=10"})
    assert [str(scope) for scope in named] == ["s3://b/run=1", "s3://b/run=10"]


def test_uris_are_taken_apart_without_losing_odd_characters() -> None:
    assert place("s3://b/a b?c#d=1").key == "a b?c#d=1"
    with pytest.raises(InputError, match="not an S3 URI"):
        place("/tmp/x")


def test_keys_cannot_leave_their_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        within(tmp_path, "../../etc/passwd")
    with pytest.raises(InputError):
        within(tmp_path, "/etc/passwd")


def test_paths_below_a_prefix_are_kept() -> None:
    assert relative_key("in/", "in/day=1/a.json") == "day=1/a.json"
    assert relative_key("in/a.json", "in/a.json") == "a.json"
    assert relative_key("in/part-", "in/part-0.json") == "part-0.json"
    assert relative_key("", "a/b.json") == "a/b.json"


def test_glues_conf_argument_holds_several_settings() -> None:
    asked = asked_for("spark.sql.shuffle.partitions=8 --conf spark.driver.extraJavaOptions=-Da=b")
    assert asked == {"spark.sql.shuffle.partitions": "8", "spark.driver.extraJavaOptions": "-Da=b"}
    assert asked_for("") == {}


class _Nothing(Work):
    """A job's work that takes nothing and leaves nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collected: list[Phase] = []

    def prepare(self) -> Command:
        return Command(["true"], {"PATH": os.environ["PATH"]}, self.folder)

    def collect(self, end: Phase) -> None:
        self.collected.append(end)

    def failure(self, exit_code: int, tail: Sequence[str]) -> str:
        return f"exit code {exit_code}"


class _Logs:
    """CloudWatch Logs for a job that says nothing."""

    def create_log_stream(self, **_: str) -> None:
        pass


class _DiesAtItsCommandsEnd(Job):
    """The moment between a command's end and the collection of what it left, hit each time."""

    def _execute(self, command: Command) -> Phase:
        end = super()._execute(command)
        self.abandon()
        return end


def test_a_job_whose_output_nobody_collected_did_not_succeed(tmp_path: Path) -> None:
    ends = {}
    for kind in (Job, _DiesAtItsCommandsEnd):
        work = _Nothing(tmp_path / kind.__name__)
        log = JobLog(_Logs(), LogStream("group", "stream", tmp_path / "log"))
        job = kind("a", {}, work, log, timeout=None)
        job.start()
        job.join(10)
        ends[kind] = (job.phase, work.collected)
    assert ends[Job] == (Phase.SUCCEEDED, [Phase.SUCCEEDED])
    assert ends[_DiesAtItsCommandsEnd] == (Phase.STOPPED, [])
