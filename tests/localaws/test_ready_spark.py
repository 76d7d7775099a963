import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from localaws.glue import class_data, spark
from localaws.glue.ready_spark import ReadySpark
from localaws.glue.standby import Standby
from localaws.jobs.processes import Command, Lines, Processes
from tests.localaws.account import runs

# Everything by which a job could tell one process from another, as one line of JSON.
FACTS = """
import json, os, sys, tempfile
from pyspark.sql import SparkSession, functions as F
from of_a_library import shout

path = sys.path[:3]
spark = SparkSession.builder.config("spark.sql.session.timeZone", "Europe/Berlin").getOrCreate()
spark.range(3).write.mode("overwrite").parquet("s3://bucket/rows")
names = spark.read.parquet("s3://bucket/rows").select(F.udf(shout)(F.col("id").cast("string")).alias("name"))
jvm = spark.sparkContext._jvm
print("an error is not an output", file=sys.stderr, flush=True)
print(json.dumps({
    "arguments": sys.argv[1:],
    "name": __name__,
    "file": __file__,
    "path": path,
    "main": sys.modules["__main__"].__file__,
    "environment": {name: os.environ.get(name) for name in ("OF_THE_JOB", "PYTHONPATH", "JAVA_HOME")},
    "foreign": sorted(set(os.environ) & {"OF_THE_SERVER"}),
    "input": sys.stdin.read(),
    "names": sorted(row.name for row in names.collect()),
    "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
    "zone": spark.conf.get("spark.sql.session.timeZone"),
    "settings": sorted(name for name, _ in spark.sparkContext.getConf().getAll() if "mounttable" in name),
    "megabytes": jvm.Runtime.getRuntime().maxMemory() // 2**20,
    "files": os.listdir("."),
    "jvm": jvm.java.lang.ProcessHandle.current().pid(),
    "temporary": [tempfile.gettempdir(), jvm.System.getProperty("java.io.tmpdir")],
}))
"""
# What a Python worker has on its path and has imported.
OF_A_WORKER = """
import json
from pyspark.sql import SparkSession

def facts(_):
    import sys
    import boto3, pyarrow, pyspark
    return [(sys.path, boto3.__file__, pyspark.__file__, "spark_workers" in sys.modules)]

spark = SparkSession.builder.getOrCreate()
print(json.dumps(spark.sparkContext.parallelize([1], 1).mapPartitions(facts).collect()[0]))
"""
ENVIRONMENT = {"PATH": os.environ["PATH"], "TZ": "UTC", "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}


class Jobs:
    """Scripts, run as a job of Glue runs them."""

    def __init__(self, folder: Path, is_on: bool, *, reuses_jvm: bool = False) -> None:
        self.folder = folder
        self.spark = ReadySpark(ENVIRONMENT, folder / "spark", is_on, reuses_jvm=reuses_jvm)
        self.spark.get_ready()

    def start(self, script: str, settings: dict[str, str] | None = None, **environment: str) -> Processes:
        path = self.folder / "script" / "job.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(script)
        command = Command([sys.executable, str(path), "--name", "a b"], ENVIRONMENT | environment, self.folder)
        (self.folder / "s3" / "bucket").mkdir(parents=True, exist_ok=True)
        return self.spark.start(command, spark.mounts(self.folder / "s3", ["bucket"]) | (settings or {}))

    def run(self, script: str, settings: dict[str, str] | None = None, **environment: str) -> tuple[int, str, str]:
        """Exit code, output and errors."""
        processes = self.start(script, settings, **environment)
        out, err = [_read(lines) for lines in processes.outputs]
        code = processes.exit_code(60)
        processes.sweep()
        assert code is not None
        return code, out, err

    def facts(self, settings: dict[str, str] | None = None) -> dict[str, object]:
        library = self.folder / "library.zip"
        with zipfile.ZipFile(library, "w") as archive:
            archive.writestr("of_a_library.py", "def shout(text): return f'{text}!'")
        code, out, err = self.run(FACTS, settings, OF_THE_JOB="ü", PYTHONPATH=str(library))
        assert (code, err) == (0, "an error is not an output\n"), err
        facts: dict[str, object] = json.loads(out)
        return facts


def _read(lines: Lines) -> str:
    with closing(lines):
        return b"".join(lines).decode()


@pytest.fixture
def jobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Jobs]:
    """With a process that is kept ready, unless a test says otherwise."""
    made = Jobs(tmp_path, getattr(request, "param", True))
    yield made
    made.spark.close()


def ready_pid(jobs: Jobs) -> int:
    """The process that waits for the next job."""
    ready = jobs.spark._waiting._process
    assert ready
    return ready._main.pid


def session_of(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "-s", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split() if runs(int(line))]


