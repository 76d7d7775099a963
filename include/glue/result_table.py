"""The table of results: its columns, and why a person should look at a row.

`review_reason` is `no_evidence` where the narrative has no word that the model knows, `little_evidence` where it has
very few of them, `low_confidence` where the model is not sure, and null for the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, booleans, doubles, mask, numbers, texts, whole
from score_files import ALTERNATIVES, EVIDENCE

_RESULTS = (
    "complaint_id string, predicted_product string, confidence double, runner_up string, "
    "runner_up_confidence double, needs_review boolean, review_reason string, model_version string, run_id string, "
    "source string, record bigint, line bigint, received_on date, product string, sub_product string, "
    "issue string, sub_issue string, company string, state string"
)
_TYPES = {
    "string": pa.string(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "bigint": pa.int64(),
    "date": pa.date32(),
}
# As every published file has them; some readers compare this, too.
_NEVER_NULL = ("needs_review", "model_version", "run_id")
# Those that `columns` fills. The others are null, but there: the files of all runs have one schema.
OPTIONAL = ("received_on", "product", "sub_product", "issue", "sub_issue", "company", "state")
# The n-grams that decided. They are of the narrative, so they are a column only where `columns` names it.
_EVIDENCE = "evidence"
# The answer to the second question, where it was asked.
_ISSUES = (
    ("predicted_issue", pa.string()),
    ("issue_confidence", pa.float64()),
    ("issue_alternatives", ALTERNATIVES),
    ("issue_needs_review", pa.bool_()),
    ("issue_review_reason", pa.string()),
)
REVIEW_REASONS = ("no_evidence", "little_evidence", "low_confidence")
# Different known n-grams below which a narrative says next to nothing: "my mortgage" has three.
_LITTLE_EVIDENCE = 3


class Publication(NamedTuple):
    """What is published of the answers.

    `columns` names those of `OPTIONAL` that are filled, and perhaps `evidence`. `review_below` is the confidence below
    which a person looks; `issues` has that of the second question, or is None where that was not asked.
    """

    model_version: str
    run_id: str
    review_below: float
    columns: Sequence[str] = OPTIONAL
    issues: Mapping[str, Any] | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns of the table."""
        named = (each.split() for each in _RESULTS.split(", "))
        columns = [pa.field(name, _TYPES[kind], nullable=name not in _NEVER_NULL) for name, kind in named]
        more = [(_EVIDENCE, EVIDENCE)] if _EVIDENCE in self.columns else []
        return pa.schema([*columns, *more, *(_ISSUES if self.issues is not None else ())])


def results(classified: pa.Table, publication: Publication) -> pa.Table:
    """The table of results: a row for each classified complaint, which are given with their answers."""
    rows, schema = len(classified), publication.schema
    column = {name: whole(classified[name]) for name in classified.column_names}
    known = column["known_ngrams"]
    reasons = _reasons(known, doubles(column["confidence"]), publication.review_below)
    made = {
        "needs_review": booleans(reasons >= 0),
        "review_reason": _named(reasons),
        "model_version": _repeated(publication.model_version, rows),
        "run_id": _repeated(publication.run_id, rows),
        **{name: pa.nulls(rows, schema.field(name).type) for name in OPTIONAL if name not in publication.columns},
    }
    if publication.issues is not None:
        is_answered = mask(column["predicted_issue"].is_valid())
        reasons = _reasons(known, doubles(column["issue_confidence"]), publication.issues["review_below"])
        reasons[~is_answered] = -1
        made["issue_needs_review"] = _where(booleans(reasons >= 0), is_answered)
        made["issue_review_reason"] = _named(reasons)
    return pa.table([_plain(made[name] if name in made else column[name]) for name in schema.names], schema=schema)


def _reasons(known: pa.Array, confidence: npt.NDArray[np.float64], review_below: float) -> npt.NDArray[np.int32]:
    """Why a person should look at each answer, as its place among `REVIEW_REASONS`; -1 where nobody needs to."""
    conditions = [_less(known, 1), _less(known, _LITTLE_EVIDENCE), confidence < review_below]
    return np.select(conditions, range(len(conditions)), -1).astype(np.int32)


def _less(known: pa.Array, number: int) -> Mask:
    return mask(pc.less(known, numbers(np.array([number], np.int64), pa.int64())[0]))


def _named(reasons: npt.NDArray[np.int32]) -> pa.Array:
    return texts(REVIEW_REASONS).take(numbers(reasons, pa.int32(), reasons >= 0))


def _where(values: pa.Array, condition: Mask) -> pa.Array:
    """The values, null where the condition does not hold."""
    return pc.if_else(booleans(condition), values, pa.nulls(len(values), values.type))


def _repeated(text: str, rows: int) -> pa.Array:
    return texts([text]).take(numbers(np.zeros(rows, np.int32), pa.int32()))


def _plain(column: pa.Array) -> pa.Array:
    """Not as a dictionary, whose order would be that of the rows as they came."""
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
