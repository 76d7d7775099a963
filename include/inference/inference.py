"""Serves the model in the SageMaker scikit-learn container: JSON Lines in, one JSON line out for each record.

In: `{"complaint_id": "…", "narrative": "…"}`. Out: complaint_id, predicted_product, confidence, runner_up,
runner_up_confidence and known_ngrams, the number of different n-grams of the model in the narrative: with none of them,
the answer is no more than the most frequent class. With `EVIDENCE=true` in the environment, an answer also has
`evidence`: of each of its two classes the n-grams that spoke most for it, as `{"product", "ngram", "weight"}`. With
`ISSUES=true`, and a model that knows issues, it has `predicted_issue`, `issue_confidence` and `issue_alternatives`, the
next two, given the record's `product`, or else the predicted one. A record
that cannot be scored gives `{"complaint_id": …, "error": "…"}` in its place, so that it does not fail its neighbours.
The four functions are those of the container's contract.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from evidence import Evidence
from issue_scorer import Issues
from ngram_scorer import NgramScorer
from trained_model import load

_JSON_LINES = "application/jsonlines"
_DIGITS = 4  # of a weight

Record = dict[str, Any]


def model_fn(model_dir: str) -> NgramScorer:
    """The model in the folder that the container unpacked."""
    return NgramScorer(load(Path(model_dir)), explains=_is_asked("EVIDENCE"), finds_issues=_is_asked("ISSUES"))


def _is_asked(name: str) -> bool:
    return os.environ.get(name) == "true"


def input_fn(request_body: bytes | str, content_type: str) -> list[Record]:
    """The records of a payload, in order; a line that is no record has an `error` instead of a narrative.

    Raises:
        ValueError: the payload is not JSON Lines.
    """
    if content_type != _JSON_LINES:
        raise ValueError(f"content type {content_type!r} is not served; send {_JSON_LINES!r}")
    body = request_body.encode() if isinstance(request_body, str) else request_body
    # Never splitlines(): U+2028 and its kind end a line there, and may stand inside a narrative.
    return [_record(line) for line in body.split(b"\n") if line]


def _record(line: bytes) -> Record:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"complaint_id": None, "error": f"not JSON: {error}"}
    if not isinstance(record, dict):
        return {"complaint_id": None, "error": f"not an object but {type(record).__name__}"}
    if not isinstance(record.get("narrative"), str):
        return {"complaint_id": record.get("complaint_id"), "error": "no narrative"}
    return record


def predict_fn(records: list[Record], model: NgramScorer) -> list[Record]:
    """The best class of each record, its probability, and the next best; records with an error stay as they are."""
    sound = [record for record in records if "error" not in record]
    scores = _scores(sound, model)
    return [
        record if "error" in record else {"complaint_id": record.get("complaint_id"), **next(scores)}
        for record in records
    ]


def _scores(records: list[Record], model: NgramScorer) -> Iterator[Record]:
    products = [record.get("product") for record in records]
    for answers in model.answers([record["narrative"] for record in records], products):
        confidences = np.take_along_axis(answers.probabilities, answers.best, axis=1)
        names = model.classes_[answers.best]
        reasons, issues = _reasons(answers.evidence, names, model.ngrams), _issues(answers.issues)
        for (name, second), (confidence, second_confidence), count in zip(
            names, confidences, answers.known, strict=True
        ):
            yield {
                "predicted_product": str(name),
                "confidence": float(confidence),
                "runner_up": str(second),
                "runner_up_confidence": float(second_confidence),
                "known_ngrams": int(count),
                **next(reasons, {}),
                **next(issues, {}),
            }


def _reasons(evidence: tuple[Evidence, ...], names: npt.NDArray[Any], ngrams: list[str]) -> Iterator[Record]:
    """Of each narrative, the n-grams that spoke for the first of its classes, then for the second."""
    if not evidence:
        return
    columns = np.concatenate([each.columns for each in evidence], axis=1).tolist()
    weights = np.concatenate([each.weights for each in evidence], axis=1).round(_DIGITS).tolist()
    products = np.repeat(names, evidence[0].columns.shape[1], axis=1).tolist()
    for row in zip(products, columns, weights, strict=True):
        named = zip(*row, strict=True)
        yield {
            "evidence": [
                {"product": product, "ngram": ngrams[column], "weight": weight}
                for product, column, weight in named
                if column >= 0
            ]
        }


def _issues(found: Issues | None) -> Iterator[Record]:
    """Of each narrative, the likeliest issue and the next ones."""
    if found is None:
        return
    for names, confidences in zip(found.names.tolist(), found.confidences.tolist(), strict=True):
        (name, confidence), *others = zip(names, confidences, strict=True)
        yield {
            "predicted_issue": name,
            "issue_confidence": confidence,
            "issue_alternatives": [{"issue": issue, "confidence": chance} for issue, chance in others],
        }


def output_fn(prediction: list[Record], accept: str) -> tuple[str, str]:
    """One line a record, ASCII, so that nothing but a newline ends a line.

    Raises:
        ValueError: something else than JSON Lines is asked for.
    """
    if accept != _JSON_LINES:
        raise ValueError(f"{accept!r} is not served; ask for {_JSON_LINES!r}")
    return "\n".join(json.dumps(record) for record in prediction), _JSON_LINES