@pytest.mark.parametrize("jobs", [True, False], indirect=True, ids=["ready", "new"])
@pytest.mark.parametrize("of_the_job", ["", "/nowhere"])
def test_a_worker_finds_the_libraries_of_the_job_first_and_no_archives_of_spark(jobs: Jobs, of_the_job: str) -> None:
    library = jobs.folder / "library.zip"
    with zipfile.ZipFile(library, "w") as archive:
        archive.writestr("boto3/__init__.py", "")
        archive.writestr("boto3/session.py", "")
    asked = {spark.WORKERS_PATH: of_the_job} if of_the_job else {}
    code, out, err = jobs.run(OF_A_WORKER, asked, PYTHONPATH=str(library))
    assert code == 0, err
    path, boto3, pyspark, is_ours = json.loads(out)
    assert {str(library), *filter(None, [of_the_job])} <= {*path}
    assert not [each for each in path if each.endswith(".jar") or "pyspark" in each or "python_path" in each]
    assert (boto3, Path(pyspark).resolve().parent) == (f"{library}/boto3/__init__.py", spark.SPARK_HOME)
    assert not is_ours


@pytest.mark.parametrize("asked", [{}, {"spark.sql.shuffle.partitions": "3"}, {"spark.driver.memory": "600m"}])
def test_a_job_finds_in_the_ready_process_what_it_finds_in_a_new_one(tmp_path: Path, asked: dict[str, str]) -> None:
    found = []
    for is_on in (True, False):
        jobs = Jobs(tmp_path, is_on)
        waited = ready_pid(jobs) if is_on else None
        facts = jobs.facts(asked)
        if waited:
            # A JVM has its memory from the start: such a job gets a new one, and the ready one waits on.
            assert runs(waited) == ("spark.driver.memory" in asked)
        jobs.spark.close()
        temporary, _ = facts.pop("temporary"), facts.pop("jvm")
        assert isinstance(temporary, list)
        assert all(Path(path).is_relative_to(tmp_path / "spark") for path in temporary)
        assert not list((tmp_path / "spark").iterdir())
        facts["files"] = sorted(set(facts["files"]) - {class_data.WARM_UP_BUCKET})  # type: ignore[call-overload]
        found.append(facts)
    assert found[0] == found[1]
    assert found[0]["names"] == ["0!", "1!", "2!"]
    assert found[0]["arguments"] == ["--name", "a b"]
    assert found[0]["partitions"] == asked.get("spark.sql.shuffle.partitions", "4")
    assert (found[0]["megabytes"] < 700) == ("spark.driver.memory" in asked)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import sys; sys.exit(3)", 3),
        ("def f(): raise KeyError('a')\ntry:\n    f()\nexcept KeyError as e:\n    raise ValueError('b') from e", 1),
        ("import os; os.kill(os.getpid(), 9)", -9),
        ("this is no Python", 1),
    ],
)
def test_a_script_ends_in_the_ready_process_as_in_a_new_one(tmp_path: Path, script: str, expected: int) -> None:
    ready, new = Jobs(tmp_path, True), Jobs(tmp_path, False)
    found = [each.run(script) for each in (ready, new)]
    ready.spark.close()
    assert found[0] == found[1]
    assert found[0][0] == expected


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Jobs]:
    """Jobs that take turns at one JVM."""
    made = Jobs(tmp_path, True, reuses_jvm=True)
    yield made
    made.spark.close()
    assert not list((tmp_path / "spark").iterdir())


def jvm_pid(jobs: Jobs) -> int:
    """The JVM that the next job will use."""
    jvm = jobs.spark._jvm
    assert jvm
    return jvm._main.pid


