"""Rows that are not what they should be: quotes, fields, bytes, dates, copies, products. What is sound comes back."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from exact_csv.faults import NOT_CLOSED
from preparation import TooManyQuarantinedError

from tests.campaign.faults import Fault, injects
from tests.campaign.reading import HEADER, NEEDS_RAW, RAW, LaidOut, ids, prepare, read, row
from tests.glue.local_runs import Run

OPEN = '2026-01-02,Mortgage,"Never closed.,1\n'


def complaints(run: Run) -> list[dict[str, object]]:
    """The prepared rows, in the order of their files and records."""
    found = pq.read_table(run.folder / "complaints").to_pylist()
    return sorted(found, key=lambda each: (each["source"], each["record"]))


@injects(Fault.UNCLOSED_QUOTE)
@pytest.mark.parametrize(
    "behind",
    [
        row(2) + row(3),
        row(2) + row(3, '"quoted"'),
        row(2) + row(3, '"of\ntwo lines, with a comma"'),
        row(2) + '2026-01-02,Mort"gage",told,3\n',
        row(2) + '2026-01-02,"Mortgage",,3\n',
        row(2) + '2026-01-02,Mortgage,"",3\n',
    ],
    ids=["no quote", "a quote and a letter", "lines", "a quote and a comma", "a quoted product", "an empty quote"],
)
def test_an_unclosed_quote_costs_its_own_row_wherever_the_next_quote_stands(tmp_path: Path, behind: str) -> None:
    found = read(tmp_path, HEADER + row(10) + OPEN + behind + row(20))
    assert [each for each in ids(found) if each] == ["10", "2", "3", "20"]
    broken = [record for record in found if record.reason]
    assert [(record.record, record.line, record.raw, record.reason) for record in broken] == [(2, 3, OPEN, NOT_CLOSED)]


@injects(Fault.FORGED_ROWS)
def test_rows_inside_quotes_stay_text_in_a_file_that_is_strict_csv(tmp_path: Path) -> None:
    """Whole rows of a wide export in a narrative, whose quotes are closed."""
    header = ",".join(f"column {place}" for place in range(15)) + ",Narrative,Company,ID\n"
    filled = "," * 15
    rows = "".join(f"{filled}A,B,{number}\n" for number in (1, 2))
    (only,) = read(tmp_path, f'{header}{filled}"They wrote:\n{rows}{filled}and so on",B,3\n')
    assert only.fields["consumer_complaint_narrative"] == f"They wrote:\n{rows}{filled}and so on"


@injects(Fault.UNCLOSED_QUOTE, Fault.HIDDEN_ROWS)
def test_each_line_behind_an_unclosed_quote_that_is_no_row_is_quarantined(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + OPEN + "and on\n\nand on,and on\n" + row(2) + row(3, '"quoted"'))
    assert ids(found) == [None, None, None, "2", "3"]
    assert [record.raw for record in found[:3]] == [OPEN, "and on\n", "and on,and on\n"]
    assert [record.line for record in found] == [2, 3, 5, 6, 7]


BAD_ROWS = ["2026-01-02,Mortgage,too few\n", "2026-01-02,Mortgage,told,no number\n", '2026-01-02,Mort"gage,2,3,4\n']
HIDING = {
    "an unclosed quote": OPEN,
    "an over-long line": row(1, "x" * 1_100_000),
    "an over-long line with quotes": row(1, '"' + "x" * 1_100_000 + '"'),
    "an over-long line whose quote is not closed": '2026-01-02,Mortgage,"' + "x" * 1_100_000 + ",1\n",
    "an over-long field": row(1, "x" * 200_000),
    "an over-long field whose quote is not closed": '2026-01-02,Mortgage,"' + "x" * 200_000 + ",1\n",
    "a quote that the last row closes": "",
}


@injects(Fault.HIDDEN_ROWS)
@pytest.mark.parametrize("bad", BAD_ROWS, ids=["fields", "id", "quote"])
@pytest.mark.parametrize(("name", "before"), HIDING.items(), ids=HIDING)
def test_one_bad_row_hides_none_of_those_behind_it(tmp_path: Path, name: str, before: str, bad: str) -> None:
    before, behind = before or OPEN, 'x",2\n' if name.endswith("closes") else ""
    good = "".join(row(number) for number in range(100, 160))
    broken = '2026-01-02,"Mort"gage,told,99\n'  # so that the file is not strict CSV
    found = read(tmp_path, HEADER + broken + good + before + bad * 5_000 + behind)
    faulty = [record for record in found if record.reason]
    assert len(faulty) >= 5_002
    assert all(len(record.raw or "") <= 10_000 for record in faulty)
    assert len([each for each in ids(found) if each]) == 60


@injects(Fault.HIDDEN_ROWS, Fault.MANY_BAD_ROWS)
def test_a_run_whose_bad_rows_stand_behind_an_unclosed_quote_fails(run_of: LaidOut) -> None:
    good = "".join(row(number) for number in range(1, 61))
    run = run_of({"a.csv": HEADER + good + OPEN + "2026-01-02,Mortgage,too few\n" * 5_000})
    with pytest.raises(TooManyQuarantinedError, match=r"^5,001 of 5,061 rows \(98\.8%\) cannot be read"):
        prepare(run)
    assert len(run.lines("quarantine")) == 5_001


@injects(Fault.FORGED_ROWS, Fault.HUGE_RECORD)
@pytest.mark.parametrize("lines", [50_000, 500_000])
def test_an_over_long_record_of_a_strict_file_is_one_row_whatever_its_lines_look_like(
    tmp_path: Path, lines: int
) -> None:
    told = '"' + row(7) * lines + '"'
    found = read(tmp_path, HEADER + row(1) + row(2, told) + row(3))
    assert ids(found) == ["1", None, "3"]
    assert [record.line for record in found] == [2, 3, lines + 4]


@injects(Fault.UNCLOSED_QUOTE)
def test_a_hundred_unclosed_quotes_cost_a_hundred_rows(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + "".join(OPEN + row(number) for number in range(1, 101)))
    assert ids(found) == [each for number in range(1, 101) for each in (None, str(number))]


@injects(Fault.UNCLOSED_QUOTE)
@pytest.mark.parametrize("keeper", ['x",a,"b\n', 'x",a,"""b\n'])
def test_a_file_that_keeps_its_quotes_open_for_ever_is_read_in_a_time_that_grows_with_it_alone(
    tmp_path: Path, keeper: str
) -> None:
    """Each of these lines closes a quote and opens the next; without a look ahead of time they take hours."""
    pairs = 20_000
    found = read(tmp_path, HEADER + "".join(keeper + row(number) for number in range(1, pairs + 1)))
    assert [each for each in ids(found) if each] == [str(number) for number in range(1, pairs + 1)]


