"""The model card of a version: its record as a page of Markdown (Mitchell et al., 2019, "Model Cards")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SLICES = {"test": "test slice", "newest": "newest complaints"}


def model_card(record: Mapping[str, Any]) -> str:
    """The page of the version whose record this is."""
    return "\n".join(_lines(record)) + "\n"


def _lines(record: Mapping[str, Any]) -> Iterator[str]:
    against = record["in_service"] or "nothing: it was the first model"
    yield f"# Complaints model {record['version']}"
    yield ""
    yield "Classifies the narrative of a consumer complaint by product. A linear classifier of word n-grams with"
    yield "calibrated probabilities; loading it runs no code."
    yield ""
    yield f"**{record['verdict']['verdict']}**, compared with {against}."
    yield ""
    yield from (f"- {reason}" for reason in record["verdict"]["reasons"])
    yield ""
    yield from _origin(record)
    yield from _scores(record)
    yield from _comparison(record)
    yield from _classes(record)
    yield from _issues(record)
    yield from _words(record)
    yield "## Limits"
    yield ""
    yield "- The labels are the products that consumers chose when filing. Scores measure agreement with that choice."
    yield "- English narratives only. A narrative without a known word gets the most frequent class, for review."
    if record["refitted"]:
        yield "- The model that serves was fitted again on all rows, the held-out ones included. The scores are those"
        yield "  of the fit before, which the gate judged; it is kept as `evaluated.tar.gz`."


def _origin(record: Mapping[str, Any]) -> Iterator[str]:
    yield "| | |"
    yield "|---|---|"
    for name, value in (
        ("Created", record["created_at"]),
        ("Training run", record["run_id"]),
        ("Training job", record["training_job_name"]),
        ("Tuning job", record["tuning_job_name"]),
        ("Refit job", record["refit_job_name"]),
        ("Release of the code", record["release"]),
        ("SHA-256", record["sha256"]),
        ("Hyperparameters", ", ".join(f"{key} {value}" for key, value in record["hyperparameters"].items())),
    ):
        if value:
            yield f"| {name} | `{value}` |"
    yield ""


def _scores(record: Mapping[str, Any]) -> Iterator[str]:
    slices = record["evaluation"]["slices"]
    yield "## Scores on complaints that it had not seen"
    yield ""
    yield "| | complaints | accuracy | macro-F1 | majority class | calibration error |"
    yield "|---|---|---|---|---|---|"
    for key, name in _SLICES.items():
        if found := slices.get(key):
            accuracy, macro_f1 = (
                f"{found[each]:.3f} ({_interval(found['intervals'][each])})" for each in ("accuracy", "macro_f1")
            )
            yield (
                f"| {name} | {found['n']:,} | {accuracy} | {macro_f1} | {found['majority_accuracy']:.3f} | "
                f"{found['expected_calibration_error']:.3f} |"
            )
    yield ""
    yield "In brackets: 95 % intervals."
    yield ""


def _comparison(record: Mapping[str, Any]) -> Iterator[str]:
    overall = (record["evaluation"]["comparison"] or {}).get("overall") or {}
    if not overall.get("n"):
        return
    yield f"## Beside {record['in_service']}"
    yield ""
    rights = (overall[name] for name in ("challenger_right", "in_service_right", "both_wrong"))
    ours, theirs, neither = (f"{each:,}" for each in rights)
    yield f"On {overall['n']:,} held-out complaints, the two agree on {overall['agreement']:.1%}. They differ on"
    yield f"{overall['differ']:,}: this model is right on {ours} of them, {record['in_service']} on {theirs}, neither"
    yield f"on {neither}."
    yield ""


def _classes(record: Mapping[str, Any]) -> Iterator[str]:
    yield "## By class, on all held-out complaints"
    yield ""
    yield "| class | complaints | precision | recall | F1 |"
    yield "|---|---|---|---|---|"
    for name, found in record["evaluation"]["overall"]["per_class"].items():
        scores = " | ".join(
            f"{found[each]:.3f} ({_interval(found['intervals'][each])})" for each in ("precision", "recall", "f1")
        )
        yield f"| {name} | {found['support']:,} | {scores} |"
    yield ""


def _issues(record: Mapping[str, Any]) -> Iterator[str]:
    issues = record["evaluation"].get("issues")
    if not issues:
        return
    found = issues["overall"]
    accuracy, macro_f1 = (
        f"{found[name]:.3f} ({_interval(found['intervals'][name])})" for name in ("accuracy", "macro_f1")
    )
    yield "## The second question: the issue"
    yield ""
    yield f"Of {found['n']:,} held-out complaints with an issue, given their product: accuracy {accuracy}, macro-F1"
    yield f"{macro_f1}, among the three likeliest {found['top_3']:.3f}. Always answering the most frequent issue would"
    yield f"reach {found['majority_accuracy']:.3f}."
    yield ""
    yield "| issue | complaints | precision | recall | F1 |"
    yield "|---|---|---|---|---|"
    for name, scores in found["per_class"].items():
        numbers = " | ".join(f"{scores[each]:.3f}" for each in ("precision", "recall", "f1"))
        yield f"| {name.replace('|', '/')} | {scores['support']:,} | {numbers} |"
    yield ""


def _words(record: Mapping[str, Any]) -> Iterator[str]:
    words = record["evaluation"].get("class_words")
    if not words:  # an evaluation by an earlier release
        return
    yield "## What speaks for each class"
    yield ""
    yield "Words and pairs of words, the strongest first, over all training complaints; without the s of a plural."
    yield ""
    yield from (f"- {name}: {', '.join(found)}" for name, found in words.items())
    yield ""


def _interval(bounds: list[float]) -> str:
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}"
