"""A JVM of Spark that several jobs use, one after another: only the first one waits for it to start and to get warm.

On AWS each job has a JVM of its own, and by default it has one here. Jobs that take turns find the same settings and an
empty Spark each, but share what Java keeps in static variables; and what the JVM itself writes, Spark's own warnings,
is in `jvm.log` in the folder and not in the jobs' logs.
"""

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from localaws.glue import class_data, spark
from localaws.jobs.processes import Command, Processes

# spark-submit's standard input is the JVM's, which ends with it: the JVM is gone when local AWS is, however it ends.
_START = 'exec "$@" >jvm.log 2>&1'


class ReusedJvm(Processes):
    """One JVM, which takes connections from PySpark; everything that it writes is in `folder`."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        bucket = class_data.WARM_UP_BUCKET
        (folder / bucket).mkdir()
        configured = spark.configure(folder, spark.mounts(folder, [bucket]), class_data.jvm_options())
        self._folder = folder
        self._connection = folder / "connection"
        self._turns = 0
        submit = [str(spark.SPARK_HOME / "bin" / "spark-submit"), *shlex.split(configured["PYSPARK_SUBMIT_ARGS"])]
        # As PySpark starts it; there it writes its port and its secret.
        told = {"_PYSPARK_DRIVER_CONN_INFO_PATH": str(self._connection)}
        command = Command(["/bin/sh", "-c", _START, "sh", *submit], {**environment, **configured, **told}, folder)
        super().__init__(command, merge_output=True, stdin=subprocess.PIPE)

    @property
    def runs(self) -> bool:
        """True until it has ended."""
        return self.exit_code(0) is None

    def next_turn(self) -> Sequence[str]:
        """The arguments that let `ready_process.py` use it next; whoever had it before must have ended."""
        self._turns += 1
        return ["--jvm", str(self._connection), *(["--used"] if self._turns > 1 else [])]

    def end(self) -> None:
        """Kill it, and remove its folder."""
        self.sweep()
        for pipe in (self._input, *self._pipes):
            pipe.close()
        shutil.rmtree(self._folder, ignore_errors=True)
