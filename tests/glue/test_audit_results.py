"""The auditing job: the candidate table, and an account that a lost, foreign or impossible score cannot hide from."""

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import prepare_complaints
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from audit_results import write_results
from narratives import text_group
from pyspark.sql import SparkSession
from result_counts import account_of_results, largest
from result_file import Writing
from result_parts import ASKED, SCORES, TAUGHT, Source, sending
from result_table import OPTIONAL, Publication
from result_table import results as table_of
from score_audit import ScoresRefusedError
from score_files import score_files, scores_of, scores_schema

from complaints.runs.accounting import CLASSIFICATION_FATES, RowsMissingError, check_account
from tests.glue.local_runs import COLUMNS, Run, audit, data_files, lay_out

HEADER = "Product,Consumer complaint narrative,Complaint ID\n"
FILES = {
    "a.csv": HEADER + "Mortgage,one,1\nMortgage,,2\nMortgage,too,many,3\nMortgage,older,4\n",
    "b.csv": HEADER + "Mortgage,newer,4\nImaginary product,five,5\n,six,6\n",
}
Score = dict[str, Any]


def score(identifier: str, product: str = "mortgage", confidence: float = 0.75) -> Score:
    return {"complaint_id": identifier, "predicted_product": product, "confidence": confidence} | {
        "runner_up": "mortgage" if product == "card" else "card",
        "runner_up_confidence": 0.125,
        "known_ngrams": 12,
    }


ALL = [score("1", confidence=0.875), score("4", "card", 0.5), score("5", confidence=0.57), score("6")]


def results(run: Run) -> pa.Table:
    return pa.concat_tables(pq.ParquetFile(path).read() for path in data_files(run.folder / "candidate"))


def digests(run: Run) -> list[str]:
    return [hashlib.sha256(path.read_bytes()).hexdigest() for path in data_files(run.folder / "candidate")]


