"""The process that is kept ready for the next Spark job: PySpark imported, Spark's JVM started and warmed.

`ready_spark.py` starts it as a script and writes one line of JSON to its standard input once there is a job. From then
on the process is that job's: same arguments, environment, `__main__` and exit code as in a new interpreter. An end of
the input without a line means that local AWS is gone, and ends the process.
"""

import argparse
import importlib
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.serializers import UTF8Deserializer, read_int
from pyspark.sql import SparkSession

_INPUT = 0
_COLD = "--cold"
# spark-submit sets them by itself.
_OF_SUBMIT = ("spark.app.", "spark.submit.")
_MOUNTS = "spark.hadoop.fs.viewfs.mounttable."
_JVM_SECONDS = 120.0


def main() -> None:
    """Gets ready, waits for the job, and runs it."""
    parser = argparse.ArgumentParser()
    parser.add_argument(_COLD, action="store_true")
    parser.add_argument("--jvm", type=Path)
    parser.add_argument("--used", action="store_true")
    options = parser.parse_args()
    if not options.cold:
        _get_ready(options.jvm, options.used)
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        os._exit(0)
    _serve(json.loads(line))


def _get_ready(connection: Path | None, used: bool) -> None:
    """Gets a JVM ready; where that fails, begins again as an interpreter in which the job starts its own."""
    path = [*sys.path]
    try:
        SparkContext._gateway = _connected(connection) if connection else launch_gateway()  # type: ignore[no-untyped-call]
        SparkContext._jvm = SparkContext._gateway.jvm
        if connection and used:
            _clear(SparkContext._jvm, connection.with_name("spark-defaults.conf"))
        else:
            _warm_up(SparkContext._jvm)
    except Exception:
        os.execv(sys.executable, [sys.executable, *sys.argv, _COLD])
    sys.path[:] = path


def _connected(connection: Path) -> Any:
    """The gateway to a JVM that runs, or is about to, and writes its port and its secret into a file."""
    deadline = time.monotonic() + _JVM_SECONDS
    while not connection.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"no JVM has written {connection}")
        time.sleep(0.05)
    with connection.open("rb") as file:
        told = {"PORT": str(read_int(file)), "SECRET": UTF8Deserializer().loads(file)}  # type: ignore[no-untyped-call]
    names = {f"PYSPARK_GATEWAY_{name}": value for name, value in told.items()}
    os.environ.update(names)
    gateway = launch_gateway()  # type: ignore[no-untyped-call]
    for name in names:
        del os.environ[name]
    return gateway


def _clear(jvm: Any, defaults: Path) -> None:
    """Takes back what the job before has left: its session, its file systems, and its settings."""
    # The companion of SparkContext, as Java names what Scala calls an object.
    context = getattr(getattr(jvm.org.apache.spark, "SparkContext$"), "MODULE$").getActive()
    if context.isDefined():
        context.get().stop()
    jvm.SparkSession.clearActiveSession()
    jvm.SparkSession.clearDefaultSession()
    jvm.org.apache.hadoop.fs.FileSystem.closeAll()
    jvm.System.gc()
    given = jvm.java.util.Properties()
    given.load(jvm.java.io.FileReader(str(defaults)))
    _forget(jvm, ("spark.",), kept=_OF_SUBMIT)
    for name in list(given.stringPropertyNames()):
        jvm.System.setProperty(name, given.getProperty(name))


def _forget(jvm: Any, begin: tuple[str, ...], kept: tuple[str, ...]) -> None:
    """Removes the JVM's properties whose names begin so."""
    for name in list(jvm.System.getProperties().stringPropertyNames()):
        if name.startswith(begin) and not name.startswith(kept):
            jvm.System.clearProperty(name)


def _warm_up(jvm: Any) -> None:
    """Uses Spark until there is a job, or nothing more to use."""
    warm_up = importlib.import_module("warm_up")

    spark = None
    try:
        if _is_wanted():
            return
        spark = SparkSession.builder.getOrCreate()
        for _ in warm_up.steps(spark):
            if _is_wanted():
                return
    finally:
        if spark:
            spark.stop()
            # Of the warm-up's own settings: the job's Hadoop file systems are new ones.
            jvm.org.apache.hadoop.fs.FileSystem.closeAll()
            jvm.System.gc()
        # The job may have a module of this name.
        del sys.modules["warm_up"]


def _is_wanted() -> bool:
    """True if there is a job, or nobody left to bring one."""
    return bool(select.select([_INPUT], [], [], 0)[0])


def _serve(job: dict[str, Any]) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _INPUT)
    os.close(nothing)
    os.environ.clear()
    os.environ.update(job["environment"])
    gateway = SparkContext._gateway
    if gateway is None or _has_ended(gateway):
        SparkContext._gateway = SparkContext._jvm = None
    else:
        _forget(gateway.jvm, (_MOUNTS,), kept=())
        # What spark-submit does with the settings that it finds: a SparkConf reads them from there.
        for name, value in job["settings"].items():
            gateway.jvm.System.setProperty(name, value)
    for stream in (1, 2):
        # What the JVM wrote before is not the job's.
        os.write(stream, f"\n{job['marker']}\n".encode())
    container = str(Path(__file__).parents[1] / "container")
    sys.path.insert(0, container)
    run_script = importlib.import_module("run_script")
    sys.path.remove(container)
    del sys.modules["run_script"]
    run_script.run_script(job["arguments"])


def _has_ended(gateway: Any) -> bool:
    if gateway.proc:
        return gateway.proc.poll() is not None
    try:
        gateway.jvm.System.nanoTime()
    except Exception:
        return True
    return False


if __name__ == "__main__":
    main()