COUNTS = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(spark.range(5).count(), spark.sparkContext._jvm.java.lang.ProcessHandle.current().pid())
"""


def test_jobs_that_take_turns_at_one_jvm_find_what_they_find_in_one_of_their_own(turns: Jobs) -> None:
    jvm = jvm_pid(turns)
    first = turns.facts({"spark.sql.shuffle.partitions": "3", "spark.hadoop.of.the.first": "1"})
    second = turns.facts()
    looks = f"{COUNTS}\nassert spark.sparkContext._jsc.hadoopConfiguration().get('of.the.first') is None"
    assert jvm_of(turns.run(looks)) == jvm
    new = Jobs(turns.folder, False).facts()
    assert [first.pop("jvm"), second.pop("jvm"), new.pop("jvm") == jvm] == [jvm, jvm, False]
    for facts in (first, second, new):
        # The JVM has a folder of its own for them.
        del facts["files"], facts["temporary"]
    assert second == new
    assert first == {**new, "partitions": "3"}


WAITS = """
import sys, time
from pathlib import Path
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("runs", flush=True)
while not Path(FILE).exists(): time.sleep(0.05)
print(spark.range(3).count())
"""


def test_a_second_job_at_the_same_time_has_a_jvm_of_its_own_and_one_that_fails_leaves_none(turns: Jobs) -> None:
    jvm, file = jvm_pid(turns), turns.folder / "go"
    first = turns.start(WAITS.replace("FILE", repr(str(file))))
    output, errors = first.outputs
    lines = iter(output)
    assert next(lines) == b"runs\n"
    assert jvm_of(turns.run(COUNTS)) != jvm
    file.touch()
    assert ([*lines], first.exit_code(60)) == ([b"3\n"], 0)
    _read(errors)
    first.sweep()
    assert jvm_pid(turns) == jvm

    assert turns.run(f"{COUNTS}; raise ValueError('no')")[0] == 1
    assert not session_of(jvm)
    assert jvm_of(turns.run(COUNTS)) == jvm_pid(turns) != jvm


def jvm_of(done: tuple[int, str, str]) -> int:
    """The JVM in which a job counted."""
    code, out, _ = done
    count, pid = out.split()
    assert (code, count) == (0, "5")
    return int(pid)


def test_a_jvm_that_has_died_costs_no_job(turns: Jobs) -> None:
    jvm = jvm_of(turns.run(COUNTS))
    assert jvm == jvm_pid(turns)
    for pid in session_of(jvm):
        os.kill(pid, signal.SIGKILL)
    assert jvm_of(turns.run(COUNTS)) != jvm


def test_a_stopped_job_is_ended_to_its_last_process_and_the_next_one_gets_ready(jobs: Jobs) -> None:
    pid = ready_pid(jobs)
    script = "from pyspark.sql import SparkSession; SparkSession.builder.getOrCreate(); print('runs'); input_ = 1\n"
    processes = jobs.start(f"{script}import time; time.sleep(600)")
    outputs = processes.outputs
    assert next(iter(outputs[0])) == b"runs\n"
    assert len(session_of(pid)) > 1
    processes.terminate(5)
    for output in outputs:
        _read(output)
    assert not session_of(pid)
    assert [path.name for path in (jobs.folder / "spark").iterdir()] == ["2"]
    assert ready_pid(jobs) != pid


def test_a_ready_process_that_has_died_costs_no_job(jobs: Jobs) -> None:
    os.killpg(ready_pid(jobs), signal.SIGKILL)
    time.sleep(0.2)
    assert jobs.run("print('done')") == (0, "done\n", "")


def test_a_process_that_could_not_get_ready_runs_its_job_all_the_same(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    script.write_text(
        "from pyspark.sql import SparkSession\nprint(SparkSession.builder.getOrCreate().range(3).count())"
    )
    environment = ENVIRONMENT | spark.configure(tmp_path / "spark", {})
    ready = [sys.executable, str(Path(class_data.WARM_UP).with_name("ready_process.py"))]
    process = Standby(Command(ready, environment | {"JAVA_HOME": "/nowhere"}, tmp_path), merge_output=False)
    process.hand_over({"arguments": [str(script)], "environment": environment, "settings": {}, "marker": "job:"})
    out, _ = [_read(lines) for lines in process.outputs]
    assert (out, process.exit_code(60)) == ("\njob:\n3\n", 0)
    process.sweep()


def test_an_archive_that_does_not_fit_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsa"
    broken.write_bytes(b"of another Java")
    options = class_data.options(broken)
    folder = tmp_path / "spark"
    environment = ENVIRONMENT | spark.configure(folder, spark.mounts(folder, ["warm-up"]), options)
    (folder / "warm-up").mkdir()
    command = [sys.executable, str(class_data.WARM_UP)]
    ended = subprocess.run(command, env=environment, cwd=folder, capture_output=True, check=False, text=True)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "jsa" not in ended.stderr


def test_two_that_make_the_archive_at_once_make_one_that_java_takes(tmp_path: Path) -> None:
    script = "import sys; from pathlib import Path; from localaws.glue import class_data\n"
    script += "print(class_data.make(Path(sys.argv[1])))"
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "made")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    paths = {each.communicate(timeout=400)[0].strip() for each in both}
    archive = Path(paths.pop())
    assert not paths
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == sorted([archive.parent.name, "lock"])
    # -Xshare:on fails where the archive cannot be used; the class path is that of Spark's own scripts.
    class_path = f"{spark.SPARK_HOME}/conf{os.pathsep}{spark.SPARK_HOME}/jars/*"
    options = [class_data.options(archive)[0], "-Xshare:on", *spark.JVM_OPTIONS]
    java = [str(spark.JAVA_HOME / "bin" / "java"), *options, "-cp", class_path, "-version"]
    ended = subprocess.run(java, check=False, capture_output=True, text=True)
    assert (ended.returncode, "sharing" in ended.stderr) == (0, True), ended.stderr
