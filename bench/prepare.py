"""`python -m bench.prepare`: the Glue jobs that prepare complaints and audit answers, as a whole, beside other engines.

From the CSV file to the last output. All contenders read the same file, and do the same work: masks, dates, flags, the
newest copy of each complaint, an account, every row as Parquet, the narratives to classify as JSON Lines; then a join
of the answers with the complaints, as Parquet. A time counts only if rows, records and counts are the same.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from bench.etl import tile
from bench.prepare_contenders import CONTENDERS, COUNTED
from bench.processes import Measured, measured
from bench.results import record, save
from bench.tables import machine, ratio, table
from complaints.settings import load_settings
from localaws.glue import class_data, spark

ROOT = Path(__file__).parents[1]
JOBS = ROOT / "include" / "glue"
_ROWS = 1_000_000
_CORES = 2
_CLASSES = ("card", "mortgage")
_ABOUT = (
    "Wall time of the whole Glue jobs on two cores: `prepare` from a CSV file to every row with its fate (Parquet) and "
    "the narratives to classify (JSON Lines), `audit` from the model's answers to the table of results. The other "
    "engines do the same work, with simpler patterns of personal data and without check digits: masks, dates, flags, "
    "newest copy, counts. "
    "`start` is the time until Spark has run its first query, or the engine is imported; it is not part of the others. "
    "Our audit needs no query of Spark SQL, so that a part of `start` is its own: the seconds since the start show it. "
    "`ratio` is the time of ours divided by that of the contender: below 1 ours is faster. A time counts only if "
    "counts and records are the same (`the same`)."
)


class Figures(NamedTuple):
    """Of one contender: seconds to start, prepare and audit, peak memory in MB, counts, and a checksum of records."""

    name: str
    start: float
    prepare: float
    audit: float
    peak_mb: float
    counts: Mapping[str, int]
    records: str


def main() -> int:
    """Prints the table, writes it to docs/benchmarks.md and build/bench; returns 1 if one found other things."""
    parser = argparse.ArgumentParser(prog="bench.prepare", description=__doc__)
    parser.add_argument("--rows", type=int, default=_ROWS, help="rows of the file (default: %(default)s)")
    parser.add_argument("--contenders", nargs="*", choices=[*CONTENDERS], default=[*CONTENDERS], help="beside ours")
    parser.add_argument("--bench-python", default=sys.executable, help="the Python that has DuckDB and Polars")
    options = parser.parse_args()
    folder = ROOT / "build" / "bench" / "prepare"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    tile(folder / "complaints.csv", options.rows, folder / "sample")
    size = (folder / "complaints.csv").stat().st_size
    print(f"{_ABOUT}\n\n{options.rows:,} rows, {size / 1e6:,.0f} MB; {machine()}\n", flush=True)
    ours, steps = _ours(folder)
    found = [ours, *(_other(name, folder, options.bench_python) for name in options.contenders)]
    is_same = {each.name: (each.counts, each.records) == (ours.counts, ours.records) for each in found}
    text = report(found, is_same, size) + "\n\n" + "\n".join(steps)
    print(f"\n{text}")
    asked = [f"ROWS={options.rows}"] if options.rows != _ROWS else []
    name = f"prepare{f'-{options.rows}' if asked else ''}"
    about = {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "bytes": size}
    save(name, [about | each._asdict() | {"is_same": is_same[each.name]} for each in found])
    if options.contenders == [*CONTENDERS] or asked:
        record(" ".join(["prepare", *asked]), _ABOUT, f"{options.rows:,} rows, {size / 1e6:,.0f} MB\n\n{text}")
    shutil.rmtree(folder)
    return 0 if all(is_same.values()) else 1


def report(found: Sequence[Figures], is_same: Mapping[str, bool], size: int) -> str:
    """The figures as a table."""
    ours = found[0]
    rows = [
        [
            each.name,
            *(f"{seconds:.1f}" for seconds in (each.start, each.prepare)),
            f"{size / 1e6 / each.prepare:.0f}",
            ratio(ours.prepare, each.prepare),
            f"{each.audit:.1f}",
            ratio(ours.audit, each.audit),
            f"{each.peak_mb:.0f}",
            "yes" if is_same[each.name] else "NO",
        ]
        for each in found
    ]
    return table(["", "start", "prepare", "MB/s", "ratio", "audit", "ratio", "peak MB", "the same"], rows)


def _ours(folder: Path) -> tuple[Figures, list[str]]:
    """The figures of the Glue jobs, and how long each step took."""
    target = folder / "ours"
    target.mkdir()
    plan = _plan(folder)
    start = _job(target, "first_query.py", {}, folder=Path(__file__).parent).seconds
    shared = {"complaints": _uri(target, "complaints"), "records": _uri(target, "records")}
    settings = load_settings()
    prepared = {
        **{name: _uri(target, name) for name in ("parsed", "quarantine", "account")},
        "plan": plan.as_uri(),
        "limits": json.dumps(settings.pipeline.limits.of_reading()),
        "label_rules": json.dumps(settings.model.of_labels()),
        "issues": "null",
    }
    preparing = _job(target, "prepare_complaints.py", shared | prepared)
    write_answers(target / "records", folder / "answers")
    audited = {
        **{name: _uri(target, name) for name in ("candidate",)},
        **{"prepared": _uri(target, "account"), "account": _uri(target, "results_account")},
        **{
            "scores": _uri(folder, "answers"),
            "trained_on": json.dumps([_uri(target, "nothing")]),
            "run_id": "0123456789abcdef",
        },
        **{"model_version": "v1", "classes": json.dumps(_CLASSES), "review_below": "0.5", "issues": "null"},
        "columns": json.dumps(settings.pipeline.results.columns),
    }
    auditing = _job(target, "audit_results.py", shared | audited)
    figures = Figures(
        "ours",
        start,
        preparing.seconds - start,
        auditing.seconds - start,
        max(preparing.peak_memory_mb, auditing.peak_memory_mb),
        _counts(target),
        checksum(sorted((target / "records").glob("*.json"))),
    )
    return figures, ["seconds of ours since the start of each job:", *_steps(preparing), *_steps(auditing)]


def _job(target: Path, script: str, arguments: Mapping[str, str], folder: Path = JOBS) -> Measured:
    """Runs a Glue job's script on the Spark of local AWS, in a process of its own."""
    work = target / "spark"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    environment = spark.configure(work, {"spark.driver.memory": "3g"}, class_data.jvm_options())
    passed = [part for name, value in arguments.items() for part in (f"--{name}", value)]
    command = [sys.executable, "-W", "ignore", "-m", "bench.timed_job", str(folder / script), *passed]
    return measured(command, {**environment, "PYTHONPATH": f"{ROOT}:{JOBS}"})