@pytest.fixture(scope="module")
def prepared(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = lay_out(tmp_path_factory.mktemp("published") / "run", FILES)
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    return run


@pytest.fixture(scope="module")
def account(prepared: Run) -> dict[str, Any]:
    return audit(prepared, ALL)


@pytest.fixture(scope="module")
def table(prepared: Run, account: dict[str, Any]) -> pa.Table:
    return results(prepared)


def test_every_row_is_accounted_for_file_by_file(prepared: Run, account: dict[str, Any]) -> None:
    assert check_account(account, CLASSIFICATION_FATES) == {"rows_in": 7} | {
        "classified": 4,
        "without_narrative": 1,
        "quarantined": 1,
        "superseded": 1,
    }
    assert [(each["source"], each["rows_in"]) for each in account["by_source"]] == [
        (prepared.source("a.csv"), 4),
        (prepared.source("b.csv"), 3),
    ]


def test_the_table_has_exactly_the_columns_and_types_that_are_promised(table: pa.Table) -> None:
    assert [(field.name, field.type) for field in table.schema] == [
        ("complaint_id", pa.string()),
        ("predicted_product", pa.string()),
        ("confidence", pa.float64()),
        ("runner_up", pa.string()),
        ("runner_up_confidence", pa.float64()),
        ("needs_review", pa.bool_()),
        ("review_reason", pa.string()),
        ("model_version", pa.string()),
        ("run_id", pa.string()),
        ("source", pa.string()),
        ("record", pa.int64()),
        ("line", pa.int64()),
        ("received_on", pa.date32()),
        *((name, pa.string()) for name in ("product", "sub_product", "issue", "sub_issue", "company", "state")),
    ]


def test_the_table_holds_each_score_once_under_its_complaint(prepared: Run, table: pa.Table) -> None:
    origin = {"model_version": "v007", "run_id": "0123456789012345"}
    places = [("a.csv", 1, 2, "Mortgage"), ("b.csv", 1, 2, "Mortgage"), ("b.csv", 2, 3, "Imaginary product")]
    complaints = [
        dict.fromkeys(OPTIONAL) | {"source": prepared.source(name), "record": record, "line": line, "product": product}
        for name, record, line, product in [*places, ("b.csv", 3, 4, None)]
    ]
    assert sorted(table.to_pylist(), key=lambda row: row["complaint_id"]) == [
        {name: value for name, value in each.items() if name != "known_ngrams"} | origin | review(each) | complaint
        for each, complaint in zip(ALL, complaints, strict=True)
    ]


def test_columns_that_are_not_asked_for_are_null_and_there(spark: SparkSession, tmp_path: Path) -> None:
    header = "Product,Issue,Company,State,Date received,Consumer complaint narrative,Complaint ID\n"
    run = lay_out(tmp_path / "run", {"a.csv": header + "Mortgage,Late,Acme,NY,2026-01-05,words,1\n"})
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    audit(run, [score("1")], columns=["received_on", "company"])
    (row,) = results(run).to_pylist()
    filled = {name: row[name] for name in OPTIONAL if row[name] is not None}
    assert filled == {"received_on": date(2026, 1, 5), "company": "Acme"}


SPOKE = [{"product": "mortgage", "ngram": "escrow", "weight": 1.5}, {"product": "card", "ngram": "fee", "weight": 0.25}]


def test_evidence_is_a_column_only_where_it_is_asked_for(spark: SparkSession, tmp_path: Path) -> None:
    narratives = "".join(f"Mortgage,words,{number}\n" for number in (1, 4, 5, 6))
    run = lay_out(tmp_path / "run", {"a.csv": HEADER + narratives})
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    answers = [{**ALL[0], "evidence": SPOKE}, {**ALL[1], "evidence": []}, *ALL[2:]]
    audit(run, answers)
    without = results(run)
    audit(run, answers, columns=[*COLUMNS, "evidence"])
    with_it = results(run)
    assert "evidence" not in without.column_names
    assert with_it.drop_columns(["evidence"]).equals(without)
    # An earlier release's code gives none.
    assert with_it["evidence"].to_pylist() == [SPOKE, [], None, None]


def review(answer: Score) -> Score:
    low = answer["confidence"] < 0.6
    return {"needs_review": low, "review_reason": "low_confidence" if low else None}


def test_who_needs_a_review_is_who_the_model_is_less_sure_of_than_asked(table: pa.Table) -> None:
    assert {(row["confidence"], row["needs_review"]) for row in table.to_pylist()} >= {(0.5, True), (0.875, False)}


@pytest.mark.parametrize(
    ("known", "confidence", "reason"),
    [
        (0, 0.9, "no_evidence"),
        (0, 0.3, "no_evidence"),
        (1, 0.9, "little_evidence"),
        (2, 0.3, "little_evidence"),
        (3, 0.3, "low_confidence"),
        (3, 0.9, None),
        (None, 0.9, None),
    ],
)
def test_a_result_without_evidence_needs_a_review_however_sure_the_model_is(
    known: int | None, confidence: float, reason: str | None
) -> None:
    names = sending(1, Publication("v007", "r", 0.6, [])).complaints.names
    answers = pa.Table.from_pylist([score("1", "card", confidence) | {"known_ngrams": known}], scores_schema())
    place = {"source": "a.csv", "record": 1, "line": 2}
    classified = pa.table(
        {name: [place.get(name)] for name in names if name != "complaint_id"}
        | dict(zip(answers.column_names, answers.columns, strict=True))
    )
    (found,) = table_of(classified, Publication("v007", "r", 0.6, [])).to_pylist()
    assert (found["needs_review"], found["review_reason"]) == (reason is not None, reason)


def test_the_account_counts_the_reasons_of_reviews(account: dict[str, Any]) -> None:
    assert account["needs_review"] == {"no_evidence": 0, "little_evidence": 0, "low_confidence": 2}


def test_the_spread_of_the_scores_is_counted_by_label_answer_and_tenth(account: dict[str, Any]) -> None:
    spread = {(row["label"], row["predicted_product"], row["confidence_tenth"]): row for row in account["scores"]}
    assert {cell: (row["rows"], row["confidence_sum"]) for cell, row in spread.items()} == {
        ("mortgage", "mortgage", 8): (1, 0.875),
        ("mortgage", "card", 5): (1, 0.5),
        ("unmapped", "mortgage", 5): (1, 0.57),
        (None, "mortgage", 7): (1, 0.75),
    }


def test_complaints_that_the_model_was_trained_on_are_marked_by_their_id_and_by_their_narrative(
    spark: SparkSession, prepared: Run, account: dict[str, Any], tmp_path: Path
) -> None:
    assert {row["seen"] for row in account["scores"]} == {None}, "nobody knows without the training rows"
    taught = [("1", text_group("other"), "train"), ("99", text_group("NEWER "), "train"), ("98", None, "train")]
    rows = spark.createDataFrame(taught, "complaint_id string, text_group string, fate string")
    rows.write.partitionBy("fate").parquet((tmp_path / "rows").as_uri())
    # As a plan names them.
    found = again(prepared, tmp_path, ALL, trained_on=[f"{(tmp_path / 'rows').as_uri()}/fate=*/"])
    seen = {(row["label"], row["predicted_product"]): row["seen"] for row in found["scores"]}
    assert seen == {
        ("mortgage", "mortgage"): True,
        ("mortgage", "card"): True,
        ("unmapped", "mortgage"): False,
        (None, "mortgage"): False,
    }


def test_the_largest_companies_and_states_are_counted_as_they_are_published(account: dict[str, Any]) -> None:
    assert not account.keys() & {"by_company", "by_state"}, "neither column is published"
    files = [{"company": {"Acme": (1, 1), "Bank": (3, 0), None: (1, 0)}, "state": {None: (5, 1)}}]
    files += [{"company": {"Acme": (1, 1), "Credit": (1, 1)}, "state": {None: (2, 2)}}]
    assert largest(files, 2) == {
        "by_company": [
            {"name": "Bank", "rows": 3, "for_review": 0},
            {"name": "Acme", "rows": 2, "for_review": 2},
            {"name": None, "rows": 2, "for_review": 1},
        ]
    }


def test_complaints_about_unknown_products_are_counted(account: dict[str, Any]) -> None:
    assert account["unmapped"] == 1


def again(prepared: Run, folder: Path, scores: Iterable[Score], **more: Any) -> dict[str, Any]:
    """Audits other scores of the same complaints, elsewhere."""
    for name in ("complaints", "account", "records"):
        (folder / name).symlink_to(prepared.folder / name)
    return audit(Run(folder), scores, **more)


def test_a_complaint_without_a_score_leaves_its_file_a_row_short(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, ALL[:2] + ALL[3:])
    with pytest.raises(RowsMissingError, match=r"/raw/b\.csv: 3 rows in, but 2 classified .*: 1 missing$") as refused:
        check_account(account, CLASSIFICATION_FATES)
    assert "a.csv" not in str(refused.value)


def test_what_the_model_could_not_score_is_quarantined_with_its_words(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, [*ALL[1:], {"complaint_id": "1", "error": "no narrative"}])
    totals = check_account(account, CLASSIFICATION_FATES)
    assert (totals["classified"], totals["quarantined"]) == (3, 2)
    assert account["quarantined_by_reason"] == {"4 fields where the header has 3": 1, "model: no narrative": 1}
    assert "1" not in results(Run(tmp_path))["complaint_id"].to_pylist()


def test_what_the_model_could_score_nothing_of_is_an_empty_table(prepared: Run, tmp_path: Path) -> None:
    account = again(prepared, tmp_path, [{"complaint_id": each["complaint_id"], "error": "no"} for each in ALL])
    assert check_account(account, CLASSIFICATION_FATES)["quarantined"] == 5
    assert sum(each["rows"] for each in account["files"]) == results(Run(tmp_path)).num_rows == 0


def test_the_account_vouches_for_each_file_of_the_table(prepared: Run, account: dict[str, Any]) -> None:
    paths = data_files(prepared.folder / "candidate")
    facts = [
        {"name": path.name, "size": path.stat().st_size, "rows": pq.ParquetFile(path).metadata.num_rows}
        for path in paths
    ]
    assert account["files"] == [
        each | {"sha256": digest} for each, digest in zip(facts, digests(prepared), strict=True)
    ]


def test_the_same_scores_in_another_order_give_the_same_bytes(prepared: Run, account: Any, tmp_path: Path) -> None:
    again(prepared, tmp_path, ALL[::-1])
    assert digests(Run(tmp_path)) == digests(prepared)


ANOTHER_PROCESS = """
import hashlib, sys
import pyarrow.parquet as pq
from result_file import parquet_of
print(hashlib.sha256(parquet_of(pq.ParquetFile(sys.argv[1]).read())).hexdigest())
"""


def test_another_process_gives_the_same_bytes(prepared: Run, account: Any) -> None:
    (path,) = data_files(prepared.folder / "candidate")
    command = [sys.executable, "-W", "ignore", "-c", ANOTHER_PROCESS, str(path)]
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [done.stdout.strip()] == digests(prepared)


MANY = [str(number * 7 % 100) for number in range(100)]
SOUND = [score(each, confidence=0.5 + int(each) / 512) for each in MANY]


def many(folder: Path) -> list[Source]:
    """A hundred complaints, and training rows by which the model has seen two of them."""
    asked = {"complaint_id": MANY, "source": ["a.csv"] * 100, "record": range(100), "line": range(100)}
    asked |= {"label": ["card", None] * 50, "fate": ["with_narrative"] * 100, "company": ["Acme", "Bank"] * 50}
    asked |= {"text_group": [text_group(each) for each in MANY]}
    folder.mkdir()
    pq.write_table(pa.table({name: list(values) for name, values in asked.items()}), folder / "asked.parquet")
    taught = {"complaint_id": ["17", "200"], "text_group": [None, text_group("18")]}
    pq.write_table(pa.table(taught), folder / "taught.parquet")
    return [Source(ASKED, str(folder / "asked.parquet")), Source(TAUGHT, str(folder / "taught.parquet"))]


def written(
    spark: SparkSession, sources: list[Source], answers: list[Score], folder: Path, files: int
) -> dict[str, Any]:
    """Writes so many files of results of the answers; their account."""
    path = folder.with_suffix(".out")
    path.write_text("".join(json.dumps(each) + "\n" for each in answers))
    publication = Publication("v007", "a-run", 0.6, ["company"])
    writing = Writing(str(folder), sending(files, publication), publication, ["card", "mortgage"])
    found = write_results(spark, [*sources, Source(SCORES, str(path))], writing)
    assert [each.file for each in found if each.file] == [
        {"name": each.name, "size": each.stat().st_size, "rows": pq.ParquetFile(each).metadata.num_rows}
        | {"sha256": hashlib.sha256(each.read_bytes()).hexdigest()}
        for each in data_files(folder)
    ]
    account = {"by_source": [{"source": "a.csv", "rows_in": 100}], "quarantined_by_reason": {}, "unreadable_files": []}
    return account_of_results([each.counts for each in found if each.counts], account)


def test_many_results_are_several_files_each_in_order_and_twice_the_same(spark: SparkSession, tmp_path: Path) -> None:
    sources = many(tmp_path / "run")
    written(spark, sources, SOUND, tmp_path / "once", 4)
    written(spark, sources[::-1], SOUND[::-1], tmp_path / "twice", 4)
    files = [pq.ParquetFile(path).read()["complaint_id"].to_pylist() for path in data_files(tmp_path / "once")]
    assert len(files) == 4
    assert all(ids == sorted(ids) for ids in files)
    assert sorted(each for ids in files for each in ids) == sorted(MANY)
    once, twice = ([path.read_bytes() for path in data_files(tmp_path / name)] for name in ("once", "twice"))
    assert once == twice


def test_the_account_is_the_same_of_however_many_files(spark: SparkSession, tmp_path: Path) -> None:
    sources = many(tmp_path / "run")
    answers = [{"complaint_id": "0", "error": "no"}, *SOUND[1:99]]
    one, four = (written(spark, sources, answers, tmp_path / str(files), files) for files in (1, 4))
    assert one == four
    assert one["by_source"][0] == {"source": "a.csv", "rows_in": 100, "classified": 98, "quarantined": 1} | {
        "without_narrative": 0,
        "superseded": 0,
    }
    assert sum(row["rows"] for row in one["scores"] if row["seen"]) == 2
    assert [row["rows"] for row in one["by_company"]] == [49, 49]


def test_answers_that_cannot_be_right_leave_none_of_several_files(spark: SparkSession, tmp_path: Path) -> None:
    sources = many(tmp_path / "run")
    faulty = [*SOUND[:98], SOUND[98] | {"confidence": None}, SOUND[99] | {"confidence": None}, score("x")]
    with pytest.raises(ScoresRefusedError) as refused:
        written(spark, sources, faulty, tmp_path / "results", 4)
    ids = ", ".join(map(repr, sorted(MANY[98:])))
    foreign = (
        "1 answer for a complaint that was never asked about, complaint_id 'x': only this run's records are answered"
    )
    assert (
        str(refused.value)
        == f"{foreign}; 2 answers with an invalid confidence, complaint_id {ids}: " + NO.partition(": ")[2]
    )
    assert data_files(tmp_path / "results") == []


ODD_LINES: list[tuple[str, list[dict[str, Any]]]] = [
    ("", []),
    ("\n  \r\n", []),
    ('{"complaint_id": "1"}', [{"complaint_id": "1"}]),
    ('{"complaint_id": 1}\n{"complaint_id": 1.50}', [{"complaint_id": "1"}, {"complaint_id": "1.50"}]),
    ('{"complaint_id": "1", "complaint_id": "2"}', [{"complaint_id": "2"}]),
    ('[{"complaint_id": "1"}, {"complaint_id": "2"}]', [{"complaint_id": "1"}, {"complaint_id": "2"}]),
    ('{"complaint_id": "1"', [{}]),
    ("[" * 100_000, [{}]),
    ('"1"\nnull\nno JSON', [{}, {}, {}]),
    ("null", [{}]),
    ('\n null\n{"complaint_id": "1"}', [{}, {"complaint_id": "1"}]),
    ('{"complaint_id": "1", "known_ngrams": 9.0, "confidence": "0.5"}', [{"complaint_id": "1"}]),
    ('{"complaint_id": "1", "known_ngrams": 12345678901234567890}', [{"complaint_id": "1"}]),
    ('{"complaint_id": "1", "confidence": 1e400}', [{"complaint_id": "1", "confidence": math.inf}]),
    ('{"complaint_id": true, "confidence": 1}', [{"complaint_id": "true", "confidence": 1.0}]),
    ('{"complaint_id": "\\ud83d"}', [{"complaint_id": "?"}]),
    (
        '{"complaint_id": "1", "evidence": [{"ngram": "fee", "weight": 1}, 2]}',
        [{"complaint_id": "1"} | {"evidence": [{"product": None, "ngram": "fee", "weight": 1.0}, None]}],
    ),
    ('{"complaint_id": "1", "evidence": {}, "more": {"deep": [1]}}', [{"complaint_id": "1"}]),
]


@pytest.mark.parametrize(("lines", "expected"), ODD_LINES)
def test_whatever_is_in_a_line_of_an_output_is_read_as_an_answer(lines: str, expected: list[dict[str, Any]]) -> None:
    schema = scores_schema(["evidence"])
    sound = json.dumps(ALL[0] | {"evidence": SPOKE}) + "\n"
    for before in ("", sound):
        rows = scores_of((before + lines).encode(), schema).to_pylist()
        found = [{name: value for name, value in row.items() if value is not None} for row in rows]
        assert found == [ALL[0] | {"evidence": SPOKE}] * bool(before) + expected


def test_bytes_that_are_no_text_are_read_as_far_as_they_are() -> None:
    (row,) = scores_of(b'{"complaint_id": "\xff1", "error": "no"}', scores_schema()).to_pylist()
    assert (row["complaint_id"], row["error"]) == ("\ufffd1", "no")


def test_an_output_that_answers_no_file_of_this_run_is_passed_over_and_counted(
    prepared: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "part-00000-of-before.json.out").write_text(json.dumps(score("1", "card")) + "\n")
    account = again(prepared, tmp_path, ALL)
    assert check_account(account, CLASSIFICATION_FATES)["classified"] == 4
    assert "outputs read: 1; ignored, of an earlier attempt: 1" in capsys.readouterr().out


def test_a_copy_of_an_output_in_a_folder_beside_it_is_passed_over(tmp_path: Path) -> None:
    for name in ("records/part-0.json", *(f"scores/{place}part-0.json.out" for place in ("a/", "", "z/"))):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = score_files((tmp_path / "records").as_uri(), f"{(tmp_path / 'scores').as_uri()}/")
    assert found == [str(tmp_path / "scores" / "part-0.json.out")]
    (tmp_path / "scores" / "part-0.json.out").unlink()
    with pytest.raises(ScoresRefusedError, match=r"^1 of 1 records files have no output in .*: part-0\.json; "):
        score_files((tmp_path / "records").as_uri(), (tmp_path / "scores").as_uri())


@pytest.mark.parametrize("folder", ["gone", "empty"])
def test_records_without_an_output_are_refused_and_named(prepared: Run, tmp_path: Path, folder: str) -> None:
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "another.json.out").touch()
    (record,) = data_files(prepared.folder / "records")
    with pytest.raises(ScoresRefusedError, match=rf"^1 of 1 records files have no output in .*: {record.name}; "):
        again(prepared, tmp_path, None)
    (tmp_path / "scores" / "another.json.out").unlink()
    if folder == "gone":
        (tmp_path / "scores").rmdir()
    with pytest.raises(ScoresRefusedError, match=f"{record.name}; each needs one of its name and '.out'"):
        audit(Run(tmp_path), None)


