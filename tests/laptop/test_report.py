"""The report and the summary in the terminal: their numbers are right, and hostile text in the data is harmless."""

from __future__ import annotations

import copy
import doctest
import importlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from laptop.report import page as report_page
from laptop.report import runbook, summary
from laptop.servers.airflow import DAGS

VOID = {"meta"}
HOSTILE = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>\x1b[31m"
CLASSES = ["credit_reporting", "mortgage", "student_loan"]


def scored(n: int, accuracy: float) -> dict[str, Any]:
    per_class = {
        name: {"precision": 0.701 + i / 100, "recall": 0.801 + i / 100, "f1": 0.751 + i / 100} | {"support": 1100 + i}
        for i, name in enumerate(CLASSES)
    }
    return {
        "n": n,
        "accuracy": accuracy,
        "macro_f1": 0.8765,
        "expected_calibration_error": 0.0321,
        "majority_accuracy": 0.4112,
        "per_class": per_class,
        "confusion": {"labels": CLASSES, "rows": [[1001, 22, 33], [44, 1005, 0], [0, 0, 0]]},
    }


def flow(dag_id: str, *steps: tuple[str, float, float | None, int]) -> dict[str, Any]:
    return {
        "dag_id": dag_id,
        "run_id": f"manual__{dag_id}",
        "state": "success",
        "seconds": 60.1,
        "steps": [
            {"task_id": name, "state": "success", "seconds": took, "job_seconds": job, "tries": tries}
            for name, took, job, tries in steps
        ],
    }


@pytest.fixture
def run() -> dict[str, Any]:
    fates = {"classified": 1500, "without_narrative": 1480, "quarantined": 12, "superseded": 8}
    halves = [{name: number // 2 for name, number in fates.items()} for _ in range(2)]
    return {
        "synthetic": True,
        "orchestrator": "airflow",
        "release": "3f2a9c1b7d10",
        "seconds": {"total": 131.2, "start_up": 31.0, "work": 61.0, "orchestration": 39.2},
        "flows": [
            flow("complaints_training", ("plan", 1.0, None, 1), ("prepare_history", 20.1, 14.2, 2)),
            flow("complaints_classification", ("prepare_complaints", 16.3, 11.7, 1)),
        ],
        "training": {
            "inputs": ["history/a.csv"],
            "rows_in": 6000,
            "account": {"train": 3000, "test": 330, "newest": 370, "without_narrative": 1900,
                        "unmapped": 40, "quarantined": 3, "superseded": 357},
        },
        "model": {
            "version": 7,
            "classes": CLASSES,
            "evaluation": {"test": scored(330, 0.9123), "newest": scored(370, 0.8456)},
            "verdict": {"verdict": "PROMOTE", "reasons": ["macro-F1 is 0.012 (+0.004 to +0.020) above v6's"]},
            "in_service": "v6",
        },
        "classification": {
            "run_id": "9f3c0d1e2a4b5c6d",
            "inputs": ["raw/a.csv", "raw/b.csv"],
            "rows_in": 3000,
            "account": fates,
            "unmapped": 14,
            "quarantined_by_reason": {"19 fields, 18 expected": 4, "no complaint id": 8},
            "by_source": [
                {"source": f"raw/{name}.csv", "rows_in": 1500, **half}
                for name, half in zip("ab", halves, strict=True)
            ],
            "predicted_products": {"mortgage": 200, "credit_reporting": 1211, "student_loan": 89},
            "confidence": {
                "edges": [i / 10 for i in range(11)],
                "counts": [0, 0, 0, 5, 45, 50, 100, 200, 400, 700],
            },
            "labelled": scored(1486, 0.8789),
        },
        "monitoring": {
            "action": "keep",
            "rule": "nothing",
            "reasons": ["nothing has changed beyond chance"],
            "retraining": None,
            "n": 1500,
            "estimated_accuracy": {"estimate": 0.8612, "low": 0.8411, "high": 0.8822},
            "baseline_accuracy": {"estimate": 0.8713, "low": 0.8514, "high": 0.8915},
            "delayed_accuracy": {"n": 0},
            "signals": {"class_mix": {"value": 0.0123, "threshold": 0.0456, "moved": False}},
            "violations": [],
        },
        "results": {
            "predictions": "build/run/predictions",
            "report": "build/run/report.html",
            "s3": "s3://results/run_id=9f3c0d1e2a4b5c6d/",
            "manifest": "s3://results/manifest.json",
        },
    }  # fmt: skip


class Page(HTMLParser):
    """The elements of a page and its text; a closing tag that does not match the open element is an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def with_hostile_text(value: Any) -> Any:
    """The same structure with hostile texts, and with hostile keys where keys are data."""
    fixed = {"per_class", "quarantined_by_reason", "predicted_products", "account"}
    if isinstance(value, dict):
        changed = {key: with_hostile_text(inner) for key, inner in value.items()}
        return {
            key: {f"{HOSTILE}{name}": n for name, n in inner.items()} if key in fixed else inner
            for key, inner in changed.items()
        }
    if isinstance(value, list):
        return [with_hostile_text(inner) for inner in value]
    return HOSTILE + value if isinstance(value, str) else value


def test_the_page_is_well_formed(run):
    page = Page(report_page.render(run))
    assert page.open == []
    assert {"html", "head", "style", "title", "body", "header", "main", "table", "svg"} <= page.names


def test_the_page_needs_no_network_and_no_scripts(run):
    html = report_page.render(run)
    page = Page(html)
    assert "http" not in html
    assert "url(" not in html
    assert "@import" not in html
    assert not page.names & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
    assert not {name for name, _ in page.attributes if name.startswith("on") or name in {"src", "href"}}


def test_hostile_text_is_escaped_on_the_page_and_still_readable(run):
    tame, hostile = Page(report_page.render(run)), Page(report_page.render(with_hostile_text(run)))
    assert hostile.names == tame.names
    assert {name for name, _ in hostile.attributes} <= {name for name, _ in tame.attributes}
    assert "<script>alert('1')</script>" in hostile.text
    assert hostile.open == []


def test_hostile_text_reaches_no_class_and_no_style_of_the_page(run):
    page = Page(report_page.render(with_hostile_text(run)))
    assert not [value for name, value in page.attributes if name in {"class", "style"} and "alert" in value]


def test_hostile_text_cannot_control_the_terminal(run):
    shown = summary.text(with_hostile_text(run))
    assert "\x1b" not in shown
    assert all(line.isprintable() for line in shown.splitlines())


def test_a_line_break_in_a_name_starts_no_new_line(run):
    run["classification"]["quarantined_by_reason"] = {"bad\nTime: 0.0 s = all is well": 12}
    assert not [line for line in summary.lines(run) if "\n" in line or line.startswith("Time: 0.0")]


def test_the_same_run_gives_the_same_bytes(run):
    again = json.loads(json.dumps(run))
    assert report_page.render(run) == report_page.render(again)
    assert summary.text(run) == summary.text(again)


def test_rendering_does_not_change_the_summary(run):
    before = copy.deepcopy(run)
    report_page.render(run)
    summary.text(run)
    assert run == before


@pytest.mark.parametrize("written", [lambda run: Page(report_page.render(run)).text, summary.text])
def test_every_important_name_and_number_is_shown(run, written):
    shown = written(run)
    names = [*CLASSES, "complaints_training", "complaints_classification", "plan", "prepare_history",
             "prepare_complaints", "raw/a.csv", "raw/b.csv", "19 fields, 18 expected", "no complaint id",
             "9f3c0d1e2a4b5c6d", "3f2a9c1b7d10", *run["results"].values()]  # fmt: skip
    account = ["6,000", "3,000", "330", "370", "1,900", "40", "357", "1,500", "1,480", "12", "8", "750", "14"]
    scores = ["0.912", "0.846", "0.879", "0.876", "0.032", "0.411", "0.711", "0.821", "0.761", "1,102"]
    times = ["131.2 s = 31.0 s start-up + 61.0 s work + 39.2 s orchestration", "60.1 s", "14.2 s", "16.3 s"]
    assert [value for value in (*names, *account, *scores, *times) if value not in shown] == []


def test_the_page_shows_the_mix_the_confidence_and_the_confusion(run):
    shown = Page(report_page.render(run)).text
    assert [n for n in ("1,211", "200", "89", "700", "400", "0.9", "1,001", "1,005", "44") if n not in shown] == []


def test_synthetic_data_is_announced_and_real_data_is_not(run):
    assert "Synthetic data." in Page(report_page.render(run)).text
    assert "Synthetic data" in summary.text(run)
    run["synthetic"] = False
    assert "Synthetic data" not in report_page.render(run)
    assert "Synthetic data" not in summary.text(run)


def test_an_account_that_adds_up_is_shown_as_a_sum(run):
    sentence = "rows in 3,000 = 1,500 classified + 1,480 without narrative + 12 quarantined + 8 superseded"
    assert sentence in summary.text(run)
    assert "does not add up" not in summary.text(run).lower()
    page = Page(report_page.render(run)).text
    assert "✓ adds up" in page
    assert "does not add up" not in page


@pytest.mark.parametrize(
    ("rows_in", "verdict"), [(3007, "7 rows missing"), (3001, "1 row missing"), (2000, "1,000 rows too many")]
)
def test_an_account_that_does_not_add_up_is_reported(run, rows_in, verdict):
    run["classification"]["rows_in"] = rows_in
    page = Page(report_page.render(run)).text
    assert f"✗ does not add up: {verdict}" in page
    assert f"The row account of the classification does not add up: {verdict}." in page
    assert f"rows in {rows_in:,} != 1,500 classified" in summary.text(run)
    assert f"DOES NOT ADD UP: {verdict.upper()}" in summary.text(run)


def test_a_file_whose_rows_are_missing_is_named_though_the_whole_adds_up(run):
    first, second = run["classification"]["by_source"]
    first["rows_in"], second["rows_in"] = 1503, 1497
    lines = list(summary.lines(run))
    after = {line.split()[0]: lines[i + 1].strip() for i, line in enumerate(lines) if line.startswith("  raw/")}
    assert after["raw/a.csv"] == "DOES NOT ADD UP: 3 ROWS MISSING"
    assert after["raw/b.csv"] == "DOES NOT ADD UP: 3 ROWS TOO MANY"
    page = Page(report_page.render(run)).text
    assert "3 rows missing" in page
    assert "3 rows too many" in page


def test_quarantined_rows_without_a_reason_are_counted(run):
    run["classification"]["quarantined_by_reason"] = {"19 fields, 18 expected": 4}
    assert "8 rows of 12 without a recorded reason" in Page(report_page.render(run)).text


def test_files_that_were_set_aside_are_named_with_their_bytes_and_the_reason(run):
    aside = {"source": "s3://b/raw/cut.csv.gz", "size": 12_345, "line": 678, "reason": "its gzip data end too early"}
    run["classification"]["unreadable_files"] = [aside]
    run["training"]["unreadable_files"] = [{**aside, "source": "s3://b/history/cut.csv.gz", "line": 0}]
    page, text = Page(report_page.render(run)), " ".join(summary.text(run).split())
    for shown in (page.text, text):
        for part in ("raw/cut.csv.gz", "history/cut.csv.gz", "12,345", "its gzip data end too early (behind line 678)"):
            assert part in shown


def test_the_agreement_carries_its_caveat_and_is_absent_without_labels(run):
    assert "the consumer's own choice at filing, not ground truth" in Page(report_page.render(run)).text
    assert "the consumer's own choice at filing, not ground truth" in summary.text(run)
    run["classification"]["labelled"] = None
    assert "ground truth" not in report_page.render(run)
    assert "ground truth" not in summary.text(run)


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (1234, "eft out: 1,234 complaints that the model was trained on"),
        (None, "ay include complaints that the model was trained on"),
    ],
)
def test_complaints_that_the_model_was_trained_on_are_mentioned_beside_the_scores(run, seen, words):
    assert words not in Page(report_page.render(run)).text
    run["classification"]["labelled"] |= {"seen_in_training": seen}
    assert words in Page(report_page.render(run)).text
    assert words in summary.text(run)


def test_scores_of_no_complaint_since_the_model_had_seen_all_are_no_zeros(run):
    run["classification"]["labelled"] = {"n": 0, "seen_in_training": 7}
    assert "eft out: 7 complaints" in Page(report_page.render(run)).text
    (line,) = [each for each in summary.lines(run) if "consumer's choice*" in each]
    assert line.split()[-5:] == ["0", "-", "-", "-", "-"]


def test_slices_that_were_not_evaluated_are_left_out(run):
    run["model"]["evaluation"] = {"test": scored(330, 0.9123), "newest": None}
    run["classification"]["labelled"] = None
    page = Page(report_page.render(run))
    assert page.open == []
    assert "Scores on the test slice" in page.text
    assert "newest complaints" not in page.text
    assert "newest complaints" not in summary.text(run)


def test_a_score_of_no_rows_is_not_a_zero(run):
    unscored = {"precision": None, "recall": None, "f1": None, "support": 0}
    empty = {"n": 0, "accuracy": None, "macro_f1": float("nan"), "per_class": {"mortgage": unscored}}
    run["model"]["evaluation"] = {"test": empty, "newest": None}
    run["classification"]["labelled"] = None
    scores = [line for line in summary.lines(run) if line.startswith("  test slice ") or "mortgage" in line]
    assert [line.split() for line in scores] == [
        ["test", "slice", "0", "-", "-", "-", "-"],
        ["test", "slice", "precision", "recall", "f1", "support"],
        ["mortgage", "-", "-", "-", "0"],
    ]
    assert "nan" not in Page(report_page.render(run)).text.lower().split()


def test_the_report_of_a_failed_run_begins_with_the_cause_and_the_remedy(run):
    failure = {"dag_id": "complaints_classification", "task_id": "prepare_complaints", "source": "raw/a.csv"}
    failure |= {"cause": "it is UTF-16: save it as UTF-8", "remedy": "Repair the file."}
    text = Page(report_page.render({"failure": failure, "flows": run["flows"]})).text
    told = "complaints_classification of raw/a.csv failed at prepare_complaints."
    places = [text.index(each) for each in ("complaints_classification failed", told, failure["cause"], "Repair the")]
    assert places == sorted(places)
    assert places[-1] < text.index("prepare_history")
    assert "Nothing was classified" not in text


@pytest.mark.parametrize("dag_id", sorted(file.stem for file in DAGS.glob("complaints_*.py")))
def test_each_step_that_may_fail_has_a_remedy_in_the_runbook(dag_id):
    file = DAGS / f"{dag_id}.py"
    steps = re.findall(r'task_id="(\w+)"|fails_at_once\(\w+\.(\w+)\)', file.read_text())
    names = {first or second for first, second in steps} - {"await_arrivals", "trained_model"}
    assert {name for name in names if not runbook.remedy(file, name)} == set()
    assert runbook.remedy(file, "no_such_task") == ""


def test_a_failed_run_names_the_flow_and_the_step(run):
    run["flows"][1]["state"] = "failed"
    run["flows"][1]["steps"][0]["state"] = "upstream_failed"
    page = Page(report_page.render(run)).text
    assert "The flow complaints_classification did not succeed: failed." in page
    assert "upstream failed" in page
    assert "complaints_classification: failed, 60.1 s" in summary.text(run)
    assert "UPSTREAM FAILED" in summary.text(run)


@pytest.mark.parametrize("name", ["seconds", "flows", "training", "model", "classification", "monitoring", "results"])
@pytest.mark.parametrize("nothing", [{}, None])
def test_a_section_without_data_is_left_out(run, name, nothing):
    run[name] = nothing
    assert Page(report_page.render(run)).open == []
    assert summary.text(run).startswith("PTMLops: complaints classified, run ")


def test_an_empty_part_of_a_part_is_left_out(run):
    for name, value in run["classification"].items():
        if isinstance(value, (dict, list)):
            run["classification"][name] = type(value)()
    run["model"]["evaluation"] = {"test": None, "newest": None}
    run["flows"][0]["steps"] = []
    assert Page(report_page.render(run)).open == []
    assert "rows in 3,000 != 0" in summary.text(run)


def test_a_step_that_never_ran_has_no_time_and_no_bar(run):
    run["flows"][0]["steps"][0] |= {"state": None, "seconds": None, "job_seconds": None, "tries": 0}
    assert "not run" in Page(report_page.render(run)).text
    assert "NOT RUN" in summary.text(run)


def test_a_time_is_not_shown_as_equal_to_parts_that_do_not_add_up(run):
    run["seconds"]["total"] = 140.0
    assert "140.0 s != 31.0 s start-up" in summary.text(run)
    assert "140.0 s != 31.0 s start-up" in Page(report_page.render(run)).text


def test_no_line_of_the_terminal_is_wider_than_100_columns(run):
    run["classification"]["by_source"][0]["source"] = "raw/" + "deep/" * 40 + "a.csv"
    run["classification"]["quarantined_by_reason"]["because " * 40] = 1
    run["flows"][0]["steps"][0]["task_id"] = "step_" * 40
    run["model"]["evaluation"]["test"]["per_class"]["class_" * 40] = {}
    run["classification"]["account"] |= {"superseded": 10**12}
    assert max(map(len, summary.lines(run))) <= 100


def test_a_location_too_long_for_a_line_is_continued_and_not_shortened(run):
    place = "s3://results/" + "part-of-a-long-key/" * 12
    run["results"] = {"s3": place}
    lines = list(summary.lines(run))
    assert "".join(line.removeprefix("  s3").strip() for line in lines[lines.index("Results") + 1 :]) == place


@pytest.mark.parametrize(("skipped", "more"), [(2, ""), (9, "and 7 more")])
def test_skipped_files_are_counted_and_the_first_are_named(run, skipped, more):
    run["skipped_files"] = {"count": skipped, "first": ["in/._a.csv", "in/__MACOSX/b\x1b[2J.csv"]}
    shown, page = summary.text(run), Page(report_page.render(run)).text
    assert f"Skipped files (empty, or named like temporary files): {skipped}\n  in/._a.csv\n" in shown
    assert r"in/__MACOSX/b\x1b[2J.csv" in shown
    assert "in/._a.csv" in page
    assert (more or "Skipped") in shown
    assert more in page


def test_the_monitoring_is_one_line_of_the_summary_and_a_section_of_the_page(run):
    sentence = "estimated accuracy 0.861 (0.841 to 0.882), no drift, decision: none"
    assert f"Monitoring: {sentence}\n" in summary.text(run)
    text = Page(report_page.render(run)).text
    assert sentence in text
    assert all(
        each in text
        for each in ("predicted classes", "0.0123", "0.0456", "held out, at the evaluation", "0.851 - 0.891")
    )


def test_the_monitoring_of_a_run_that_changed_names_what_and_what_follows(run):
    run["monitoring"] |= {"action": "retrain", "retraining": {"action": "person", "reason": "again"}}
    run["monitoring"]["signals"]["class_mix"]["moved"] = True
    assert "drift of class mix, decision: retrain, not started" in " ".join(summary.text(run).split())


MODULES = sorted(path.stem for path in Path(report_page.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_run(module):
    assert doctest.testmod(importlib.import_module(f"laptop.report.{module}")).failed == 0
