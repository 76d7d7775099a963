"""Reading in parallel: every input whole, whatever it is called and however many rows it has."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from exact_csv.columns import REQUIRED
from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits
from exact_csv.parquet_files import files_of
from exact_csv.reading import read_complaints
from exact_csv.row_tables import exact_tables
from exact_csv.tolerant_reader import Record
from pyspark.sql import Row, SparkSession

from tests.glue.local_runs import LIMITS, Run

LaidOut = Callable[[Mapping[str, str | bytes]], Run]
GLUE = Path(__file__).parents[2] / "include" / "glue"
SHORT = "Product,Consumer complaint narrative,Complaint ID\n"
BOUNDS = ReaderLimits(**LIMITS)


def inputs(run: Run, *names: str) -> list[Input]:
    return [Input(run.source(name)) for name in names]


def rows_of(spark: SparkSession, run: Run, *names: str) -> list[Row]:
    """The rows of the files, in their order."""
    read = read_complaints(spark, inputs(run, *names), BOUNDS, run.uri("parsed"))
    found = read.complaints.collect()
    assert len(found) == read.rows
    places = {run.source(name): place for place, name in enumerate(names)}
    return sorted(found, key=lambda row: (places[row.source], row.record))


def test_files_with_strange_names_are_read_and_named_as_the_plan_names_them(
    spark: SparkSession, run_of: LaidOut
) -> None:
    names = ["a[1].csv", "b c.csv", "d%20e.csv", "f{g}*?.csv", "h#+\xe4.csv"]
    run = run_of({name: SHORT + f'card,"of\n{name}",{place}\n' for place, name in enumerate(names)})
    found = rows_of(spark, run, *names)
    assert {(row.source, row.consumer_complaint_narrative) for row in found} == {
        (run.source(name), f"of\n{name}") for name in names
    }


def test_a_file_of_more_records_than_are_written_at_a_time_comes_whole(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"many.csv": SHORT + "".join(f"card,n{place},{place}\n" for place in range(1, 50_002))})
    found = rows_of(spark, run, "many.csv")
    assert [(row.record, row.complaint_id) for row in found] == [(n, str(n)) for n in range(1, 50_002)]


def test_long_rows_are_written_before_they_fill_the_memory(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"long.csv": SHORT + "".join(f"card,{'x' * 130_000},{place}\n" for place in range(1, 300))})
    found = rows_of(spark, run, "long.csv")
    assert [row.complaint_id for row in found] == [str(n) for n in range(1, 300)]


def test_small_inputs_are_shared_among_the_cores(spark: SparkSession, run_of: LaidOut) -> None:
    names = [f"{number}.csv" for number in range(5)]
    run = run_of(dict.fromkeys(names, SHORT + "card,x,1\n" * 3))
    files = read_complaints(spark, inputs(run, *names), BOUNDS, run.uri("parsed")).files
    sources = [sorted({row.source for row in spark.read.parquet(each.uri).collect()}) for each in files]
    assert len(files) == spark.sparkContext.defaultParallelism
    assert [each for found in sources for each in found] == [run.source(name) for name in names]


def test_a_task_ends_a_file_once_it_is_large() -> None:
    chance = np.random.default_rng(0)
    narratives = [chance.bytes(10 << 20).hex() for _ in range(3)]  # which Snappy leaves as they are
    tables = iter([_told(place, each) for place, each in enumerate(narratives, start=1)])
    files = [(pq.read_table(file), rows) for file, rows in files_of(tables)]
    assert [rows for _, rows in files] == [2, 1]
    assert [text for table, _ in files for text in table[REQUIRED].to_pylist()] == narratives


def _told(record: int, narrative: str) -> pa.Table:
    return next(exact_tables("a.csv", iter([Record(record, record, None, None, {REQUIRED: narrative})])))


def test_a_second_attempt_replaces_the_files_of_the_first_by_the_same(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"a.csv": SHORT + "card,x,1\n", "b.csv": SHORT + 'card,"open\n'})
    contents = []
    for _ in range(2):
        read_complaints(spark, inputs(run, "a.csv", "b.csv"), BOUNDS, run.uri("parsed"))
        folder = run.folder / "parsed"
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]
    assert sorted(contents[0]) == ["part-00000-00000.parquet", "part-00001-00000.parquet"]


def test_an_input_that_is_gone_is_one_row_that_says_so(spark: SparkSession, run_of: LaidOut) -> None:
    run = run_of({"a.csv": SHORT + "card,x,1\n"})
    found = rows_of(spark, run, "gone.csv", "a.csv")
    assert [(row.source, row.record, row.reason) for row in found] == [
        (run.source("gone.csv"), 0, "it is not there any more"),
        (run.source("a.csv"), 1, None),
    ]


def test_a_worker_reads_cleans_and_writes_without_pandas(tmp_path: Path) -> None:
    """Which takes longer to import than it takes to read several MB."""
    given = tmp_path / "given.csv"
    given.write_text(
        SHORT + "".join(f"Mortgage,Nobody listens to number {number}.,{number}\n" for number in range(50_000))
    )
    program = f"""
import sys
from cleaned_rows import SCHEMA, Cleaning, Source
from exact_csv.parquet_files import Rewriting
from exact_csv.reading import Written, _write
from exact_csv.splitting import Piece
from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits
given = Input({given.as_uri()!r}, size={given.stat().st_size})
limits, work = ReaderLimits(**{LIMITS!r}), [Piece(given)]
cleaning = Rewriting(SCHEMA, Cleaning({{given.uri: Source("etag", 0, 0)}}, [["mortgage", "mortgage"]]))
written = list(_write({(tmp_path / "parsed").as_uri()!r}, limits, cleaning, "part", 0, [work]))
assert sum(each.rows for each in written if isinstance(each, Written)) == 50_000
assert "pandas" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": str(GLUE)})