NO = "complaint_id '1': a probability is a number from 0 to 1"
FOREIGN = "that is no class of the model, complaint_id '1': card, mortgage"
CASES = [
    ([score("999")], "1 answer for a complaint that was never asked about, complaint_id '999': only this run's"),
    ([score("2")], "1 answer for a complaint that was never asked about, complaint_id '2'"),
    ([{"complaint_id": None, "error": "not JSON"}], "1 answer for a complaint that was never asked about"),
    ([ALL[0]], "2 answers for a complaint that was scored more than once, complaint_id '1': each record has one"),
    ([{"complaint_id": "1", "error": "no"}], "2 answers for a complaint that was scored more than once"),
]
ANSWERS: list[tuple[Score, str]] = [
    ({"predicted_product": None}, "with neither a prediction nor an error, complaint_id '1': each answer is one of"),
    ({"predicted_product": "cards"}, f"with a predicted_product {FOREIGN}"),
    ({"runner_up": "cards"}, f"with a runner_up {FOREIGN}"),
    ({"runner_up": None}, f"with a runner_up {FOREIGN}"),
    ({"runner_up": "mortgage"}, "with its predicted_product as runner_up, complaint_id '1'"),
    *(
        ({"confidence": no}, f"with an invalid confidence, {NO}")
        for no in (math.nan, None, -0.1, 1.1, math.inf, "very")
    ),
    *(({"runner_up_confidence": no}, f"with an invalid runner_up_confidence, {NO}") for no in (math.nan, None, -0.1)),
    ({"confidence": 0.3, "runner_up_confidence": 0.4}, "with a runner_up_confidence above its confidence"),
    (
        {"confidence": 0.6, "runner_up_confidence": 0.4001},
        "with a confidence and a runner_up_confidence above 1 together, complaint_id '1'",
    ),
]
CASES += [([*ALL[1:], ALL[0] | changes], f"1 answer {message}") for changes, message in ANSWERS]


