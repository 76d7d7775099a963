"""What becomes of a record: its id, date, label and fate, as input and expected tables."""

import csv
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cleaned_rows import SCHEMA, Cleaning, Source, published_ids
from complaint_rows import numbered_rows, published_id
from complaint_tables import IN_OPEN_QUOTE, complaints_of, ids_of
from exact_csv.columns import COLUMNS
from exact_csv.inputs import Input
from exact_csv.parquet_files import spark_schema
from exact_csv.strict_reader import SCHEMA as AS_READ
from hypothesis import given
from hypothesis import strategies as st
from narratives import text_group
from newest_copies import by_bucket, older_copies
from preparation import inputs_of_plan
from pyspark.sql import Row, SparkSession

from tests.glue.local_runs import LABEL_RULES, lay_out

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
CLASSES = {
    "bank_account",
    "card",
    "credit_reporting",
    "debt_collection",
    "money_transfer",
    "mortgage",
    "payday_personal_loan",
    "student_loan",
    "vehicle_loan",
}
# Every name that the CFPB has used since 2011, and two that it never did.
PRODUCTS = {
    "Bank account or service": "bank_account",
    "Checking or savings account": "bank_account",
    "Consumer Loan": "vehicle_loan",
    "Credit card": "card",
    "Credit card or prepaid card": "card",
    "Credit reporting": "credit_reporting",
    "Credit reporting or other personal consumer reports": "credit_reporting",
    "Credit reporting, credit repair services, or other personal consumer reports": "credit_reporting",
    "Debt collection": "debt_collection",
    "Debt or credit management": "payday_personal_loan",
    "Money transfer, virtual currency, or money service": "money_transfer",
    "Money transfers": "money_transfer",
    "Mortgage": "mortgage",
    "Other financial service": "unmapped",
    "Payday loan": "payday_personal_loan",
    "Payday loan, title loan, or personal loan": "payday_personal_loan",
    "Payday loan, title loan, personal loan, or advance loan": "payday_personal_loan",
    "Prepaid card": "card",
    "Student loan": "student_loan",
    "Vehicle loan or lease": "vehicle_loan",
    "Virtual currency": "money_transfer",
    "Imaginary product": "unmapped",
    "MORTGAGE": "mortgage",
}
ARRIVED = date(2026, 2, 1)
OLD, NEW = "file:///raw/old.csv", "file:///raw/new.csv"


SOURCES = {
    uri: Source(etag, rank, (ARRIVED - date(1970, 1, 1)).days)
    for rank, (uri, etag) in enumerate({OLD: "0123456789abcdef-2", NEW: "fedcba9876543210"}.items())
}


def labels(products: list[str]) -> dict[str, str]:
    cleaning = Cleaning(SOURCES, LABEL_RULES)
    return {product: cleaning.label(product) for product in products}


