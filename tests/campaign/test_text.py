"""What a narrative may hold: formulas, markup, templates, personal data, other languages. Nothing acts, all is kept."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest

from laptop.report import page
from laptop.report.quarantine import download_quarantine, inert
from tests.campaign.faults import Fault, injects
from tests.campaign.reading import HEADER, LaidOut, prepare, row
from tests.glue.local_runs import data_files

TOLD = "I wrote to the bank, and this is all that they have to say for themselves: nothing, not even a word."
HOSTILE = [
    "<script>alert(document.cookie)</script><img src=x onerror=alert(1)>",
    "{{ ti.xcom_push('a', 'b') }} {% raw %} ${jndi:ldap://x} $(rm -rf /) `id`",
    "$.Execution.Input States.Format('{}', $)",
    "=HYPERLINK(0)",
    "+1 was all they said",
    "-2 stars",
    "@SUM(A1)",
    "\t=1+1",
]


def quoted(text: str) -> str:
    """The text as a field of its own."""
    return '"' + text.replace('"', '""') + '"'


@injects(Fault.FORMULA)
def test_a_formula_is_escaped_where_a_spreadsheet_opens_it_and_exact_everywhere_else(
    run_of: LaidOut, in_memory_aws: None, tmp_path: Path
) -> None:
    rows = [row(number, quoted(told)) for number, told in enumerate(HOSTILE, start=1)]
    bad = ["=1+1,too few\n", '"\t@SUM(A1)",too few\n', "-1,too few\n", "plain,too few\n"]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows + bad)}))
    # Exact in what the model is asked, in Parquet, and in the quarantine itself.
    assert {each["narrative"] for each in run.lines("records")} == {*HOSTILE}
    narratives = pq.read_table(run.folder / "complaints", columns=["narrative"]).column("narrative").to_pylist()
    assert {*filter(None, narratives)} == {*HOSTILE}
    assert [each["raw"] for each in run.lines("quarantine")] == bad

    s3 = boto3.client("s3", region_name="us-east-1")
    s3.create_bucket(Bucket="bucket")
    (file,) = data_files(run.folder / "quarantine")
    s3.put_object(Bucket="bucket", Key="quarantine/run_id=r/part-0.json", Body=file.read_bytes())
    assert download_quarantine(s3, "bucket", tmp_path / "quarantine.csv") == 4
    with (tmp_path / "quarantine.csv").open(encoding="utf-8", newline="") as opened:
        header, *found = csv.reader(opened)
    assert header == ["file", "line", "reason", "raw"]
    assert [each[3] for each in found] == ["'=1+1,too few\n", bad[1], "'-1,too few\n", "plain,too few\n"]
    assert {each[2] for each in found} == {"2 fields where the header has 4"}


@injects(Fault.FORMULA)
@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\0=1", "\n\t -1", "\xa0=1"])
def test_whatever_a_spreadsheet_takes_for_a_formula_is_escaped(text: str) -> None:
    assert inert(text) == f"'{text}"


@injects(Fault.FORMULA)
@pytest.mark.parametrize("text", ["", "a=1", "1-2", "plain", '"=1"', "'=1"])
def test_what_no_spreadsheet_takes_for_a_formula_is_left_alone(text: str) -> None:
    assert inert(text) == text


@injects(Fault.MARKUP)
def test_markup_and_templates_pass_through_as_text_and_are_escaped_in_the_report(run_of: LaidOut) -> None:
    rows = [row(number, quoted(told)) for number, told in enumerate(HOSTILE, start=1)]
    products = [f"2026-01-02,{quoted(told)},Told.,{number}\n" for number, told in enumerate(HOSTILE, start=101)]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows + products)}))
    assert {each["complaint_id"]: each["narrative"] for each in run.lines("records")} == {
        **{str(number): told for number, told in enumerate(HOSTILE, start=1)},
        **{str(number): "Told." for number, _ in enumerate(HOSTILE, start=101)},
    }
    # Texts do not reach the report; names of files, products and reasons do.
    hostile: dict[str, Any] = {
        "inputs": [HOSTILE[0]],
        "rows_in": 1,
        "account": {"classified": 0, "without_narrative": 0, "quarantined": 1, "superseded": 0},
        "quarantined_by_reason": {HOSTILE[0]: 1},
        "predicted_products": {HOSTILE[0]: 1},
    }
    rendered = page.render({"classification": hostile})
    assert "<script>alert" not in rendered
    assert "onerror=alert(1)>" not in rendered.replace("onerror=alert(1)&gt;", "")


@injects(Fault.PERSONAL_DATA)
def test_personal_data_that_the_publisher_overlooked_are_masked_in_what_is_learned_from_and_counted(
    run_of: LaidOut,
) -> None:
    told = {
        "jane@example.org": "email",
        "078-05-1120": "ssn",
        "(212) 555-0123": "phone",
        "4111 1111 1111 1111": "card",
    }
    rows = [row(number, quoted(f"{TOLD} It is {each}, they say.")) for number, each in enumerate(told, start=1)]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows) + row(9, quoted(TOLD)) + "4111 1111 1111 1111\n"}))
    asked = sorted(run.lines("records"), key=lambda each: each["complaint_id"])
    assert [each["narrative"] for each in asked] == [f"{TOLD} It is XXXX, they say."] * 4 + [TOLD]
    account = run.document("account")
    assert account["personal_data"] == dict.fromkeys(told.values(), 1)
    assert account["flags"]["masked_personal_data"] == 4
    # The quarantine is raw text, and says so.
    assert [each["raw"] for each in run.lines("quarantine")] == ["4111 1111 1111 1111\n"]


@injects(Fault.STUBS)
def test_stubs_and_other_languages_are_classified_and_flagged(run_of: LaidOut) -> None:
    spanish = "El banco se niega a devolverme mi dinero y nadie contesta mis llamadas desde hace tres meses enteros."
    chinese = "银行拒绝退还我的钱。" * 12
    rows = [row(1, quoted(TOLD)), row(2, quoted(spanish)), row(3, chinese), row(4, "Help me with the bank.")]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows)}))
    flags = pq.read_table(run.folder / "complaints").to_pylist()
    assert {each["complaint_id"]: each["flags"] for each in flags} == {
        "1": [],
        "2": ["not_english"],
        "3": ["not_english"],
        "4": ["short_narrative"],
    }
    assert len(run.lines("records")) == 4
    assert run.document("account")["flags"]["not_english"] == 2