def _steps(job: Measured) -> Iterator[str]:
    for line in job.output.splitlines():
        if found := re.match(r"\[([0-9.]+)\] (.*)", line):
            yield f"  {float(found[1]):7.1f}  {found[2]}"


def _plan(folder: Path) -> Path:
    path = folder / "complaints.csv"
    given: dict[str, str | int] = {"uri": path.as_uri(), "etag": "0123456789abcdef", "version": "", "key": path.name}
    given |= {"size": path.stat().st_size, "last_modified": "2026-11-01T00:00:00+00:00"}
    plan = folder / "plan.json"
    plan.write_text(json.dumps({"run_id": "0123456789abcdef", "inputs": [given]}))
    return plan


def _counts(target: Path) -> dict[str, int]:
    (path,) = [each for each in (target / "account").iterdir() if each.is_file()]
    account = json.loads(path.read_text())
    (source,) = account["by_source"]
    flags = {name: account["flags"][name] for name in ("short_narrative", "not_english")}
    rows = sum(pq.ParquetFile(each).metadata.num_rows for each in (target / "candidate").glob("*.parquet"))
    known = {**source, **flags, "rows": source["rows_in"]}
    return {**{name: known[name] for name in COUNTED}, "classified": rows}


def write_answers(records: Path, answers: Path) -> None:
    """An answer to each record, as the batch transform leaves them."""
    answers.mkdir()
    for path in sorted(records.glob("*.json")):
        with path.open() as lines, (answers / f"{path.name}.out").open("w") as out:
            for line in lines:
                first, second = _CLASSES if len(line) % 2 else _CLASSES[::-1]
                answer = {"complaint_id": json.loads(line)["complaint_id"], "predicted_product": first}
                answer |= {"confidence": 0.75, "runner_up": second, "runner_up_confidence": 0.125, "known_ngrams": 9}
                out.write(json.dumps(answer) + "\n")


def checksum(files: Sequence[Path]) -> str:
    """A checksum of ids and narratives that ignores their order."""
    total = 0
    for path in files:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                found = json.loads(line)
                text = f"{found['complaint_id']}\0{found['narrative']}".encode()
                total += int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
    return f"{total % 2**64:016x}"


def _other(name: str, folder: Path, python: str) -> Figures:
    seconds: dict[str, float] = {}
    counts: dict[str, int] = {}
    peak = start = 0.0
    for step in ("prepare", "audit"):
        command = [python, "-W", "ignore", "-m", "bench.prepare_contenders", name, step, str(folder), str(_CORES)]
        run = measured(command, {"PYTHONPATH": str(ROOT)})
        said: dict[str, Any] = json.loads(run.output.splitlines()[-1])
        seconds[step] = said["seconds"]
        counts |= said["counts"]
        peak, start = max(peak, run.peak_memory_mb), run.seconds - said["seconds"]
        print(f"  {name}, {step}: {said['seconds']:.1f} s", flush=True)
    records = checksum([folder / name / "records.json"])
    return Figures(name, start, seconds["prepare"], seconds["audit"], peak, counts, records)


def _uri(folder: Path, name: str) -> str:
    return (folder / name).as_uri()


if __name__ == "__main__":
    sys.exit(main())
