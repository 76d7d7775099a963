"""The files of the synthetic sample, which `make run` uses if no files are named; deterministic for a seed.

Nothing in it is about a real person or company: names contain "synthetic", and ids are above every real one.
The files to classify have a few faults on purpose; `Sample.expected` has the row counts that a reader must find.
"""

import csv
import io
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from laptop.sample.rows import COLUMNS, COLUMNS_2026, FIRST_ID, Complaint, Register


@dataclass(frozen=True)
class Sample:
    """The files of a sample, and the row counts expected for the files to classify.

    `to_classify`, `without_narrative`, `quarantined` and `superseded` add up to `rows_in`.
    `unmapped` is the number of rows to classify whose product belongs to no class.
    """

    training: tuple[Path, ...]
    classify: tuple[Path, ...]
    expected: Mapping[str, int]


@dataclass(frozen=True)
class _Export:
    """One format in which the CFPB, or a tool behind it, has exported complaints."""

    name: str
    first_day: date
    last_day: date
    share: int
    columns: tuple[str, ...] = COLUMNS
    preamble: str = ""
    indexed: bool = False
    encoding: str = "utf-8"
    line_end: str = "\n"


# Shares are percentages of the rows.
HISTORY = (
    _Export("synthetic-history.csv", date(2012, 1, 1), date(2026, 5, 31), 85),
    _Export("synthetic-history-16-columns.csv", date(2024, 1, 1), date(2026, 5, 31), 15, COLUMNS_2026),
)
# Sorted by name in reading order: of two copies of a complaint, the later file has the newer one.
CLASSIFY = (
    _Export(
        "synthetic-2025-indexed.csv",
        date(2013, 1, 1),
        date(2025, 12, 31),
        20,
        # Output of `unzip` that ended up in the CSV file, as in a real export of March 2020.
        preamble="Archive:  synthetic.csv.zip\n  inflating: synthetic.csv           \n",
        indexed=True,
    ),
    _Export("synthetic-2026-05-18-columns.csv", date(2026, 1, 1), date(2026, 5, 31), 45, encoding="utf-8-sig"),
    _Export(
        "synthetic-2026-07-16-columns.csv",
        date(2026, 4, 1),
        date(2026, 7, 15),
        35,
        COLUMNS_2026,
        line_end="\r\n",
    ),
)

HISTORY_NARRATIVE_PERCENT = 70
CLASSIFY_NARRATIVE_PERCENT = 50
SMALLEST = 200

# Complaints that are published more than once: the index of the file of each copy, newest copy last.
REPUBLISHED = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2), (1, 1), (2, 2), (0, 1, 2), (0, 0, 2))
SUPERSEDED = sum(len(copies) - 1 for copies in REPUBLISHED)

FAULTS = ("field too few", "field too many", "no id", "id not a number", "not UTF-8")
QUARANTINED = len(FAULTS) * len(CLASSIFY)


def write_sample(folder: Path, *, seed: int = 2026, training_rows: int = 6000, classify_rows: int = 3000) -> Sample:
    """Writes `history/` to train on and `raw/` to classify; the same seed and sizes give the same bytes.

    Raises:
        ValueError: there are too few rows for all of the faults.
    """
    for name, rows in (("training_rows", training_rows), ("classify_rows", classify_rows)):
        if rows < SMALLEST:
            raise ValueError(f"{name} is {rows}; a sample needs at least {SMALLEST}")
    training = _write_history(folder / "history", random.Random(f"{seed} history"), training_rows)
    classify, expected = _write_raw(folder / "raw", random.Random(f"{seed} raw"), classify_rows)
    return Sample(training, classify, expected)


def _write_history(folder: Path, rng: random.Random, rows: int) -> tuple[Path, ...]:
    exports = _complaints(Register(rng, FIRST_ID), HISTORY, rows, HISTORY_NARRATIVE_PERCENT)
    return tuple(
        _write(folder, export, [complaint.row(export.columns) for complaint in complaints])
        for export, complaints in zip(HISTORY, exports, strict=True)
    )


