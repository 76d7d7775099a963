"""The preparing job of a classification: every row has its fate, and the model is asked about the right ones."""

from collections.abc import Callable, Mapping
from pathlib import Path

import complaint_tables
import prepare_complaints
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cleaned_rows import FLAGS
from complaint_tables import FATES
from preparation import InputFilesRefusedError
from pyspark.sql import SparkSession
from result_table import REVIEW_REASONS

from complaints.runs.accounting import CLASSIFICATION_FATES, check_account
from tests.glue.local_runs import Run, audit, data_files, lay_out

HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"
OLD = HEADER + (
    "2020-03-18,Mortgage,An older story.,1\n"
    "2020-03-18,Mortgage,,2\n"
    '2020-03-19,Imaginary product,"Two\nlines, and ""quotes"".",3\n'
    "2020-03-19,Mortgage,too few\n"
)
NEW = HEADER + "2020-04-01,Mortgage,A newer story \u2028 with a separator.,1\n" + "2020-04-01,Mortgage,x,no number\n"

LaidOut = Callable[[Mapping[str, str | bytes]], Run]


def prepare(run: Run) -> Run:
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    return run


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    files = {"z-old.csv": OLD, "a-new.csv": NEW, "empty.csv": HEADER}
    return prepare(lay_out(tmp_path_factory.mktemp("prepared") / "run", files))


def test_every_row_of_every_file_has_one_fate(run: Run) -> None:
    account = run.document("account")
    assert account["by_source"] == [
        {"source": run.source("z-old.csv"), "rows_in": 4}
        | {"with_narrative": 1, "without_narrative": 1, "quarantined": 1, "superseded": 1},
        {"source": run.source("a-new.csv"), "rows_in": 2}
        | {"with_narrative": 1, "without_narrative": 0, "quarantined": 1, "superseded": 0},
        {"source": run.source("empty.csv"), "rows_in": 0} | dict.fromkeys(FATES, 0),
    ]
    assert check_account(account, FATES)["rows_in"] == 6


def test_the_model_is_asked_for_the_newest_copies_with_a_narrative_and_told_nothing_else(run: Run) -> None:
    assert sorted(run.lines("records"), key=lambda record: record["complaint_id"]) == [
        {"complaint_id": "1", "narrative": "A newer story \u2028 with a separator."},
        {"complaint_id": "3", "narrative": 'Two\nlines, and "quotes".'},
    ]


def test_rows_as_they_were_read_are_gone_once_they_are_prepared(run: Run) -> None:
    assert (run.folder / "parsed").exists()
    assert data_files(run.folder / "parsed") == []


def test_a_folder_of_records_holds_nothing_that_a_transform_would_take_for_records(run: Run) -> None:
    assert [path.name.startswith("part-") for path in data_files(run.folder / "records")] == [True]


def test_a_reader_finds_texts_dates_and_lists_in_the_complaints(run: Run, spark: SparkSession) -> None:
    found = {each.name: each.dataType.simpleString() for each in spark.read.parquet(run.uri("complaints")).schema}
    others = {"record": "bigint", "line": "bigint", "received_on": "date", "sent_on": "date"}
    others |= {"flags": "array<string>", "personal_data": "array<string>"}
    assert found == dict.fromkeys(complaint_tables.SCHEMA.names, "string") | others
    (file,) = {pq.read_schema(path) for path in data_files(run.folder / "complaints")}
    assert not [each for each in file if pa.types.is_dictionary(each.type)]


def test_complaints_of_an_earlier_attempt_are_gone_whatever_their_names(run_of: LaidOut) -> None:
    run = run_of({"a.csv": OLD})
    left = run.folder / "complaints" / "part-00077-an-earlier-one.snappy.parquet"
    left.parent.mkdir()
    left.write_bytes(b"half of a file")
    prepare(run)
    files = data_files(run.folder / "complaints")
    assert sum(pq.read_metadata(each).num_rows for each in files) == 4
    first = {each.name: each.read_bytes() for each in files}
    prepare(run)
    assert {each.name: each.read_bytes() for each in data_files(run.folder / "complaints")} == first


def test_what_is_quarantined_stands_there_with_its_place_its_reason_and_its_text(run: Run) -> None:
    assert sorted(run.lines("quarantine"), key=lambda record: record["line"]) == [
        {"source": run.source("a-new.csv"), "line": 3, "record": 2}
        | {"reason": "Complaint ID is not a number", "raw": "2020-04-01,Mortgage,x,no number\n"},
        {"source": run.source("z-old.csv"), "line": 6, "record": 4}
        | {"reason": "3 fields where the header has 4", "raw": "2020-03-19,Mortgage,too few\n"},
    ]
    assert run.document("account")["quarantined_by_reason"] == {
        "3 fields where the header has 4": 1,
        "Complaint ID is not a number": 1,
    }


