"""The process that forks Spark's Python workers (`spark.python.daemon.module`): Spark's own, with less to do.

Spark puts archives on the workers' path that hold what is installed beside them anyway, or no Python at all: PySpark
and Py4J as source, which each job would compile anew, and a jar of 5,200 files. A worker reads the tables of contents
of all of them again for each task, however small. Here they are off the path, and what jobs import is imported once,
before the first worker is forked.
"""

import gc
import importlib
import importlib.util
import re
import runpy
import sys
from contextlib import suppress
from pathlib import Path

_OF_SPARK = re.compile(r".*/(python/lib/(pyspark|py4j-[^/]*-src)\.zip|jars/spark-core_[^/]*\.jar)")
# A library that a job brings along itself is found first, as it is in a worker.
_USED_BY_JOBS = ("numpy", "pyarrow.parquet", "pyarrow.compute", "pyarrow.csv", "pyarrow.json", "boto3.session")


def main() -> None:
    """Runs Spark's own module for this."""
    own = str(Path(__file__).parent)
    path = [each for each in sys.path if each != own]
    sys.path[:] = [each for each in path if not _OF_SPARK.fullmatch(each)]
    if not importlib.util.find_spec("pyspark.daemon"):
        # PySpark is not installed, but part of a Spark.
        sys.path[:] = path
    for name in _USED_BY_JOBS:
        # A job that needs it will say so.
        with suppress(ImportError):
            importlib.import_module(name)
    # Workers collect garbage after each task: not among what they share.
    gc.freeze()
    runpy.run_module("pyspark.daemon", run_name="__main__")


if __name__ == "__main__":
    main()
