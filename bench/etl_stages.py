"""`python -m bench.etl_stages NAME CSV PARQUET`: where one core's time goes from CSV to Parquet.

`ours` are the steps of a task of the Glue jobs, without Spark: what the whole job takes longer on one core is Spark's.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

_JOBS = Path(__file__).parents[1] / "include" / "glue"

Seconds: TypeAlias = defaultdict[str, float]


def main() -> None:
    """Prints a JSON object with the seconds of each stage."""
    name, source, target = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    print(json.dumps(STAGES[name](source, target)))


@contextmanager
def _timed(seconds: Seconds, stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] += time.perf_counter() - start


def _ours(source: str, target: str) -> Seconds:
    sys.path.insert(0, str(_JOBS))
    exact = importlib.import_module("exact_csv")
    names = ("splitting", "ranges", "row_tables", "parquet_files", "outputs", "inputs", "strict_reader")
    splitting, ranges, row_tables, parquet_files, outputs, inputs, strict_reader = (
        importlib.import_module(f"exact_csv.{name}") for name in names
    )
    settings = importlib.import_module("complaints.settings").load_settings()
    limits = exact.ReaderLimits(**settings.pipeline.limits.of_reading())
    opener = inputs.Opener()
    given = exact.Input(source, size=Path(source).stat().st_size)
    layout = splitting.layout_of(opener, given, limits, splitting.RANGE_BYTES)
    at, seconds = strict_reader.Place(), defaultdict[str, float](float)

    def tables() -> Iterator[object]:
        for each in layout.ranges:
            with _timed(seconds, "bytes and marks"):
                sight = splitting.sight_in(opener, given, each)
            with _timed(seconds, "quotes and records"):
                surveyed = ranges.survey(sight)
                inside = bool(surveyed.outside.fault)
                _, whole = sight.begins(inside)
            with _timed(seconds, "parse and check"):
                found = list(row_tables.whole_tables(source, sight.stretch, whole, layout.header, limits, at))
            yield from found

    start = time.perf_counter()
    for number, (content, _) in enumerate(parquet_files.files_of(tables())):
        outputs.write_file(f"{target}/{number}.parquet", content)
    seconds["encode and write"] = time.perf_counter() - start - sum(seconds.values())
    return seconds


def _pyarrow(source: str, target: str) -> Seconds:
    pyarrow, csv = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.csv")
    parquet = importlib.import_module("pyarrow.parquet")
    pyarrow.set_cpu_count(1)
    seconds: Seconds = defaultdict(float)
    with csv.open_csv(source) as head:
        types = dict.fromkeys(head.schema.names, pyarrow.string())
    with _timed(seconds, "parse and check"):
        convert = csv.ConvertOptions(column_types=types)
        parse = csv.ParseOptions(newlines_in_values=True)
        table = csv.read_csv(source, csv.ReadOptions(use_threads=False), parse, convert)
    with _timed(seconds, "encode and write"):
        parquet.write_table(table, target)
    return seconds


def _polars(source: str, target: str) -> Seconds:
    os.environ["POLARS_MAX_THREADS"] = "1"
    polars = importlib.import_module("polars")
    seconds: Seconds = defaultdict(float)
    with _timed(seconds, "parse and check"):
        table = polars.read_csv(source, infer_schema=False)
    with _timed(seconds, "encode and write"):
        table.write_parquet(target, compression="snappy")
    return seconds


STAGES: Mapping[str, Callable[[str, str], Seconds]] = {"ours": _ours, "pyarrow": _pyarrow, "polars": _polars}

if __name__ == "__main__":
    main()
