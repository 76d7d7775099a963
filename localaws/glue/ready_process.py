"""The process that is kept ready for the next Spark job: PySpark imported, Spark's JVM started and warmed.

`ready_spark.py` starts it as a script and writes one line of JSON to its standard input once there is a job. From then
on the process is that job's: same arguments, environment, `__main__` and exit code as in a new interpreter. An end of
the input without a line means that local AWS is gone, and ends the process.
"""

import builtins
import importlib
import json
import os
import select
import sys
import types
from pathlib import Path
from typing import Any

from pyspark import SparkContext
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

_INPUT = 0
_COLD = "--cold"


def main() -> None:
    """Gets ready, waits for the job, and runs it."""
    if _COLD not in sys.argv:
        _get_ready()
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        os._exit(0)
    _serve(json.loads(line))


def _get_ready() -> None:
    """Starts a JVM and warms it; where that fails, begins again as an interpreter in which the job starts its own."""
    path = [*sys.path]
    try:
        SparkContext._gateway = launch_gateway()  # type: ignore[no-untyped-call]
        SparkContext._jvm = SparkContext._gateway.jvm
        _warm_up(SparkContext._jvm)
    except Exception:
        os.execv(sys.executable, [sys.executable, *sys.argv, _COLD])
    sys.path[:] = path


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
    if gateway is None or gateway.proc.poll() is not None:
        SparkContext._gateway = SparkContext._jvm = None
    else:
        # What spark-submit does with the settings that it finds: a SparkConf reads them from there.
        for name, value in job["settings"].items():
            gateway.jvm.System.setProperty(name, value)
    for stream in (1, 2):
        # What the JVM wrote before is not the job's.
        os.write(stream, f"\n{job['marker']}\n".encode())
    _run(job["arguments"])


def _run(arguments: list[str]) -> None:
    """Runs a script as `python script arguments` does."""
    script = arguments[0]
    sys.argv[:] = arguments
    path = os.environ.get("PYTHONPATH", "")
    sys.path[:1] = [str(Path(script).parent), *filter(None, path.split(os.pathsep))]
    module = types.ModuleType("__main__")
    module.__file__ = script
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    try:
        code = compile(Path(script).read_bytes(), script, "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except Exception as error:
        trace = error.__traceback__
        # Without this function.
        error.__traceback__ = trace and trace.tb_next
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)


if __name__ == "__main__":
    main()