@injects(Fault.CONTROL_CHARACTERS)
def test_a_row_with_a_nul_is_quarantined_and_its_neighbours_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + row(1) + row(2, '"a\0b\nc"') + row(3))
    assert [record.reason for record in found] == [None, "holds a NUL byte", None]
    assert found[1].raw == row(2, '"a\0b\nc"')


@injects(Fault.CONTROL_CHARACTERS)
def test_other_control_characters_are_taken_out_of_the_narrative_and_flagged(run_of: LaidOut) -> None:
    run = prepare(run_of({"a.csv": HEADER + row(1, '"It is\x07 mine\x1b[31m,\tand\nthat."')}))
    (only,) = complaints(run)
    assert only["narrative"] == "It is mine[31m,\tand\nthat."
    assert run.document("account")["flags"]["control_characters"] == 1


@injects(Fault.FIELD_COUNT)
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026-01-02,Mortgage,Told.,2,more\n", "5 fields where the header has 4"),
        ("2026-01-02,Mortgage,2\n", "3 fields where the header has 4"),
        ("2026-01-02,Mortgage,Told.,\n", "no Complaint ID"),
    ],
)
def test_a_row_with_too_many_or_too_few_fields_is_quarantined_with_the_numbers(
    tmp_path: Path, line: str, reason: str
) -> None:
    found = read(tmp_path, HEADER + row(1) + line + row(3))
    assert [record.reason for record in found] == [None, reason, None]
    assert found[1].raw == line


