"""Checks the answers of the batch transform: all of them must be sound, and answer this run's records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, doubles, mask, texts, values, whole

_NAMED = 5  # complaints that an error names
_ROUNDING = 1e-6
# An id in a wrong answer may be of any length.
_LONGEST_ID = 40


class ScoresRefusedError(ValueError):
    """The answers are not those of the model to this run's records; nothing may be made of any of them."""


class Fault(NamedTuple):
    """A rule that answers break, by its place among the rules: the number of these answers, and the first ids."""

    rule: int
    answers: int
    ids: Sequence[str | None]


class _Answers(NamedTuple):
    """Columns of answers as the rules look at them; a class is its place among the model's, -1 if it is none."""

    places: npt.NDArray[np.int32]  # of the complaints that were asked about; -1 for others
    predicts: Mask
    is_empty: Mask  # without a prediction
    product: npt.NDArray[np.int32]
    runner_up: npt.NDArray[np.int32]
    confidence: npt.NDArray[np.float64]
    second_confidence: npt.NDArray[np.float64]
    has_issue: Mask
    issue_confidence: npt.NDArray[np.float64]


class _Rule(NamedTuple):
    is_broken: Callable[[_Answers], Mask]
    name: str
    right: str  # what would be right; `{classes}` are those of the model


_NUMBER = "a probability is a number from 0 to 1"
# An answer is counted under the first that it breaks. A comparison with NaN does not hold.
_RULES = (
    _Rule(
        lambda of: of.places < 0, "for a complaint that was never asked about", "only this run's records are answered"
    ),
    _Rule(
        lambda of: _is_repeated(of.places),
        "for a complaint that was scored more than once",
        "each record has one answer",
    ),
    _Rule(
        lambda of: of.predicts & of.is_empty, "with neither a prediction nor an error", "each answer is one of the two"
    ),
    _Rule(
        lambda of: of.predicts & (of.product < 0), "with a predicted_product that is no class of the model", "{classes}"
    ),
    _Rule(lambda of: of.predicts & (of.runner_up < 0), "with a runner_up that is no class of the model", "{classes}"),
    _Rule(lambda of: of.predicts & _is_no_probability(of.confidence), "with an invalid confidence", _NUMBER),
    _Rule(
        lambda of: of.predicts & _is_no_probability(of.second_confidence),
        "with an invalid runner_up_confidence",
        _NUMBER,
    ),
    _Rule(
        lambda of: of.predicts & (of.runner_up == of.product),
        "with its predicted_product as runner_up",
        "they are two classes",
    ),
    _Rule(
        lambda of: of.predicts & (of.second_confidence > of.confidence),
        "with a runner_up_confidence above its confidence",
        "the runner-up is at most as likely as the prediction",
    ),
    _Rule(
        lambda of: of.predicts & (of.confidence + of.second_confidence > 1 + _ROUNDING),
        "with a confidence and a runner_up_confidence above 1 together",
        "the probabilities of all classes are 1 together",
    ),
    _Rule(
        lambda of: of.has_issue & _is_no_probability(of.issue_confidence), "with an invalid issue_confidence", _NUMBER
    ),
)


def faults_in(scores: pa.Table, places: npt.NDArray[np.int32], classes: Sequence[str]) -> list[Fault]:
    """The rules that answers break which a sound model cannot have given; the order of the answers does not matter.

    `places` has the place of each answer's complaint among those that were asked about, -1 for any other. All answers
    for one complaint must be among the `scores`.
    """
    answers, found = _answers(scores, places, texts(classes)), list[Fault]()
    is_sound = np.ones(len(places), np.bool_)
    for number, rule in enumerate(_RULES):
        broken = np.flatnonzero(is_sound & rule.is_broken(answers))
        if len(broken):
            is_sound[broken] = False
            ids = pc.utf8_slice_codeunits(scores["complaint_id"].take(broken.tolist()), 0, _LONGEST_ID).to_pylist()
            found.append(Fault(number, len(broken), _first(ids)))
    return found


def check_scores(found: Iterable[Fault], classes: Sequence[str]) -> None:
    """Refuses answers with faults, which were found in parts of them.

    Raises:
        ScoresRefusedError: for each rule that is broken, the number of answers, some ids, and what would be right.
    """
    faults = list(found)
    by_rule = {number: [each for each in faults if each.rule == number] for number in range(len(_RULES))}
    sentences = [_sentence(_RULES[number], of_rule, classes) for number, of_rule in by_rule.items() if of_rule]
    if sentences:
        raise ScoresRefusedError("; ".join(sentences))


def _answers(scores: pa.Table, places: npt.NDArray[np.int32], classes: pa.Array) -> _Answers:
    column = {name: whole(scores[name]) for name in scores.column_names}
    return _Answers(
        places=places,
        predicts=mask(column["error"].is_null()),
        is_empty=mask(column["predicted_product"].is_null()),
        product=values(pc.index_in(column["predicted_product"], value_set=classes), -1),
        runner_up=values(pc.index_in(column["runner_up"], value_set=classes), -1),
        confidence=doubles(column["confidence"]),
        second_confidence=doubles(column["runner_up_confidence"]),
        has_issue=mask(column["predicted_issue"].is_valid()),
        issue_confidence=doubles(column["issue_confidence"]),
    )


def _is_repeated(places: npt.NDArray[np.int32]) -> Mask:
    found: Mask = np.bincount(places + 1)[places + 1] > 1
    return found


def _is_no_probability(number: npt.NDArray[np.float64]) -> Mask:
    return ~((number >= 0) & (number <= 1))


def _first(ids: Iterable[str | None]) -> list[str | None]:
    return sorted(set(ids), key=lambda each: (each is not None, each))[: _NAMED + 1]


def _sentence(rule: _Rule, found: Sequence[Fault], classes: Sequence[str]) -> str:
    count, ids = sum(each.answers for each in found), _first(name for each in found for name in each.ids)
    named = ", ".join(map(repr, ids[:_NAMED])) + (", …" if len(ids) > _NAMED else "")
    right = rule.right.replace("{classes}", ", ".join(sorted(classes)))
    return f"{count:,} answer{'s' * (count != 1)} {rule.name}, complaint_id {named}: {right}"
