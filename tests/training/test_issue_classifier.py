"""The second question is learned beside the first, and changes nothing of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import inference
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import train
from issue_classifier import learned_names

# The same words, two issues, of two products: only the product tells which.
SAID = {
    ("card", "Fees or interest"): "the bank charged interest",
    ("mortgage", "Trouble during payment process"): "the bank charged interest",
    ("card", "Fraud or scam"): "somebody stole my number",
    ("mortgage", "Closing on a mortgage"): "the closing took too long",
}
ASKED = ("--issues_top", "20", "--issues_other", "other")


def write(folder: Path, count: int = 40) -> Path:
    rows = [
        (f"{number:04}", f"{said} and {product} {number % 7 * 'x'}", product, issue)
        for (product, issue), said in SAID.items()
        for number in range(count)
    ]
    names = ("complaint_id", "narrative", "label", "issue")
    columns = [list(column) for column in zip(*rows, strict=True)]
    columns[0] = [f"{place:05}" for place in range(len(rows))]
    folder.mkdir()
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), folder / "part-0.parquet")
    return folder


def trained(channel: Path, folder: Path, *more: str) -> Path:
    train.main(["--train", str(channel), "--model-dir", str(folder), *more])
    return folder


def answers(folder: Path, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return inference.predict_fn([{"complaint_id": "1", **each} for each in records], inference.model_fn(str(folder)))


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return write(tmp_path / "train")


def test_the_files_of_the_first_question_are_the_same_with_it_and_without(channel: Path, tmp_path: Path) -> None:
    without, with_it = trained(channel, tmp_path / "one"), trained(channel, tmp_path / "other", *ASKED)
    names = [path.name for path in sorted(without.iterdir())]
    assert names == ["signature.json", "vocabulary.json", "weights.npz"]
    for name in names[1:]:
        assert (with_it / name).read_bytes() == (without / name).read_bytes()
    signed = json.loads((with_it / "signature.json").read_text())
    assert signed.pop("issues")["classes"] == sorted(issue for _, issue in SAID)
    del signed["sha256"]["issues.npz"]
    assert signed == json.loads((without / "signature.json").read_text())


def test_the_same_rows_give_the_same_bytes(channel: Path, tmp_path: Path) -> None:
    one, other = trained(channel, tmp_path / "one", *ASKED), trained(channel, tmp_path / "other", *ASKED)
    assert (one / "issues.npz").read_bytes() == (other / "issues.npz").read_bytes()


def test_the_product_of_the_record_decides_where_the_words_do_not(
    channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISSUES", "true")
    folder = trained(channel, tmp_path / "model", *ASKED)
    same = {"narrative": "the bank charged interest"}
    card, mortgage = answers(folder, [{**same, "product": "card"}, {**same, "product": "mortgage"}])
    assert (card["predicted_issue"], mortgage["predicted_issue"]) == (
        "Fees or interest",
        "Trouble during payment process",
    )
    assert card["predicted_product"] == mortgage["predicted_product"]
    chances = [card["issue_confidence"], *(each["confidence"] for each in card["issue_alternatives"])]
    assert chances == sorted(chances, reverse=True)
    assert len(chances) == 3
    assert sum(chances) <= 1 + 1e-9
    unknown, none = answers(folder, [{**same, "product": "no product"}, same])
    assert unknown["predicted_issue"], "a product without a rule counts as none"
    assert none["predicted_issue"] == (card if none["predicted_product"] == "card" else mortgage)["predicted_issue"]


def test_an_answer_has_no_issue_where_nobody_asks_or_the_model_knows_none(
    channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ISSUES", raising=False)
    asked = trained(channel, tmp_path / "asked", *ASKED)
    assert "predicted_issue" not in answers(asked, [{"narrative": "the closing"}])[0]
    monkeypatch.setenv("ISSUES", "true")
    assert "predicted_issue" not in answers(trained(channel, tmp_path / "old"), [{"narrative": "the closing"}])[0]


def test_rows_without_issues_leave_a_model_of_the_first_question_only(tmp_path: Path) -> None:
    channel = write(tmp_path / "train")
    table = pq.read_table(channel / "part-0.parquet")
    bare = table.set_column(3, "issue", pa.nulls(len(table), pa.string()))
    pq.write_table(bare, channel / "part-0.parquet")
    assert not (trained(channel, tmp_path / "model", *ASKED) / "issues.npz").exists()


def test_the_rare_issues_are_the_others_and_a_missing_one_is_none() -> None:
    issues = ["a"] * 9 + ["b"] * 7 + ["c"] * 7 + ["d"] * 4 + [None, ""]
    expected = ["a"] * 9 + ["b"] * 7 + ["other"] * 11 + [None, None]
    assert learned_names(issues, 2, "other") == expected
    assert learned_names(issues, 9, "other") == ["a"] * 9 + ["b"] * 7 + ["c"] * 7 + [None] * 6, "too few of the others"
