"""What the faults are injected into: one file through the real reader, or a run through the real job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import prepare_complaints
from exact_csv.columns import COLUMNS
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.tolerant_reader import Record
from exact_csv.whole_files import FileHeader, tables_of_file

from tests.glue.local_runs import LIMITS, Run

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
NEEDS_RAW = f"needs the real complaints in {RAW}, which are not part of the project"
HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"

LaidOut = Callable[[Mapping[str, str | bytes]], Run]


def row(number: int, told: str = "The bank does not listen to me.") -> str:
    """A sound row of `HEADER`."""
    return f"2026-01-02,Mortgage,{told},{number}\n"


def read(folder: Path, content: str | bytes, **limits: float | str) -> list[Record]:
    """The records of a file with this content, as the job's reader finds them."""
    path = folder / "input"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return records_of(Opener(), Input(str(path)), ReaderLimits(**LIMITS | limits))


def records_of(opener: Opener, given: Input, limits: ReaderLimits) -> list[Record]:
    """The records of one whole input."""
    found = tables_of_file(opener, given, limits)
    rows = [row for each in found if not isinstance(each, FileHeader) for row in each.to_pylist()]
    return [
        Record(
            *(row[name] for name in ("record", "line", "reason", "raw")),
            {name: row[name] for name in COLUMNS if row[name]},
            bool(row["in_open_quote"]),
        )
        for row in rows
    ]


def refusal(found: Iterable[Record]) -> str:
    """Why a file could not be read to its end; it is the last thing that is said of it."""
    *_, last = found
    assert last.record == 0, "the file was read to its end"
    return last.reason or ""


def ids(found: Iterable[Record]) -> list[str | None]:
    """The Complaint ID of each record, None for one in quarantine."""
    return [record.fields.get("complaint_id") for record in found]


def prepare(run: Run, **limits: float | str) -> Run:
    """Runs the preparing job of a classification."""
    run.prepare(prepare_complaints.main, LIMITS | limits, records=run.uri("records"))
    return run
