"""A deterministic, synthetic sample in the CFPB's schema, which `make run` uses when no complaints are named.

Nothing in it is about a real person or company: names say "synthetic", ids lie above every real one.
The files to classify hold a few faults on purpose; `Sample.expected` says what a reader must make of them.
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
    """The files of a sample, and what must be counted over those to classify, in the order given here.

    `to_classify`, `without_narrative`, `quarantined` and `superseded` add up to `rows_in`.
    `unmapped` counts rows to classify whose product no class knows.
    """

    training: tuple[Path, ...]
    classify: tuple[Path, ...]
    expected: Mapping[str, int]


@dataclass(frozen=True)
class _Export:
    """One way in which the CFPB, or someone on the way from it, has written complaints to a file."""

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
# Their names sort as they are to be read: of two copies of a complaint, the later file has the newer.
CLASSIFY = (
    _Export(
        "synthetic-2025-indexed.csv",
        date(2013, 1, 1),
        date(2025, 12, 31),
        20,
        # What `unzip -p` was meant to keep out of the file, and did not in March 2020.
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

HISTORY_TOLD_PERCENT = 70
CLASSIFY_TOLD_PERCENT = 50
SMALLEST = 200

# Complaints that were published more than once: the file of each copy, the newest copy last.
REPUBLISHED = ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2), (1, 1), (2, 2), (0, 1, 2), (0, 0, 2))
SUPERSEDED = sum(len(copies) - 1 for copies in REPUBLISHED)

FAULTS = ("field too few", "field too many", "no id", "id not a number", "not UTF-8")
QUARANTINED = len(FAULTS) * len(CLASSIFY)


def write_sample(folder: Path, *, seed: int = 2026, training_rows: int = 6000, classify_rows: int = 3000) -> Sample:
    """Write `history/` to train on and `raw/` to classify; the same seed and sizes give the same bytes.

    Raises ValueError where there are too few rows to hold every fault.
    """
    for name, rows in (("training_rows", training_rows), ("classify_rows", classify_rows)):
        if rows < SMALLEST:
            raise ValueError(f"{name} is {rows}; a sample needs at least {SMALLEST}")
    training = _write_history(folder / "history", random.Random(f"{seed} history"), training_rows)
    classify, expected = _write_raw(folder / "raw", random.Random(f"{seed} raw"), classify_rows)
    return Sample(training, classify, expected)


def _write_history(folder: Path, rng: random.Random, rows: int) -> tuple[Path, ...]:
    exports = _complaints(Register(rng, FIRST_ID), HISTORY, rows, HISTORY_TOLD_PERCENT)
    return tuple(
        _write(folder, export, [complaint.row(export.columns) for complaint in complaints])
        for export, complaints in zip(HISTORY, exports, strict=True)
    )


def _write_raw(folder: Path, rng: random.Random, rows: int) -> tuple[tuple[Path, ...], dict[str, int]]:
    register = Register(rng, FIRST_ID + 50_000_000)
    exports = _complaints(register, CLASSIFY, rows - SUPERSEDED - QUARANTINED, CLASSIFY_TOLD_PERCENT)
    # Counted before anything older or broken joins them, so that no reader's rule is needed for it.
    expected = _expected([complaint for complaints in exports for complaint in complaints])
    _republish(exports, rng)
    paths = []
    for export, complaints in zip(CLASSIFY, exports, strict=True):
        written = [complaint.row(export.columns) for complaint in complaints]
        for fault in FAULTS:
            sound = register.take(export.first_day, export.last_day, told_percent=100)
            written.insert(rng.randint(0, len(written)), _broken(sound, fault, export.columns))
        paths.append(_write(folder, export, written))
    return tuple(paths), expected


def _complaints(register: Register, exports: Sequence[_Export], rows: int, told_percent: int) -> list[list[Complaint]]:
    """That many complaints, each id once, split over the exports by their shares."""
    sizes = [rows * export.share // 100 for export in exports]
    sizes[-1] += rows - sum(sizes)
    return [
        [register.take(export.first_day, export.last_day, told_percent) for _ in range(size)]
        for export, size in zip(exports, sizes, strict=True)
    ]


def _expected(current: Sequence[Complaint]) -> dict[str, int]:
    told = [complaint for complaint in current if complaint.told]
    return {
        "rows_in": len(current) + SUPERSEDED + QUARANTINED,
        "to_classify": len(told),
        "without_narrative": len(current) - len(told),
        "quarantined": QUARANTINED,
        "superseded": SUPERSEDED,
        "unmapped": sum(not complaint.mapped for complaint in told),
    }


def _republish(exports: list[list[Complaint]], rng: random.Random) -> None:
    """Put older copies of some complaints before them: earlier in their file, or in an earlier file."""
    for turn, (*older, newest) in enumerate(REPUBLISHED):
        unmasked = [place for place, one in enumerate(exports[newest]) if one.columns["ZIP code"].isdigit()]
        place = rng.choice(unmasked)
        copy = _older_copy(exports[newest][place], turn)
        for earlier in older:
            last = place if earlier == newest else len(exports[earlier])
            exports[earlier].insert(rng.randint(0, last), copy)


def _older_copy(complaint: Complaint, turn: int) -> Complaint:
    """As it stood before: ZIP masked; in turn under another company name, or with the other consent."""
    columns = complaint.columns | {"ZIP code": f"{complaint.columns['ZIP code'][:3]}XX"}
    if turn % 3 == 1:
        columns["Company"] = "Example Former Name (synthetic)"
    if turn % 3 == 2:
        columns["Consumer complaint narrative"] = (
            "" if complaint.told else "I withdrew my consent after this was published."
        )
    return replace(complaint, columns=columns)


def _broken(complaint: Complaint, fault: str, columns: Sequence[str]) -> list[str]:
    """The row of a sound complaint with one fault, for which a reader must set it aside."""
    row = complaint.row(columns)
    company, narrative = columns.index("Company"), columns.index("Consumer complaint narrative")
    if fault == "field too few":
        del row[columns.index("Tags")]
    elif fault == "field too many":  # As if the comma of a company's name had lost its quotes.
        row.insert(company + 1, " Inc.")
    elif fault == "no id":
        row[-1] = ""
    elif fault == "id not a number":
        row[-1] = f"{row[-1]}-A"
    else:  # A byte 0x92 alone, the apostrophe of Windows: surrogateescape writes it as it stands.
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
