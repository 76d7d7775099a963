"""Files that a run set aside are reported in one message of bounded length."""

from __future__ import annotations

from typing import Any

from complaints.notifications.set_aside import message, report
from complaints.settings import load_settings

PLAN: Any = {"flow": "classification", "run_id": "0123456789abcdef", "quarantine_uri": "s3://b/quarantine/run_id=0/"}
CUT = {"source": "s3://b/raw/a.csv.gz", "size": 12_345, "line": 678, "reason": "its gzip data end too early"}
WIDE = {"source": "s3://b/raw/b.csv", "size": 9, "line": 0, "reason": "it is UTF-16: save it as UTF-8"}


def test_the_message_names_each_file_with_its_bytes_and_the_reason() -> None:
    assert message(PLAN, [CUT, WIDE]).splitlines() == [
        "complaints_classification set 2 files aside, since each of them cannot be read to its end:",
        "",
        "s3://b/raw/a.csv.gz (12,345 bytes, behind line 678): its gzip data end too early",
        "s3://b/raw/b.csv (9 bytes): it is UTF-16: save it as UTF-8",
        "",
        "None of their rows was classified; the other files were. Repair each file and upload it again.",
        "Run: 0123456789abcdef",
        "Quarantine: s3://b/quarantine/run_id=0/",
    ]


def test_a_message_about_thousands_of_files_is_bounded_and_counts_the_others() -> None:
    said = message({**PLAN, "flow": "training"}, [{**CUT, "reason": "x" * 5_000}] * 3_000)
    assert len(said) < 8_000
    named = said.count("a.csv.gz")
    assert f"and {3_000 - named:,} more" in said
    assert "None of their rows was used for training" in said


def test_it_goes_to_the_topic_of_the_alerts_once_and_not_without_such_files(topic: Any) -> None:
    report(PLAN, [], load_settings())
    assert not topic()
    report(PLAN, [CUT], load_settings())
    (told,) = topic()
    assert told["Subject"] == "complaints_classification set 1 file aside"
    assert told["Message"] == message(PLAN, [CUT])
    assert told["MessageAttributes"]["flow"]["Value"] == "complaints_classification"
