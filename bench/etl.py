"""`python -m bench.etl`: complaints CSV to Parquet, by the reader of the Glue jobs and by five other tools.

All read the same file: real complaints if there are any beside the project, otherwise the generated sample, repeated
with new ids. Each contender runs in a process of its own, and first reads a smaller file. A time counts only if the
contender's rows are those of the file.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from bench.labelled_narratives import DATA
from bench.processes import measured
from bench.results import record, save
from bench.tables import machine, ratio, table
from laptop.sample import write_sample

ROOT = Path(__file__).parents[1]
_ROWS, _SMALL_ROWS = 1_000_000, 50_000  # the smaller file is also split between tasks
_IN_BENCH_ENVIRONMENT = ("duckdb", "polars")
# Those whose stages are timed on one core, and the stages.
_STAGED = ("ours", "pyarrow", "polars")
_STAGES = ("bytes and marks", "quotes and records", "parse and check", "encode and write")
_ABOUT = (
    "Wall time to read a CSV file of complaints and write it as Parquet, every column as text: the reader of the "
    "Glue jobs (`ours`) against Spark's CSV reader, DuckDB, Polars, pandas and pyarrow. Each runs in a process of "
    "its own and reads a smaller file first (`first file`). A ratio above 1 is slower than ours. A time counts "
    "only if rows, ids and narratives are those of the file (`rows are right`). Below: where one core's time goes, "
    "without Spark. Parsing and encoding are pyarrow's, which Glue has; marks and quotes make exact rows of any bytes."
)
# The contenders with the number of cores each may use.
_RUNS = (
    *(("ours", 2), ("spark_multiline", 2), ("duckdb", 2), ("polars", 2), ("pandas", 2), ("pyarrow", 2)),
    ("ours", 1),
)


class Content(NamedTuple):
    """The content of a file: the number of rows, and a checksum of ids and narratives that ignores their order."""

    rows: int
    checksum: str


def main() -> int:
    """Prints the table, writes it to docs/benchmarks.md and build/bench; returns 1 if a contender read other rows."""
    parser = argparse.ArgumentParser(prog="bench.etl", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows of the file (default: %(default)s)")
    parser.add_argument("--contenders", nargs="+", choices=dict(_RUNS), help="only these (default: all)")
    parser.add_argument("--bench-python", default=sys.executable, help="the Python that has DuckDB and Polars")
    options = parser.parse_args()
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"complaints-{options.rows}.csv"
    expected = tile(source, options.rows, folder / "sample")
    small = folder / f"complaints-{_SMALL_ROWS}.csv"
    tile(small, _SMALL_ROWS, folder / "sample")
    size = source.stat().st_size
    print(
        f"{_ABOUT}\n\n{expected.rows:,} rows, {size / 1e6:,.0f} MB, checksum {expected.checksum}; {machine()}",
        flush=True,
    )
    runs = [(name, cores) for name, cores in _RUNS if name in (options.contenders or dict(_RUNS))]
    results = [_measured(name, cores, small, source, options.bench_python) for name, cores in runs]
    for each in results:
        each["right"] = (each["rows"], each["checksum"]) == expected
    document = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "bytes": size}
    asked = [f"ROWS={options.rows}"] if options.rows != _ROWS else []
    asked += [f"CONTENDERS='{' '.join(options.contenders)}'"] if options.contenders else []
    # A run with other options replaces only the figures of the same options.
    save("etl" if not asked else f"etl-{options.rows}", [document | each for each in results], folder)
    text = report(results, size)
    if not options.contenders:
        stages = {name: _stages(name, source, expected, options.bench_python) for name in _STAGED}
        text += "\n\n" + stage_report(stages)
    print(text)
    versions = ", ".join(dict.fromkeys(f"{each['contender'].partition('_')[0]} {each['version']}" for each in results))
    record(" ".join(["etl", *asked]), _ABOUT, f"{expected.rows:,} rows, {size / 1e6:,.0f} MB; {versions}\n\n{text}")
    return 0 if all(each["right"] for each in results) else 1


def tile(target: Path, rows: int, sample: Path) -> Content:
    """Writes a CSV file of `rows` complaints: the available ones in turn, each with an id of its own."""
    files = sorted(DATA.glob("*.csv")) or [*write_sample(sample).training]
    header, known = _complaints(files)
    identifier, narrative = header.index("Complaint ID"), header.index("Consumer complaint narrative")
    total = 0
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for number, row in enumerate(itertools.islice(itertools.cycle(known), rows), start=10_000_000):
            writer.writerow([*row[:identifier], str(number), *row[identifier + 1 :]])
            total += _hashed(str(number), row[narrative])
    return Content(rows, f"{total % 2**64:016x}")


def _complaints(files: Iterable[Path]) -> tuple[list[str], list[list[str]]]:
    """The header of the first file, and the rows of all files with the same header."""
    header: list[str] = []
    found: list[list[str]] = []
    for path in files:
        with path.open(newline="", encoding="utf-8") as file:
            mine: list[str] = []
            for row in csv.reader(file):
                if "Complaint ID" in row and "Date received" in row:
                    mine = row
                    header = header or row
                elif mine == header and header and len(row) == len(header):
                    found.append(row)
    return header, found


def content_of(target: Path) -> Content:
    """The content of a Parquet file or of a folder of Parquet files."""
    names = {name.lower().replace(" ", "_"): name for name in pq.read_schema(_files(target)[0]).names}
    columns = [names["complaint_id"], names["consumer_complaint_narrative"]]
    rows = total = 0
    for file in _files(target):
        for batch in pq.ParquetFile(file).iter_batches(columns=columns):
            rows += batch.num_rows
            both = (batch.column(name).to_pylist() for name in columns)
            total += sum(itertools.starmap(_hashed, zip(*both, strict=True)))
    return Content(rows, f"{total % 2**64:016x}")


def _files(target: Path) -> list[Path]:
    return sorted(target.rglob("*.parquet")) if target.is_dir() else [target]


def _hashed(identifier: str | None, narrative: str | None) -> int:
    """The part of one row in the checksum; an empty narrative counts as none."""
    text = f"{identifier or ''}\0{narrative or ''}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _measured(name: str, cores: int, small: Path, source: Path, bench_python: str) -> dict[str, Any]:
    target = source.with_name("etl.parquet")
    first = target.with_name(f"{target.name}.small")
    _remove(target)
    python = bench_python if name in _IN_BENCH_ENVIRONMENT else sys.executable
    command = [python, "-W", "ignore", "-m", "bench.etl_contenders", name, *map(str, (small, source, target, cores))]
    run = measured(command, {"PYTHONPATH": f"{ROOT}:{ROOT / 'dags'}"})
    figures: dict[str, Any] = json.loads(run.output.splitlines()[-1])
    found = content_of(target)
    _remove(target)
    _remove(first)
    print(f"  {name}, {cores} cores: {figures['seconds']:.1f} s", flush=True)
    described: dict[str, Any] = {
        "contender": name if cores == 2 else f"{name}_{cores}_core",
        "cores": cores,
        **found._asdict(),
    }
    return described | figures | {"peak_memory_mb": run.peak_memory_mb}


def _stages(name: str, source: Path, expected: Content, bench_python: str) -> dict[str, float]:
    """The seconds of each stage on one core.

    Raises:
        ValueError: the rows are not those of the file.
    """
    target = source.with_name("stages.parquet")
    _remove(target)
    python = bench_python if name in _IN_BENCH_ENVIRONMENT else sys.executable
    command = [python, "-W", "ignore", "-m", "bench.etl_stages", name, str(source), str(target)]
    run = measured(command, {"PYTHONPATH": f"{ROOT}:{ROOT / 'dags'}"})
    if (found := content_of(target)) != expected:
        raise ValueError(f"{name} read {found} where the file has {expected}")
    _remove(target)
    seconds: dict[str, float] = json.loads(run.output.splitlines()[-1])
    return seconds


def stage_report(stages: Mapping[str, Mapping[str, float]]) -> str:
    """The seconds of the stages as a table, and the ratio of their sums to that of the last one, which is the peer."""
    totals = {name: sum(each.values()) for name, each in stages.items()}
    peer = [*totals.values()][-1]
    rows = [
        [
            name,
            *(f"{each[stage]:.2f}" if stage in each else "-" for stage in _STAGES),
            f"{totals[name]:.2f}",
            ratio(totals[name], peer),
        ]
        for name, each in stages.items()
    ]
    return table(["seconds on one core", *_STAGES, "sum", "ratio"], rows)


def _remove(target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)


def report(results: Sequence[Mapping[str, Any]], size: int) -> str:
    """The results as a table, in which a contender that read other rows is marked."""
    return table(
        [
            "",
            "rows",
            "checksum",
            "first file, seconds",
            "seconds",
            "MB/s",
            "peak MB",
            "ratio to ours",
            "rows are right",
        ],
        list(_rows(results, size)),
    )


def _rows(results: Sequence[Mapping[str, Any]], size: int) -> Iterator[list[object]]:
    ours = next((each["seconds"] for each in results if each["contender"] == "ours"), None)
    for each in results:
        seconds = each["seconds"]
        figures = [
            f"{each['first_seconds']:.2f}",
            f"{seconds:.2f}",
            f"{size / 1e6 / seconds:.0f}",
            f"{each['peak_memory_mb']:.0f}",
        ]
        right = "yes" if each["right"] else "NO"
        yield [
            each["contender"],
            f"{each['rows']:,}",
            each["checksum"],
            *figures,
            ratio(seconds, ours) if ours else "-",
            right,
        ]


if __name__ == "__main__":
    sys.exit(main())
