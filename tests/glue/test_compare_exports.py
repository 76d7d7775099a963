"""Of two exports, what is new or changed, each row with one fate, and written so that it is read back exactly."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import compare_exports
import pytest
from complaint_csv import csv_of, proper_name
from exact_csv.columns import COLUMNS, header_from
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
from exact_csv.whole_files import FileHeader, tables_of_file
from hypothesis import example, given
from hypothesis import strategies as st
from preparation import InputFilesRefusedError, TooManyQuarantinedError
from pyspark.sql import SparkSession

from tests.campaign.faults import Fault, injects
from tests.glue.local_runs import LIMITS, as_argv, data_files

NAMES = ("date_received", "product", "consumer_complaint_narrative", "timely_response", "complaint_id")
COMPARED = ("product", "consumer_complaint_narrative")
HOSTILE = [
    'He said "no", and\nhung up.\r\n\r\n"Twice"',
    "a lone \r return",
    " spaces around ",
    "=1+1",
    "\\",
    'ends with a quote"',
    '"',
    "\ufeffbyte order mark",
    "line\u2028separator \x85 next line \x0b tab \x1c",
    '2026-11-01,Mortgage,"a forged row",Yes,9\n2026-11-01,Mortgage,x,Yes,10',
    "Date received,Product,Consumer complaint narrative,Timely response?,Complaint ID",
    "\U0001f600 ünïcödé \u202e",
    ",,,,",
    "NULL",
    "''",
]
Row = tuple[str | None, ...]


def text_of(rows: Sequence[Sequence[str | None]], names: Sequence[str] = NAMES) -> str:
    """An export: CSV with as few quotes as possible, as the public one has them."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([proper_name(name) for name in names])
    writer.writerows([[value or "" for value in row] for row in rows])
    return text.getvalue()


