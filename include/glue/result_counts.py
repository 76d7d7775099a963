"""The account of a run's results: the fates of all rows, the reasons for reviews, and the distribution of scores.

Each file of results is counted by itself, from its bytes; the account is the sum of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from arrow_arrays import Mask, booleans, doubles, mask, numbered, whole
from cleaned_rows import UNMAPPED
from issue_names import issue_classes
from result_parts import Fates
from result_table import REVIEW_REASONS
from run_files import check_sources

FATES = ("classified", "without_narrative", "quarantined", "superseded")
_BINS = 10  # of confidence
# Columns whose largest values the account counts, and how many values of each.
_COUNTED = ("company", "state")
_LARGEST = 25

Cell: TypeAlias = tuple[str | None, str, int, bool | None]  # label, prediction, tenth of confidence, and seen
Cells: TypeAlias = dict[Cell, tuple[int, float]]  # rows, and the sum of their confidences
Named: TypeAlias = dict[str | None, tuple[int, int]]  # rows, and those of them to review, by a value


class Counts(NamedTuple):
    """The counts of one file of results, and of the complaints that belonged to it without getting there.

    `fates` are by source. `issue_scores` is None where the second question was not asked.
    """

    fates: Fates
    errors: Counter[str]
    reasons: Counter[str]
    unmapped: int
    scores: Cells
    issue_scores: Cells | None
    named: dict[str, Named]


def counts_of(scored: pa.Table, seen: Mask | None, written: pq.ParquetFile, fates: Fates, issues: Any = None) -> Counts:
    """The counts of one file.

    `scored` are the complaints that were asked about, with their answers; `seen` is true for those that the model was
    trained on, and None if nobody knows which they are. `written` is the file of results: a complaint that is not in it
    is not classified. `fates` are those of other complaints.
    """
    table = written.read(columns=["complaint_id", "needs_review", "review_reason", *_COUNTED], use_threads=False)
    is_written = mask(pc.is_in(_column(scored, "complaint_id"), value_set=_column(table, "complaint_id")))
    errors = _column(scored, "error")
    is_unscored = mask(errors.is_valid())
    rows = scored.filter(booleans(is_written & ~is_unscored))
    seen_here = None if seen is None else seen[is_written & ~is_unscored]
    fate = np.select([is_unscored, is_written], ["quarantined", "classified"], "unscored")
    by_fate = {
        (source, name): count
        for name in ("quarantined", "classified", "unscored")
        for source, count in _counted(scored["source"].filter(booleans(fate == name))).items()
    }
    return Counts(
        Counter(by_fate) + fates,
        _counted(errors.drop_null()),
        _counted(_column(table, "review_reason").drop_null()),
        _counted(rows["label"]).get(UNMAPPED, 0),
        _cells(_column(rows, "label"), _column(rows, "predicted_product"), _column(rows, "confidence"), seen_here),
        None if issues is None else _issue_cells(rows, seen_here, issues),
        {name: _for_review(table, name) for name in _COUNTED},
    )


def account_of_results(found: Sequence[Counts], prepared: Mapping[str, Any]) -> dict[str, Any]:
    """The account of all files together; `prepared` is that of the preparation.

    `rows_in` was counted when the files were read, `classified` in the table as it was written: nothing in between can
    hide a loss.

    Raises:
        ValueError: there are rows of a file that the preparation did not know.
    """
    fates = sum((each.fates for each in found), Counter[tuple[str | None, str | None]]())
    check_sources({source for source, _ in fates if source}, [source["source"] for source in prepared["by_source"]])
    errors = sum((each.errors for each in found), Counter[str]())
    reasons = sum((each.reasons for each in found), Counter[str]())
    issue_scores = [each.issue_scores for each in found if each.issue_scores is not None]
    return {
        "by_source": [
            {"source": each["source"], "rows_in": each["rows_in"]}
            | {fate: fates[each["source"], fate] for fate in FATES}
            for each in prepared["by_source"]
        ],
        "quarantined_by_reason": {
            **prepared["quarantined_by_reason"],
            **{f"model: {error}": count for error, count in errors.items()},
        },
        "unreadable_files": prepared["unreadable_files"],
        UNMAPPED: sum(each.unmapped for each in found),
        "needs_review": {name: reasons[name] for name in REVIEW_REASONS},
        "scores": _scores(each.scores for each in found),
        **({"issue_scores": _scores(issue_scores)} if issue_scores else {}),
        **largest([each.named for each in found]),
    }


def largest(found: Iterable[Mapping[str, Named]], number: int = _LARGEST) -> dict[str, list[dict[str, Any]]]:
    """`by_company` and `by_state`: results and reviews of the largest values, and of all others under the name null.

    A column that is not published has no list either.
    """
    files = list(found)
    lists = {column: _largest_of([each[column] for each in files if column in each], number) for column in _COUNTED}
    return {f"by_{column}": rows for column, rows in lists.items() if any(row["name"] is not None for row in rows)}


def _largest_of(found: Iterable[Named], number: int) -> list[dict[str, Any]]:
    rows, reviews = Counter[str | None](), Counter[str | None]()
    for named in found:
        rows.update({name: count for name, (count, _) in named.items()})
        reviews.update({name: count for name, (_, count) in named.items()})
    in_order = sorted((name for name in rows if name is not None), key=lambda name: (-rows[name], name))
    listed = [{"name": name, "rows": rows[name], "for_review": reviews[name]} for name in in_order[:number]]
    others = [*in_order[number:], *([None] if None in rows else [])]
    more = {"rows": sum(rows[name] for name in others), "for_review": sum(reviews[name] for name in others)}
    return [*listed, {"name": None, **more}] if others else listed


def _for_review(table: pa.Table, name: str) -> Named:
    names, places = numbered(table[name])
    rows = np.bincount(places, minlength=len(names)).tolist()
    reviews = np.bincount(places, mask(_column(table, "needs_review")), len(names)).astype(np.int64).tolist()
    return {each: (count, reviewed) for each, count, reviewed in zip(names, rows, reviews, strict=True) if count}


def _cells(label: pa.Array, predicted: pa.Array, confidence: pa.Array, seen: Mask | None) -> Cells:
    """The number of results by label, prediction, tenth of confidence and `seen`, and the sum of their confidences."""
    if not len(label):
        return {}
    (labels, label_of), (products, product_of), scores = numbered(label), numbered(predicted), doubles(confidence)
    tenths = np.minimum(np.floor(scores * _BINS), _BINS - 1).astype(np.int64)
    is_seen = np.zeros(len(scores), np.int64) if seen is None else seen.astype(np.int64)
    sizes = (len(labels), len(products), _BINS, 2)
    found, where = np.unique(np.ravel_multi_index((label_of, product_of, tenths, is_seen), sizes), return_inverse=True)
    places = zip(*(each.tolist() for each in np.unravel_index(found, sizes)), strict=True)
    cells = [(labels[a], products[b], tenth, None if seen is None else bool(was)) for a, b, tenth, was in places]
    sums = zip(np.bincount(where).tolist(), np.bincount(where, scores).tolist(), strict=True)
    return dict(zip(cells, sums, strict=True))


def _issue_cells(rows: pa.Table, seen: Mask | None, issues: Mapping[str, Any]) -> Cells:
    """As of the first question, with the class of the complaint's issue as the label; of those that have an answer."""
    is_answered = mask(_column(rows, "predicted_issue").is_valid())
    answered = rows.filter(booleans(is_answered))
    column = {name: _column(answered, name) for name in ("issue", "received_on", "predicted_issue", "issue_confidence")}
    label = issue_classes(column["issue"], column["received_on"], issues["renamed"], issues["classes"], issues["other"])
    return _cells(
        label, column["predicted_issue"], column["issue_confidence"], None if seen is None else seen[is_answered]
    )


def _scores(found: Iterable[Cells]) -> list[dict[str, Any]]:
    """Rows of the cells of all files together, in order; null comes first."""
    total: Cells = {}
    for cells in found:
        for cell, (rows, confidence) in cells.items():
            before = total.get(cell, (0, 0.0))
            total[cell] = (before[0] + rows, before[1] + confidence)
    names = ("label", "predicted_product", "confidence_tenth", "seen")
    return [
        dict(zip(names, cell, strict=True)) | {"rows": total[cell][0], "confidence_sum": total[cell][1]}
        for cell in sorted(total, key=lambda cell: [(each is not None, each) for each in cell])
    ]


def _counted(column: pa.Array | pa.ChunkedArray) -> Counter[str]:
    names, places = numbered(column)
    counts = np.bincount(places, minlength=len(names)).tolist()
    return Counter({name: count for name, count in zip(names, counts, strict=True) if count and name is not None})


def _column(table: pa.Table, name: str) -> pa.Array:
    return whole(table[name])