def cleaned(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Records as a task has them once they are read and cleaned."""
    as_read = pa.Table.from_pylist([dict.fromkeys(AS_READ.names) | {"part": 0} | row for row in rows], schema=AS_READ)
    return Cleaning(SOURCES, LABEL_RULES)(as_read)


def older_of(rows: pa.Table, buckets: int) -> npt.NDArray[np.bool_]:
    """True for the older copies among the rows, as two tasks find them that have half of the rows each."""
    half = len(rows) // 2
    sent: dict[int, list[tuple[int, bytes]]] = {}
    for file, table in enumerate([rows.slice(0, half), rows.slice(half)]):
        places = np.arange(len(table), dtype=np.int64)
        for bucket, content in by_bucket(table.combine_chunks(), ids_of(table), file, places, buckets):
            sent.setdefault(bucket, []).append((bucket, content))
    found = np.zeros(len(rows), np.bool_)
    for each in sent.values():
        for file, copies in older_copies(each):
            found[np.frombuffer(copies, np.int32) + file * half] = True
    return found


Complaints: TypeAlias = Callable[..., list[Row]]
Fates: TypeAlias = Callable[..., list[str]]


@pytest.fixture
def complaints() -> Complaints:
    """What becomes of records, in the order given; each is readable and has a narrative unless it says not."""

    def made(*given: dict[str, Any]) -> list[Row]:
        usual = {"source": OLD, "consumer_complaint_narrative": "a story"}
        rows = [usual | {"record": place, "line": place} | each for place, each in enumerate(given, start=1)]
        table = cleaned(rows)
        found = complaints_of(table, ids_of(table), older_of(table, 2))
        return [Row(**row) for row in found.to_pylist()]

    return made


@pytest.fixture
def fates(complaints: Complaints) -> Fates:
    return lambda *given: [row.fate for row in complaints(*given)]


def test_each_product_that_ever_was_has_its_class() -> None:
    assert labels([*PRODUCTS]) == PRODUCTS


def test_a_complaint_without_a_product_has_no_label(complaints: Complaints) -> None:
    assert [row.label for row in complaints({"product": None}, {"product": "Mortgage"})] == [None, "mortgage"]


def test_the_first_rule_that_applies_decides() -> None:
    assert Cleaning(SOURCES, [["loan", "first"], ["payday loan", "second"]]).label("Payday loan") == "first"


@pytest.mark.skipif(not RAW.is_dir(), reason=f"needs the real complaints in {RAW}, which are not part of the project")
def test_every_product_of_the_real_files_is_known() -> None:
    products: set[str] = set()
    for path in RAW.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        header = next(row for row in rows if "Product" in row)
        products |= {row[header.index("Product")] for row in rows[rows.index(header) + 1 :]}
    found = labels(sorted(filter(None, products)))
    assert {product for product, name in found.items() if name not in CLASSES} <= {"Other financial service"}
    assert set(found.values()) >= CLASSES


def test_the_newest_copy_of_a_complaint_wins_across_files_whatever_their_order(fates: Fates) -> None:
    copies = [{"source": source, "complaint_id": "7"} for source in (NEW, OLD)]
    assert fates(*copies) == ["with_narrative", "superseded"]


def test_the_last_copy_of_a_complaint_in_a_file_wins(fates: Fates) -> None:
    copies = [{"complaint_id": "7"}, {"complaint_id": "8"}, {"complaint_id": "7"}]
    assert fates(*copies) == ["superseded", "with_narrative", "with_narrative"]


def test_a_copy_whose_narrative_was_withdrawn_wins_too(fates: Fates) -> None:
    withdrawn = {"source": NEW, "complaint_id": "7", "consumer_complaint_narrative": None}
    assert fates({"complaint_id": "7"}, withdrawn) == ["superseded", "without_narrative"]


def test_white_space_around_an_id_is_no_part_of_it(complaints: Complaints) -> None:
    found = complaints({"complaint_id": " 7\t"}, {"complaint_id": "\xa07 "}, {"complaint_id": "7"})
    assert [row.complaint_id for row in found] == ["7", "7", "7"]
    assert [row.fate for row in found] == ["superseded", "superseded", "with_narrative"]


def test_a_record_without_an_id_is_given_one_by_its_files_content_and_its_place(complaints: Complaints) -> None:
    found = complaints({}, {}, {"source": NEW})
    assert [row.complaint_id for row in found] == [
        "0123456789ab-000000001",
        "0123456789ab-000000002",
        "fedcba987654-000000003",
    ]
    assert {row.fate for row in found} == {"with_narrative"}


def test_an_unreadable_record_has_no_id_and_supersedes_nothing(complaints: Complaints) -> None:
    broken = {"reason": "not UTF-8", "raw": "x", "consumer_complaint_narrative": None}
    found = complaints({"complaint_id": "7"}, broken, broken)
    assert [(row.complaint_id, row.fate) for row in found] == [
        ("7", "with_narrative"),
        (None, "quarantined"),
        (None, "quarantined"),
    ]


@pytest.mark.parametrize(
    "narrative",
    [None, " ", "\n\t\r", "\xa0", "\u2003\u2028\u3000"],
    ids=["null", "space", "ASCII white space", "no-break space", "Unicode white space"],
)
def test_white_space_only_is_no_narrative(fates: Fates, narrative: str | None) -> None:
    assert fates({"consumer_complaint_narrative": narrative}) == ["without_narrative"]


def test_a_narrative_keeps_its_white_space(complaints: Complaints) -> None:
    narrative = "\xa0 a\n\nb "
    (only,) = complaints({"consumer_complaint_narrative": narrative})
    assert (only.narrative, only.fate) == (narrative, "with_narrative")


def test_of_several_fates_unreadable_comes_first_then_superseded_then_without_narrative(fates: Fates) -> None:
    silent = {"complaint_id": "7", "consumer_complaint_narrative": None}
    assert fates(silent | {"reason": "not UTF-8"}, silent, silent) == [
        "quarantined",
        "superseded",
        "without_narrative",
    ]


FIFTH, LATER = date(2024, 3, 5), date(2024, 3, 25)
DATES = {
    **dict.fromkeys(("2024-03-05", " 2024-3-5 ", "2024/03/05", "2024.03.05", "20240305", "2024-03-05Z"), FIFTH),
    **dict.fromkeys(("2024-03-05T12:00:00-05:00", "2024-03-05T12:00:00.000Z", "2024-03-05 12:00:00"), FIFTH),
    **dict.fromkeys(("05-Mar-2024", "5-Mar-24", "5 March 2024", "Mar 5, 2024", "March 5, 2024"), FIFTH),
    **dict.fromkeys(("Tue Mar 05 2024", "Tuesday, March 5, 2024", "Sept. 5, 2024"), FIFTH),
    **dict.fromkeys(("45356", "45356.5", "1709596800", "1709596800000", "05.03.2024", "5.3.24"), FIFTH),
    **dict.fromkeys(("3/25/2024", "3/25/24 0:00", "03-25-2024", "3/25/2024 12:00:00 AM", "25/03/2024"), LATER),
    **dict.fromkeys(("2019-02-29", "2020/13/1", "13/13/2024", "30.02.2024", "yesterday", "12345", "20241305"), None),
    **dict.fromkeys(("2024-03", "March 2024", "5-Mai-2024", "2024-03-05x", "99999", None), None),
    "Sept. 5, 2024": date(2024, 9, 5),
    "2020-02-29": date(2020, 2, 29),
}
AMBIGUOUS = ("3/5/2024", "03/05/24", "3/5/2024 12:00:00 AM", "03-05-2024", " 12/11/2024 ")


def test_dates_are_read_as_they_are_written_and_others_are_null_but_their_rows_are_kept(
    complaints: Complaints,
) -> None:
    found = complaints(*({"date_received": written} for written in DATES))
    assert dict(zip(DATES, (row.received_on for row in found), strict=True)) == DATES
    assert {row.fate for row in found} == {"with_narrative"}
    unreadable = [["date_unreadable"] if written and not DATES[written] else [] for written in DATES]
    assert [flags_of_dates(row) for row in found] == unreadable


def test_a_date_whose_day_could_be_the_month_is_null_and_flagged_as_ambiguous_only(complaints: Complaints) -> None:
    found = complaints(*({"date_received": written} for written in AMBIGUOUS))
    assert [(row.received_on, flags_of_dates(row)) for row in found] == [(None, ["date_ambiguous"])] * len(AMBIGUOUS)
    settled = complaints(*({"date_received": written} for written in ("5/5/2024", "0/5/2024")))
    assert [(row.received_on, flags_of_dates(row)) for row in settled] == [
        (date(2024, 5, 5), []),
        (None, ["date_unreadable"]),
    ]


def test_an_ambiguous_date_of_sending_is_null_and_flagged_as_well(complaints: Complaints) -> None:
    (only,) = complaints({"date_received": "2024-03-25", "date_sent_to_company": "3/5/2024"})
    assert (only.received_on, only.sent_on, flags_of_dates(only)) == (LATER, None, ["date_ambiguous"])


def flags_of_dates(row: Row) -> list[str]:
    return [flag for flag in row.flags if "date" in flag]


def test_an_id_that_a_spreadsheet_rewrote_is_restored_and_flagged(complaints: Complaints, fates: Fates) -> None:
    written = {"8000001": "8000001", "8000002.0": "8000002", "8,000,003": "8000003", "0008000004": "8000004"}
    written |= {"8,000,005.00": "8000005", "0": "0", "00": "0"}
    found = complaints(*({"complaint_id": each} for each in written))
    assert [row.complaint_id for row in found] == [*written.values()]
    assert ["id_restored" in row.flags for row in found[:6]] == [False, True, True, True, True, False]
    assert fates({"complaint_id": "00123"}, {"complaint_id": "123"}) == ["superseded", "with_narrative"]


def test_a_row_that_may_be_a_line_of_a_narrative_takes_no_others_place(complaints: Complaints) -> None:
    """Wherever it stands."""
    forged = {"in_open_quote": True, "raw": "the line", "consumer_complaint_narrative": "forged"}
    given = [
        {"complaint_id": "7"} | forged,
        {"complaint_id": "7"},
        {"source": NEW, "complaint_id": "7"} | forged,
        {"complaint_id": "8"} | forged,
    ]
    found = complaints(*given)
    assert [(row.fate, row.complaint_id) for row in found] == [
        ("quarantined", None),
        ("with_narrative", "7"),
        ("quarantined", None),
        ("with_narrative", "8"),
    ]
    assert {(row.reason, row.raw) for row in found if row.fate == "quarantined"} == {(IN_OPEN_QUOTE, "the line")}
    assert found[3].flags == ["short_narrative", "in_open_quote"]
    assert found[3].raw is None


def test_an_id_that_different_complaints_share_is_a_row_number(spark: SparkSession, tmp_path: Path) -> None:
    def numbered(*given: dict[str, Any]) -> list[str]:
        # Spark takes files of one path for the same ones.
        file = tmp_path / f"rows-{len([*tmp_path.iterdir()])}.parquet"
        pq.write_table(cleaned(given), file)
        return numbered_rows(spark.read.schema(spark_schema(SCHEMA)).parquet(str(file)), [OLD, NEW])

    sources = [(source, n) for source in (OLD, NEW) for n in range(3)]
    rows = [
        {"source": source, "complaint_id": str(n), "consumer_complaint_narrative": f"{source} {n}"}
        for source, n in sources
    ]
    copies = [each | {"consumer_complaint_narrative": "the same"} for each in rows]
    assert numbered(*rows) == [OLD, NEW]
    assert numbered(*copies) == []
    assert numbered(*rows[:3]) == []
    assert numbered(*rows[:1], rows[3], *copies[1:3], *copies[4:]) == []


@pytest.mark.parametrize("word", ["nan", " NaN ", "N/A", "n/a", "NULL", "None", "#N/A", "<NA>"])
def test_a_word_for_a_missing_value_is_no_narrative(fates: Fates, word: str) -> None:
    given = [{"consumer_complaint_narrative": each} for each in (word, f"{word} was said")]
    assert fates(*given) == ["without_narrative", "with_narrative"]


def test_the_inputs_come_in_the_order_of_the_plan(tmp_path: Path) -> None:
    run = lay_out(tmp_path / "run", {"z.csv": "", "a.csv": ""})
    inputs = [Input(run.source(name), f"etag-of-{name}", "", 0) for name in ("z.csv", "a.csv")]
    assert inputs_of_plan(run.uri("plan.json")) == [(each, ARRIVED) for each in inputs]


def test_prepared_rows_have_exactly_the_columns_that_the_jobs_read(complaints: Complaints) -> None:
    (only,) = complaints({"product": "Mortgage", "complaint_id": "7", "zip_code": "725", "company": "Acme"})
    carried = {*COLUMNS} - {"date_received", "date_sent_to_company", "consumer_complaint_narrative"}
    assert only.asDict() == dict.fromkeys(carried) | {
        "source": OLD,
        "record": 1,
        "line": 1,
        "complaint_id": "7",
        "received_on": None,
        "sent_on": None,
        "product": "Mortgage",
        "company": "Acme",
        "zip_code": "00725",
        "label": "mortgage",
        "narrative": "a story",
        "text_group": text_group("A  story"),
        "fate": "with_narrative",
        "flags": ["short_narrative"],
        "personal_data": [],
        "reason": None,
        "raw": None,
    }


def test_a_zip_code_gets_the_zeros_back_that_excel_took_and_other_forms_stay(complaints: Complaints) -> None:
    written = {"6513": "06513", "725": "00725", "06513": "06513", "021XX": "021XX", "XXXXX": "XXXXX", " 7739 ": "07739"}
    found = complaints(*({"zip_code": each} for each in written))
    assert [row.zip_code for row in found] == [*written.values()]


TELLING = "I have told the bank that this is not my account, and they will not listen to me whatever I send to them. "


def test_each_oddity_of_a_complaint_has_its_flag(complaints: Complaints) -> None:
    odd = {
        "date_unreadable": [{"date_received": "yesterday"}, {"date_sent_to_company": "2019-02-29"}],
        "sent_before_received": [{"date_received": "2020-03-18", "date_sent_to_company": "2020-03-17"}],
        "received_in_future": [{"date_received": "2026-02-02"}],
        "control_characters": [{"consumer_complaint_narrative": f"{TELLING}\x1b[31m"}],
        "short_narrative": [{"consumer_complaint_narrative": "a" * 99}],
        "not_english": [{"consumer_complaint_narrative": "El banco se niega a devolverme mi dinero. " * 3}],
        "masked_personal_data": [{"consumer_complaint_narrative": f"{TELLING} Write to me@example.org."}],
    }
    usual = {"consumer_complaint_narrative": TELLING}
    given = [usual | each for rows in odd.values() for each in rows]
    assert [row.flags for row in complaints(*given)] == [[name] for name, rows in odd.items() for _ in rows]


def test_what_is_not_odd_has_no_flag(complaints: Complaints) -> None:
    plain = {
        "date_received": "2026-01-01",
        "date_sent_to_company": "2026-01-01",
        "consumer_complaint_narrative": TELLING,
    }
    assert [row.flags for row in complaints(plain, {"consumer_complaint_narrative": None})] == [[], []]


def test_control_characters_are_taken_out_of_a_narrative_and_white_space_is_left_in_it(complaints: Complaints) -> None:
    (only,) = complaints({"consumer_complaint_narrative": "a\x01\x1fb\tc\nd\re\x0bf"})
    assert only.narrative == "ab\tc\nd\ref"


def test_copies_are_found_however_many_they_are(fates: Fates) -> None:
    found = fates(*({"complaint_id": str(n % 40)} for n in range(100)))
    assert [place for place, fate in enumerate(found) if fate != "superseded"] == list(range(60, 100))


COPIES = st.lists(
    st.tuples(st.sampled_from([OLD, NEW]), st.sampled_from(["7", "07", "8", None, ""]), st.booleans()), max_size=12
)


@given(COPIES, st.integers(1, 4))
def test_of_the_copies_of_a_complaint_one_is_the_newest_whoever_compares_them(
    copies: list[tuple[str, str | None, bool]], buckets: int
) -> None:
    rows = [
        {"source": source, "record": n, "line": n, "complaint_id": published, "in_open_quote": quoted or None}
        for n, (source, published, quoted) in enumerate(copies, start=1)
    ]
    table = cleaned(rows)
    newest: dict[str, int] = {}
    ids = ids_of(table).to_pylist()
    age = [(not row["in_open_quote"], row["source"] == NEW, row["record"]) for row in rows]
    for place, each in enumerate(ids):
        if each not in newest or age[place] > age[newest[each]]:
            newest[each] = place
    assert older_of(table, buckets).tolist() == [newest[each] != place for place, each in enumerate(ids)]


def test_the_digits_of_an_id_are_the_same_for_both_of_its_readers(spark: SparkSession) -> None:
    """Arrow reads them while rows are cleaned, Spark where exports are compared."""
    written = ["7", " 7\t", "\xa07 ", "00123", "0", "000", "8,000,001.00", "x12y34", "", ",", "none", "\u0663", "1\n2"]
    texts = spark.createDataFrame([(each,) for each in written], "id string")
    expected = [row[0] for row in texts.select(published_id(texts.id)).collect()]
    assert published_ids(pa.array([*written, None])).to_pylist() == [*expected, None]
    assert published_ids(pa.array(["7", None])).to_pylist() == ["7", None]