class Exports:
    """A folder with the newer export, perhaps an older one, and what the job writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, name: str, text: str, columns: Sequence[str]) -> dict[str, Any]:
        path = self.folder / f"{name}.csv"
        path.write_bytes(text.encode())
        return {"export": name, "uri": f"file://{path}", "etag": name, "version": "", "size": path.stat().st_size} | {
            "columns": list(columns)
        }

    def compare(
        self,
        newer: str,
        older: str | None = None,
        *,
        columns: Sequence[str] = NAMES,
        before: Sequence[str] = NAMES,
        first_export: str = "none",
        limits: dict[str, Any] = LIMITS,
    ) -> dict[str, Any]:
        """Runs the job; its account."""
        previous = None if older is None else self.record("older", older, before)
        (self.folder / "plan.json").write_text(json.dumps({"previous": previous}))
        (self.folder / "fetched").mkdir(exist_ok=True)
        (self.folder / "fetched" / "export.json").write_text(json.dumps(self.record("newer", newer, columns)))
        folders = {name: (self.folder / name).as_uri() for name in ("parsed", "changed", "quarantine", "account")}
        compare_exports.main(
            as_argv(
                folders
                | {"plan": str(self.folder / "plan.json"), "fetched": str(self.folder / "fetched")}
                | {"limits": json.dumps(limits), "columns": json.dumps(COMPARED), "first_export": first_export}
            )
        )
        (only,) = data_files(self.folder / "account")
        account: dict[str, Any] = json.loads(only.read_text())
        return account

    def written(self) -> list[list[str]]:
        """The rows of the CSV files, without their headers."""
        texts = [gzip.decompress(path.read_bytes()).decode() for path in sorted((self.folder / "changed").glob("*"))]
        return [row for text in texts for row in list(csv.reader(io.StringIO(text, newline="")))[1:]]


@pytest.fixture
def exports(spark: SparkSession, tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def counts(account: dict[str, Any]) -> dict[str, int]:
    (source,) = account["by_source"]
    assert source["rows_in"] == sum(source[fate] for fate in compare_exports.FATES)
    return {name: source[name] for name in ("rows_in", *compare_exports.FATES) if source[name]}


def complaint(number: int, narrative: str | None = "a story", product: str = "Mortgage", timely: str = "Yes") -> Row:
    return ("2026-11-01", product, narrative, timely, str(number))


def test_only_what_is_new_or_changed_is_written_and_every_row_has_one_fate(exports: Exports) -> None:
    older = [complaint(1), complaint(2), complaint(3, None), complaint(4), complaint(5)]
    newer = [
        complaint(1),
        complaint(2, timely="No"),  # not compared
        complaint(3, "published by now"),
        complaint(4, product="Credit card"),
        complaint(6, "first copy"),
        complaint(6, "last copy"),
        complaint(7, 'hostile "quotes"\r\nand lines'),
        ("2026-11-01", "Mortgage", "no number", "Yes", "x"),
    ]
    account = exports.compare(text_of(newer), text_of(older))
    assert counts(account) == {
        "rows_in": 8,
        "new": 2,
        "changed": 2,
        "unchanged": 2,
        "superseded": 1,
        "quarantined": 1,
    }
    assert account["withdrawn"] == 1
    assert account["quarantined_by_reason"] == {"Complaint ID is not a number": 1}
    assert exports.written() == [[value or "" for value in newer[place]] for place in (2, 3, 5, 6)]
    (file,) = account["files"]
    assert (file["name"], file["rows"]) == ("complaints-00000.csv.gz", 4)
    assert [path.name for path in (exports.folder / "parsed").glob("*")] == []


def test_the_same_export_again_has_nothing_to_classify(exports: Exports) -> None:
    text = text_of([complaint(1), complaint(2), complaint(3, None)])
    account = exports.compare(text, text)
    assert counts(account) == {"rows_in": 3, "unchanged": 3}
    assert account["files"] == []


@injects(Fault.LAYOUT)
def test_columns_that_the_export_drops_or_gains_change_no_complaint(exports: Exports) -> None:
    narrow = tuple(name for name in NAMES if name != "product")
    rows = [complaint(1), complaint(2)]
    dropped = [(row[0], *row[2:]) for row in rows]
    assert counts(exports.compare(text_of(dropped, narrow), text_of(rows), columns=narrow)) == {
        "rows_in": 2,
        "unchanged": 2,
    }
    assert counts(exports.compare(text_of(rows), text_of(dropped, narrow), before=narrow)) == {
        "rows_in": 2,
        "unchanged": 2,
    }


@pytest.mark.parametrize(
    ("first_export", "expected"),
    [
        ("none", {"baseline": 3}),
        ("all", {"new": 3}),
        ("2026-11-01", {"new": 1, "baseline": 2}),
    ],
)
def test_of_the_first_export_ever_as_much_is_new_as_the_setting_says(
    exports: Exports, first_export: str, expected: dict[str, int]
) -> None:
    rows = [complaint(1), ("2026-10-31", *complaint(2)[1:]), ("", *complaint(3)[1:])]
    account = exports.compare(text_of(rows), first_export=first_export)
    assert counts(account) == {"rows_in": 3, **expected}
    assert len(exports.written()) == expected.get("new", 0)


def test_an_export_that_cannot_be_read_to_its_end_is_refused(exports: Exports) -> None:
    sound = text_of([complaint(1)])
    with pytest.raises(InputFilesRefusedError, match=r"newer.csv.*no header"):
        exports.compare("nothing,to,see\n1,2,3\n", sound)
    assert not (exports.folder / "account").exists()


@injects(Fault.MANY_BAD_ROWS)
def test_an_export_with_too_many_rows_that_cannot_be_read_is_refused(exports: Exports) -> None:
    rows = [complaint(1), ("", "", "", "", "x"), ("", "", "", "", "y")]
    with pytest.raises(TooManyQuarantinedError, match=r"2 of 3 rows .*Complaint ID is not a number"):
        exports.compare(text_of(rows), limits=LIMITS | {"tolerated_rows": 0})


@injects(Fault.FORGED_ROWS, Fault.MULTILINE, Fault.CONTROL_CHARACTERS)
def test_what_is_written_is_what_the_reader_found_whatever_the_narratives_hold(exports: Exports) -> None:
    newer = [complaint(number, text) for number, text in enumerate(HOSTILE, start=1)]
    exports.compare(text_of(newer), text_of([complaint(999)]))
    (path,) = (exports.folder / "changed").glob("*")
    assert read_back(path) == newer


def read_back(path: Path) -> list[Row]:
    """The rows as the classification reads them."""
    found = tables_of_file(Opener(), Input(str(path)), ReaderLimits(**LIMITS))
    tables = [each for each in found if not isinstance(each, FileHeader)]
    rows = [row for table in tables for row in table.to_pylist()]
    assert [row["reason"] for row in rows] == [None] * len(rows)
    return [tuple(row[name] for name in NAMES) for row in rows]


READABLE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)


@given(st.lists(st.tuples(READABLE, READABLE, READABLE, READABLE), min_size=1, max_size=5))
@example([("", text, "", text) for text in HOSTILE])
def test_any_text_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, texts: list[Any]) -> None:
    rows = [(*(each or None for each in row), str(number)) for number, row in enumerate(texts, start=1)]
    content, count = csv_of(rows, NAMES)
    path = tmp_path_factory.getbasetemp() / "any.csv.gz"
    path.write_bytes(content)
    assert count == len(rows)
    assert read_back(path) == rows
    assert csv_of(rows, NAMES)[0] == content


def test_the_header_is_that_of_the_public_export() -> None:
    names = [proper_name(column) for column in COLUMNS]
    assert names[:6] == [
        *("Date received", "Product", "Sub-product", "Issue", "Sub-issue"),
        "Consumer complaint narrative",
    ]
    header = header_from(names)
    assert header is not None
    assert header.columns == COLUMNS