@injects(Fault.MULTILINE)
def test_the_number_of_records_is_known_however_many_lines_they_have(tmp_path: Path) -> None:
    told = '"First.\n\n""Second"", he said,\r\nand third.\n"'
    found = read(tmp_path, HEADER + "".join(row(number, told) for number in range(1, 1001)))
    assert (len(found), {record.reason for record in found}) == (1000, {None})
    assert [record.line for record in found[:3]] == [2, 7, 12]


@injects(Fault.REPEATED_ID)
def test_of_a_complaint_that_came_twice_the_newest_copy_is_classified_and_both_are_counted(run_of: LaidOut) -> None:
    old, new = HEADER + row(7, "As it was.") + row(8), HEADER + row(7, "As it was changed.") + row(9)
    run = prepare(run_of({"z-old.csv": old, "a-new.csv": new}))
    assert {each["complaint_id"]: each["narrative"] for each in run.lines("records")}["7"] == "As it was changed."
    assert [each["superseded"] for each in run.document("account")["by_source"]] == [1, 0]
    assert len(run.lines("records")) == 3


@injects(Fault.UNKNOWN_PRODUCT)
def test_a_product_of_no_class_is_classified_and_counted_and_those_of_all_taxonomies_have_theirs(
    run_of: LaidOut,
) -> None:
    products = {
        "Credit reporting": "credit_reporting",  # until 2017-04
        '"Credit reporting, credit repair services, or other personal consumer reports"': "credit_reporting",
        "Credit reporting or other personal consumer reports": "credit_reporting",  # since 2023-08
        "Prepaid card": "card",  # before the first change, and again after the second
        "Bank account or service": "bank_account",
        '"Payday loan, title loan, personal loan, or advance loan"': "payday_personal_loan",
        "Telepathy": "unmapped",
    }
    rows = [f"2026-01-02,{product},Told.,{number}\n" for number, product in enumerate(products, start=1)]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows)}))
    assert [each["label"] for each in complaints(run)] == [*products.values()]
    assert run.document("account")["unmapped"] == 1
    assert len(run.lines("records")) == len(products)


@injects(Fault.DATES)
def test_dates_that_cannot_be_are_flagged_and_their_rows_are_classified(run_of: LaidOut) -> None:
    header = "Date received,Date sent to company,Consumer complaint narrative,Complaint ID\n"
    dates = ["2026-02-30,2026-01-02", "2025-01-02,2025-01-01", "2999-01-01,2999-01-02", "2025-01-01,2025-01-02"]
    rows = [f"{both},Told.,{number}\n" for number, both in enumerate(dates, start=1)]
    run = prepare(run_of({"a.csv": header + "".join(rows)}))
    assert [[flag for flag in each["flags"] if flag != "short_narrative"] for each in complaints(run)] == [
        ["date_unreadable"],
        ["sent_before_received"],
        ["received_in_future"],
        [],
    ]
    assert len(run.lines("records")) == 4


@injects(Fault.DATES)
@pytest.mark.skipif(not RAW.is_dir(), reason=NEEDS_RAW)
def test_the_real_complaints_that_were_sent_before_they_came_are_flagged(run_of: LaidOut) -> None:
    names = ["complaints-2026-04.csv", "complaints-2020-05-indexed.csv"]
    account = prepare(run_of({name: (RAW / name).read_bytes() for name in names})).document("account")
    assert account["flags"]["sent_before_received"] == 5
    assert account["flags"]["date_unreadable"] == 0
