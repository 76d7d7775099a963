"""The gate: the verdict on a trained model, by its evaluation and by what `model_config.yaml` declared before.

- REJECT: the evaluation shows that the model breaks a rule.
- HOLD: the evidence is not enough to tell, or there is nothing to decide.
- PROMOTE: neither. The first model is better than none: only its classes count, by their floors.

Whatever has an interval is certain only if the whole interval is on one side of the rule's bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from complaints.settings import Gate
from complaints.settings.issues import IssueFloors

PROMOTE, HOLD, REJECT = "PROMOTE", "HOLD", "REJECT"
_MOST_REASONS = 20


class Decision(TypedDict):
    """A verdict with its reasons, the declared gate, and whether the model is to be fitted again on all rows."""

    verdict: str
    reasons: list[str]
    gate: dict[str, Any]
    refit: bool


class Finding(NamedTuple):
    """What one rule found: the verdict that it would give alone, and why."""

    verdict: str
    reason: str


def verdict(
    evaluation: Mapping[str, Any], gate: Gate, *, in_service: str | None, issue_floors: IssueFloors | None = None
) -> Decision:
    """The verdict on the evaluated model. `in_service`: the version that is in service now, None if there is none.

    `issue_floors`: the floors of the second question, where it is asked.
    """
    found = list(_findings(evaluation, gate, in_service))
    if issue_floors and evaluation.get("issues"):
        found += _issues(evaluation["issues"]["overall"], issue_floors)
        if in_service and (comparison := evaluation["issues"].get("comparison")):
            found += _issue_comparison(comparison, gate, in_service)
    worst = next(each for each in (REJECT, HOLD, PROMOTE) if each in {finding.verdict for finding in found})
    reasons = [finding.reason for finding in found if finding.verdict == worst]
    return {
        "verdict": worst,
        "reasons": reasons[:_MOST_REASONS] + _more(reasons),
        "gate": gate.model_dump(mode="json"),
        "refit": gate.refit and worst == PROMOTE,
    }


def _more(reasons: Sequence[str]) -> list[str]:
    left = len(reasons) - _MOST_REASONS
    return [f"and {left} more" if left > 1 else reasons[-1]] if left > 0 else []


def _findings(evaluation: Mapping[str, Any], gate: Gate, in_service: str | None) -> Iterator[Finding]:
    theirs = evaluation["in_service"]
    compared = theirs["version"] if theirs else None
    if compared != in_service:
        yield Finding(
            HOLD,
            f"{in_service or 'no model'} is in service now, but {compared or 'no model'} was when this run was planned"
            ": train again",
        )
        return
    if theirs and theirs.get("content_sha256") == evaluation["content_sha256"]:
        yield Finding(HOLD, f"this is the same model as {compared}: nothing would change")
        return
    yield from _leak(evaluation["leak"])
    yield from _floors(evaluation["overall"]["per_class"], gate, is_first=not theirs)
    if not theirs:
        yield Finding(PROMOTE, "it is the first model: there is none in service to compare it with")
    elif "error" in theirs:
        yield Finding(HOLD, f"{compared} cannot be scored beside it: {theirs['error']}")
    else:
        yield from _calibration(evaluation["overall"], theirs["overall"], gate)
        yield from _comparison(evaluation, gate, compared or "")


def _issues(scores: Mapping[str, Any], floors: IssueFloors) -> Iterator[Finding]:
    """Only what is certain counts against a floor."""
    for name, floor in (("accuracy", floors.accuracy), ("macro_f1", floors.macro_f1)):
        low, high = scores["intervals"][name]
        if high < floor:
            yield Finding(REJECT, f"issues: {name} {scores[name]:.3f} ({low:.3f} to {high:.3f}), floor {floor:g}")


def _issue_comparison(comparison: Mapping[str, Any], gate: Gate, version: str) -> Iterator[Finding]:
    """As the products; not by issue, of which there are many with few complaints."""
    if comparison["overall"]["n"]:
        yield _overall(comparison["overall"], gate, version, "issues: ")
        yield from _newest(comparison.get("newest", {}), gate, version, "issues: ")


def _leak(leak: Mapping[str, Any]) -> Iterator[Finding]:
    if leak["rows"]:
        named = ", ".join(str(each) for each in leak["complaint_ids"])
        yield Finding(
            REJECT,
            f"{leak['rows']:,} held-out narratives are among the training rows, too (complaints {named}): the scores "
            "say nothing",
        )


def _calibration(scores: Mapping[str, Any], theirs: Mapping[str, Any], gate: Gate) -> Iterator[Finding]:
    """A model of few rows has no calibration, and its successor need not be better at once."""
    ours, other = (each["expected_calibration_error"] for each in (scores, theirs))
    if ours > max(gate.max_calibration_error, scores["calibration"]["by_chance"], other):
        told = f"confidence and accuracy differ by {ours:.3f}; at most {gate.max_calibration_error:g} is allowed"
        yield Finding(REJECT, told)


def _floors(per_class: Mapping[str, Any], gate: Gate, *, is_first: bool) -> Iterator[Finding]:
    """Each class by its own recall. A first model is better than none: only what is certain counts against it."""
    for name, scores in per_class.items():
        floor, rows = gate.class_floors.get(name, gate.min_class_recall), scores["support"]
        if rows < gate.min_class_rows:
            if not is_first:
                yield Finding(
                    HOLD, f"{name}: {rows} held-out complaints are too few to judge; {gate.min_class_rows} are needed"
                )
            continue
        low, high = scores["intervals"]["recall"]
        told = f"{name}: recall {scores['recall']:.3f} ({low:.3f} to {high:.3f}), floor {floor:g}"
        if high < floor:
            yield Finding(REJECT, told)
        elif scores["recall"] < floor and not is_first:
            yield Finding(HOLD, f"{told}: not certain with {rows:,} held-out complaints")


def _comparison(evaluation: Mapping[str, Any], gate: Gate, version: str) -> Iterator[Finding]:
    overall = evaluation["comparison"]["overall"]
    if not overall["n"]:
        yield Finding(HOLD, f"{version} was trained on every held-out complaint: nothing is left to compare on")
        return
    if lost := sorted(set(evaluation["in_service"]["classes"]) - set(evaluation["classes"])):
        yield Finding(REJECT, f"{version} knows {', '.join(lost)}, and this model does not")
    yield _overall(overall, gate, version)
    yield from _newest(evaluation["comparison"].get("newest", {}), gate, version)
    for name, found in overall["per_class"].items():
        difference = found["recall_difference"]
        if found["support"] < gate.min_class_rows or difference["estimate"] >= -gate.max_class_drop:
            continue
        told = f"{name}: recall is {_words(difference)} {version}'s; a drop of {gate.max_class_drop:g} is allowed"
        yield (
            Finding(REJECT, told)
            if difference["high"] < -gate.max_class_drop
            else Finding(HOLD, f"{told}: not certain with {found['support']:,} complaints")
        )


def _overall(overall: Mapping[str, Any], gate: Gate, version: str, of: str = "") -> Finding:
    difference = overall["macro_f1_difference"]
    told = (
        f"{of}macro-F1 is {_words(difference)} {version}'s on {overall['n']:,} held-out complaints; the margin is "
        f"{gate.margin:g}"
    )
    if difference["high"] < -gate.margin:
        return Finding(REJECT, told)
    if difference["low"] < -gate.margin:
        return Finding(HOLD, f"{told}: more held-out complaints are needed to be certain")
    return Finding(PROMOTE, told)


def _newest(newest: Mapping[str, Any], gate: Gate, version: str, of: str = "") -> Iterator[Finding]:
    """What is best on the whole may be worse on the complaints that are to come."""
    if newest.get("n") and newest["macro_f1_difference"]["high"] < -gate.margin:
        difference = _words(newest["macro_f1_difference"])
        yield Finding(REJECT, f"{of}macro-F1 on the newest complaints is {difference} {version}'s")


def _words(difference: Mapping[str, float]) -> str:
    """`0.012 (0.004 to 0.020) above`, with the interval of the difference."""
    estimate, low, high = (difference[name] for name in ("estimate", "low", "high"))
    return f"{abs(estimate):.3f} ({low:+.3f} to {high:+.3f}) {'below' if estimate < 0 else 'above'}"