@pytest.mark.parametrize(("more", "message"), CASES)
def test_an_answer_that_cannot_be_right_is_refused_and_named(
    prepared: Run, tmp_path: Path, more: list[Score], message: str
) -> None:
    scores = more if len(more) > 1 else [*ALL, *more]
    with pytest.raises(ScoresRefusedError, match=re.escape(message)):
        again(prepared, tmp_path, scores)
    assert not (tmp_path / "candidate").exists()


def test_what_is_wrong_in_several_ways_is_told_of_all_of_them(prepared: Run, tmp_path: Path) -> None:
    ids = [str(each) for each in range(100, 107)]
    with pytest.raises(ScoresRefusedError) as refused:
        again(prepared, tmp_path, [ALL[0] | {"confidence": math.nan}, *ALL[1:], *map(score, ids)])
    foreign, broken = str(refused.value).split("; ")
    assert foreign.startswith("7 answers for a complaint that was never asked about, complaint_id '100', ")
    assert "'104', …: only" in foreign
    assert broken.startswith("1 answer with an invalid confidence, complaint_id '1'")


def test_rounding_is_no_fault(prepared: Run, tmp_path: Path) -> None:
    rounded = ALL[0] | {"confidence": 0.6, "runner_up_confidence": 0.4 + 5e-7}
    assert check_account(again(prepared, tmp_path, [rounded, *ALL[1:]]), CLASSIFICATION_FATES)["classified"] == 4
