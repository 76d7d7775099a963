"""SageMaker processing script: a trained model beside the model in service, on complaints that neither has seen.

Both models are scored by the code that serves them. The slices are the folders `fate=<slice>` of Parquet. Writes

- `evaluation.json`: the scores of both models by slice, and over all (`overall`); their comparison; and the narratives
  that are on both sides of the split. It says of which run and of which model's bytes it is, so that it vouches for no
  other.
- `evaluation.html`: the same as a page with plots.
- `predictions.parquet`: the answer to each held-out complaint.
- `baseline.json`: what monitoring compares later complaints with; not where there are too few.

No narrative is in any of them. A model in service that cannot be scored has an `error` in the place of its scores.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import evaluation_page
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from baseline import LEAST_COMPLAINTS, Scored, baseline_document
from comparison import compared
from held_out import Seen, read_seen, read_slice, slices_in
from issues import issue_comparison, issue_scores
from model_archive import ModelRefusedError
from models import Model, ScoringError, opened
from slices import Answers, Flags, Rows, by_month_and_company, slice_metrics

NONE = "none"  # the argument for a model that is not there
OVERALL = "overall"
_NAMED = 5  # complaint ids in the evaluation


class HeldOut(NamedTuple):
    """All held-out complaints, the slice of each, and the file of their records."""

    rows: Rows
    slices: list[str]
    records: Path

    def places(self, name: str) -> Flags:
        """True for the rows of a slice; of all rows for `overall`."""
        return np.array([name in (each, OVERALL) for each in self.slices], dtype=np.bool_)


def main(argv: Sequence[str] | None = None) -> None:
    """Evaluates the model below `--model`, on the slices below `--held-out`, beside the model in service."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    folders = ("--model", "--code", "--train", "--held-out", "--output")
    for name in (*folders, "--in-service-model", "--in-service-code", "--in-service-train"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--run-id", required=True, help="the run that the model belongs to")
    parser.add_argument("--sha256", required=True, help="the digest of the model that was trained")
    parser.add_argument("--in-service", required=True, help=f"the version in service, or {NONE}")
    parser.add_argument("--in-service-sha256", required=True, help=f"its digest, or {NONE}")
    parser.add_argument("--in-service-run-id", required=True, help=f"the run whose rows are given as its, or {NONE}")
    parser.add_argument("--false-alarms", type=float, required=True, help="the share of windows that alarm by chance")
    options = parser.parse_args(argv)

    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        challenger = opened(options.model, options.sha256, options.code, work / "challenger")
        held_out = read_held_out(options.held_out, work / "records.jsonl")
        answers = challenger.answers(held_out.records)
        issues = issue_scores(held_out.rows, held_out.slices, answers, challenger.issues)
        baseline = baseline_of(held_out, answers, challenger, options.sha256, options.false_alarms, issues)
        theirs, in_service = _in_service(options, work / "in_service", held_out)
        document = {
            "run_id": options.run_id,
            "model_sha256": options.sha256,
            "content_sha256": challenger.content_sha256,
            "classes": challenger.classes,
            "class_words": challenger.words,
            **scores(held_out, answers, challenger.classes),
            "leak": leak(held_out.rows, read_seen(options.train)),
            **issues,
            "in_service": in_service,
            "comparison": None,
        }
    if theirs is not None:
        seen = None if options.in_service_run_id == NONE else read_seen(options.in_service_train)
        document["comparison"] = comparison(held_out, answers, theirs, seen)
        _compare_issues(document, held_out, (answers, theirs), seen)
    options.output.mkdir(parents=True, exist_ok=True)
    write_predictions(held_out, answers, theirs, options.output / "predictions.parquet")
    if baseline is not None:
        (options.output / "baseline.json").write_text(json.dumps(baseline, sort_keys=True), encoding="utf-8")
    text = json.dumps(document, indent=2, sort_keys=True)
    (options.output / "evaluation.html").write_text(evaluation_page.render(document), encoding="utf-8")
    (options.output / "evaluation.json").write_text(text, encoding="utf-8")
    counts = {name: metrics["n"] for name, metrics in document["slices"].items()}
    print(json.dumps({"run_id": options.run_id, "step": "evaluate_model", **counts}), flush=True)


def read_held_out(folder: Path, records: Path) -> HeldOut:
    """The slices below a folder; the records of all of them go to the file `records`.

    Raises:
        ValueError: no slice has a row.
    """
    records.parent.mkdir(parents=True, exist_ok=True)
    rows, slices = Rows([], [], [], [], [], []), list[str]()
    for name, path in slices_in(folder):
        found = read_slice(path, records)
        rows, slices = rows + found, slices + [name] * len(found.labels)
    if not slices:
        raise ValueError(f"{folder} holds no slice to evaluate on: fate=test or fate=newest")
    return HeldOut(rows, slices, records)


def _in_service(options: Any, work: Path, held_out: HeldOut) -> tuple[Answers | None, dict[str, Any] | None]:
    """The answers of the model in service, and its part of the evaluation."""
    if options.in_service == NONE:
        return None, None
    facts: dict[str, Any] = {"version": options.in_service, "sha256": options.in_service_sha256}
    try:
        model = opened(options.in_service_model, options.in_service_sha256, options.in_service_code, work)
        answers = model.answers(held_out.records)
    except (ModelRefusedError, ScoringError) as error:
        # It is the challenger that is evaluated: whoever decides about it is told that nothing compares with it.
        print(f"{options.in_service} cannot be scored: {error}", flush=True)
        return None, {**facts, "error": str(error)}
    facts |= {"content_sha256": model.content_sha256, "classes": model.classes}
    issues = issue_scores(held_out.rows, held_out.slices, answers, model.issues)
    return answers, {**facts, **scores(held_out, answers, model.classes), **issues}


def scores(held_out: HeldOut, answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    """The metrics of each slice that has rows, and of all rows together."""
    found = {name: _of_slice(held_out, name, answers, classes) for name in sorted({*held_out.slices})}
    for name, metrics in found.items():
        print(f"{name}: n={metrics['n']} macro_f1={metrics['macro_f1']:.4f}", flush=True)
    return {"slices": found, OVERALL: _of_slice(held_out, OVERALL, answers, classes)}


def _of_slice(held_out: HeldOut, name: str, answers: Answers, classes: Sequence[str]) -> dict[str, Any]:
    chosen = held_out.places(name)
    rows, products = held_out.rows.those(chosen), _those(answers.products, chosen)
    right = np.array([product == label for product, label in zip(products, rows.labels, strict=True)])
    metrics = slice_metrics(rows.labels, products, answers.confidences[chosen], classes, rows.groups)
    return {**metrics, **by_month_and_company(rows, right)}


def comparison(held_out: HeldOut, ours: Answers, theirs: Answers, seen: Seen | None) -> dict[str, Any]:
    """Both models by slice, on the complaints that the model in service was not trained on, as far as that is known."""
    known = seen_among(held_out, seen)
    found: dict[str, Any] = {}
    for name in (*sorted({*held_out.slices}), OVERALL):
        places = held_out.places(name)
        chosen = places & ~known
        rows = held_out.rows.those(chosen)
        counted = {"seen_by_in_service": None if seen is None else int((places & known).sum())}
        found[name] = counted | (
            compared(rows.labels, _those(ours.products, chosen), _those(theirs.products, chosen), rows.groups)
            if rows.labels
            else {"n": 0}
        )
    return found


def _compare_issues(
    document: Mapping[str, Any], held_out: HeldOut, answers: tuple[Answers, Answers], seen: Seen | None
) -> None:
    """Adds the comparison of the issues to their part of the evaluation, where both models answer."""
    ours, theirs = (each.get("issues") for each in (document, document["in_service"]))
    if ours and theirs:
        ours["comparison"] = issue_comparison(
            (held_out.rows, held_out.slices), (answers[0], ours), (answers[1], theirs), seen_among(held_out, seen)
        )


def seen_among(held_out: HeldOut, seen: Seen | None) -> Flags:
    """True for the rows that the model in service was trained on; for none where that is not known."""
    return seen.among(held_out.rows) if seen is not None else np.zeros(len(held_out.slices), dtype=np.bool_)


def leak(rows: Rows, trained: Seen) -> dict[str, Any]:
    """The held-out complaints whose narrative the challenger was trained on."""
    on_both = trained.among(rows)
    return {"rows": int(on_both.sum()), "complaint_ids": rows.those(on_both).complaint_ids[:_NAMED]}


def write_predictions(held_out: HeldOut, ours: Answers, theirs: Answers | None, path: Path) -> None:
    """One row for each held-out complaint: its label, and what the models answered."""
    count = len(held_out.slices)
    columns: Mapping[str, Any] = {
        "complaint_id": pa.array(held_out.rows.complaint_ids, pa.string()),
        "slice": pa.array(held_out.slices, pa.string()),
        "label": pa.array(held_out.rows.labels, pa.string()),
        "predicted_product": pa.array(ours.products, pa.string()),
        "confidence": pa.array(ours.confidences, pa.float64()),
        "probabilities": pa.array(
            [None] * count if ours.probabilities is None else list(ours.probabilities), pa.list_(pa.float32())
        ),
        "in_service_product": pa.array([None] * count if theirs is None else theirs.products, pa.string()),
    }
    pq.write_table(pa.table(columns), path)


def baseline_of(
    held_out: HeldOut, answers: Answers, model: Model, sha256: str, level: float, issues: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The baseline of the model, with its recall by issue and the mix of its issues.

    None of too few complaints, of which monitoring cannot say what chance does.
    """
    count = len(held_out.rows.labels)
    if count < LEAST_COMPLAINTS:
        print(f"no baseline of {count} held-out complaints: {LEAST_COMPLAINTS} are needed", flush=True)
        return None
    with held_out.records.open("rb") as lines:
        narratives = [json.loads(line)["narrative"] for line in lines]
    likeliest = answers.issues.likeliest if issues and answers.issues else None
    first = None if likeliest is None else [names[0] for names in likeliest]
    scored = Scored(narratives, answers.products, answers.confidences, first)
    vocabulary = json.loads((model.folder / "vocabulary.json").read_text(encoding="utf-8"))
    document = baseline_document(
        scored,
        held_out.rows.labels,
        vocabulary,
        model.classes,
        model_sha256=sha256,
        level=level,
        issue_classes=_others_last(issues["issues"]) if issues else None,
    )
    if issues:
        per_issue = issues["issues"][OVERALL]["per_class"]
        document["issues"] = {
            name: {each: scores[each] for each in ("recall", "support")} for name, scores in per_issue.items()
        }
    return document


def _others_last(issues: Mapping[str, Any]) -> list[str]:
    return [*(name for name in issues["classes"] if name != issues["other"]), issues["other"]]


def _those(values: Sequence[str], chosen: Flags) -> list[str]:
    return [values[place] for place in np.flatnonzero(chosen).tolist()]


if __name__ == "__main__":
    main()