def _write_raw(folder: Path, rng: random.Random, rows: int) -> tuple[tuple[Path, ...], dict[str, int]]:
    register = Register(rng, FIRST_ID + 50_000_000)
    exports = _complaints(register, CLASSIFY, rows - SUPERSEDED - QUARANTINED, CLASSIFY_NARRATIVE_PERCENT)
    # Counted before older copies and faulty rows are added, so that the counts depend on no reader's rules.
    expected = _expected([complaint for complaints in exports for complaint in complaints])
    _republish(exports, rng)
    paths = []
    for export, complaints in zip(CLASSIFY, exports, strict=True):
        written = [complaint.row(export.columns) for complaint in complaints]
        for fault in FAULTS:
            sound = register.take(export.first_day, export.last_day, narrative_percent=100)
            written.insert(rng.randint(0, len(written)), _broken(sound, fault, export.columns))
        paths.append(_write(folder, export, written))
    return tuple(paths), expected


def _complaints(
    register: Register, exports: Sequence[_Export], rows: int, narrative_percent: int
) -> list[list[Complaint]]:
    """`rows` complaints with unique ids, split over the exports by their shares."""
    sizes = [rows * export.share // 100 for export in exports]
    sizes[-1] += rows - sum(sizes)
    return [
        [register.take(export.first_day, export.last_day, narrative_percent) for _ in range(size)]
        for export, size in zip(exports, sizes, strict=True)
    ]


def _expected(current: Sequence[Complaint]) -> dict[str, int]:
    with_narrative = [complaint for complaint in current if complaint.has_narrative]
    return {
        "rows_in": len(current) + SUPERSEDED + QUARANTINED,
        "to_classify": len(with_narrative),
        "without_narrative": len(current) - len(with_narrative),
        "quarantined": QUARANTINED,
        "superseded": SUPERSEDED,
        "unmapped": sum(not complaint.mapped for complaint in with_narrative),
    }


def _republish(exports: list[list[Complaint]], rng: random.Random) -> None:
    """Inserts older copies of some complaints: earlier in the same file, or in an earlier file."""
    for turn, (*older, newest) in enumerate(REPUBLISHED):
        unmasked = [place for place, one in enumerate(exports[newest]) if one.columns["ZIP code"].isdigit()]
        place = rng.choice(unmasked)
        copy = _older_copy(exports[newest][place], turn)
        for earlier in older:
            last = place if earlier == newest else len(exports[earlier])
            exports[earlier].insert(rng.randint(0, last), copy)


def _older_copy(complaint: Complaint, turn: int) -> Complaint:
    """An older copy: with the ZIP code masked and, in turn, another company name or the opposite consent."""
    columns = complaint.columns | {"ZIP code": f"{complaint.columns['ZIP code'][:3]}XX"}
    if turn % 3 == 1:
        columns["Company"] = "Example Former Name (synthetic)"
    if turn % 3 == 2:
        columns["Consumer complaint narrative"] = (
            "" if complaint.has_narrative else "I withdrew my consent after this was published."
        )
    return replace(complaint, columns=columns)


def _broken(complaint: Complaint, fault: str, columns: Sequence[str]) -> list[str]:
    """The row of a valid complaint with one fault, for which a reader must quarantine it."""
    row = complaint.row(columns)
    company, narrative = columns.index("Company"), columns.index("Consumer complaint narrative")
    if fault == "field too few":
        del row[columns.index("Tags")]
    elif fault == "field too many":  # As if a company name with a comma had lost its quotes.
        row.insert(company + 1, " Inc.")
    elif fault == "no id":
        row[-1] = ""
    elif fault == "id not a number":
        row[-1] = f"{row[-1]}-A"
    else:  # The single byte 0x92, the apostrophe of Windows-1252: surrogateescape writes it unchanged.
        row[narrative] = f"I can\udc92t believe this. {row[narrative]}"
    return row


def _write(folder: Path, export: _Export, rows: Iterable[Sequence[str]]) -> Path:
    text = io.StringIO(newline="")
    text.write(export.preamble)
    writer = csv.writer(text, lineterminator=export.line_end)
    index = export.indexed
    writer.writerow([*([""] if index else []), *export.columns])
    writer.writerows([*([str(place)] if index else []), *row] for place, row in enumerate(rows))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / export.name
    path.write_bytes(text.getvalue().encode(export.encoding, errors="surrogateescape"))
    return path