def test_a_product_that_no_class_knows_is_classified_and_counted(run: Run) -> None:
    assert run.document("account")["unmapped"] == 1


def test_a_second_run_over_the_same_folder_replaces_the_first(run: Run) -> None:
    before = {name: run.lines(name) for name in ("records", "quarantine", "account")}
    assert {name: prepare(run).lines(name) for name in before} == before


@pytest.mark.parametrize("content", [HEADER, ""], ids=["header", "empty"])
def test_a_run_without_a_row_fails_and_names_its_files(run_of: LaidOut, content: str) -> None:
    run = run_of({"a.csv": content})
    with pytest.raises(ValueError, match=r"nothing to classify: no row in file://.*/raw/a\.csv"):
        prepare(run)
    assert not (run.folder / "account").exists()


def test_a_run_without_a_narrative_has_one_empty_file_of_records_and_its_account(run_of: LaidOut) -> None:
    run = prepare(run_of({"a.csv": HEADER + "2020-03-18,Mortgage, ,1\n2020-03-18,Mortgage,N/A,2\n"}))
    assert [path.stat().st_size for path in data_files(run.folder / "records")] == [0]
    (source,) = run.document("account")["by_source"]
    assert (source["with_narrative"], source["without_narrative"]) == (0, 2)
    account = audit(run, answers=None)
    assert [each["rows"] for each in account["files"]] == [0]
    assert check_account(account, CLASSIFICATION_FATES)["without_narrative"] == 2
    assert account["needs_review"] == dict.fromkeys(REVIEW_REASONS, 0)


def test_row_numbers_that_are_called_id_are_not_taken_for_ids(run_of: LaidOut) -> None:
    files = {name: "id,product,narrative\n" + "".join(f"{n},Mortgage,{name} {n}\n" for n in range(5)) for name in "ab"}
    account = prepare(run_of({f"{name}.csv": text for name, text in files.items()})).document("account")
    assert [each["with_narrative"] for each in account["by_source"]] == [5, 5]


def test_a_message_about_many_refused_files_is_bounded(run_of: LaidOut) -> None:
    run = run_of({f"{number:03}-{'x' * 60}.csv": "no header\n" for number in range(300)})
    with pytest.raises(InputFilesRefusedError) as refused:
        prepare(run)
    message = str(refused.value)
    assert message.startswith("300 files cannot be read: ")
    assert "000-xxx" in message
    assert " more: no header with a column" in message
    assert "Repair each of them" in message
    assert len(message) < 2_000


def test_a_file_that_the_plan_names_and_nobody_finds_fails_the_run(run_of: LaidOut, tmp_path: Path) -> None:
    run = run_of({"a.csv": OLD, "gone.csv": OLD})
    (tmp_path / "run" / "raw" / "gone.csv").unlink()
    with pytest.raises(InputFilesRefusedError, match=r"1 file cannot be read: .*gone\.csv: it is not there any more"):
        prepare(run)
    assert not (run.folder / "account").exists()


def test_the_account_counts_what_is_odd_and_what_was_masked_among_the_complaints_that_are_kept(run_of: LaidOut) -> None:
    told = (
        "I wrote to the bank, and this is what they have to say for themselves: nothing, and not for the first time. "
    )
    rows = [f"2020-01-01,Mortgage,{told} me@example.org,1", "2020-01-01,Mortgage,123-45-6789,1", "?,Mortgage,,2"]
    account = prepare(run_of({"a.csv": HEADER + "\n".join(rows) + "\n", "b.csv": HEADER})).document("account")
    assert account["personal_data"] == {"email": 0, "ssn": 1, "phone": 0, "card": 0}
    assert account["flags"] == dict.fromkeys(FLAGS, 0) | {
        "masked_personal_data": 1,
        "short_narrative": 1,
        "date_unreadable": 1,
    }


def test_a_rerun_writes_the_same_rows_into_the_same_files(run_of: LaidOut) -> None:
    rows = "".join(f"2020-03-18,Mortgage,Story {number}.,{number}\n" for number in range(1, 500))
    run = run_of(
        {"a.csv": HEADER + rows, "b.csv": HEADER + rows[: len(rows) // 2 // 30 * 30].rpartition("\n")[0] + "\n"}
    )

    def written() -> dict[str, list[object]]:
        folders = [run.folder / name for name in ("complaints", "records")]
        texts = [path.read_text() for path in data_files(folders[1])]
        return {"complaints": [pq.read_table(path).to_pylist() for path in data_files(folders[0])], "records": [*texts]}

    prepare(run)
    first = written()
    prepare(run)
    assert written() == first
