"""Writes one file of results, of the complaints and answers that belong into it, if all of these answers are sound."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from arrow_arrays import Mask, booleans, mask, numbers, values, whole
from exact_csv.outputs import write_file
from result_counts import Counts, counts_of
from result_parts import Part, Sending, Taught, text_prefixes, together
from result_table import Publication, results
from score_audit import Fault, faults_in

# The encodings of columns of which hardly two values are alike; the others have dictionaries.
_DISTINCT = {
    "complaint_id": "DELTA_BYTE_ARRAY",
    **dict.fromkeys(("record", "line"), "DELTA_BINARY_PACKED"),
    **dict.fromkeys(("confidence", "runner_up_confidence", "issue_confidence"), "PLAIN"),
}
_NESTED = ("evidence.list.element.product", "evidence.list.element.ngram", "issue_alternatives.list.element.issue")


class Audited(NamedTuple):
    """What became of one file: what is wrong with its answers, or its name, size, rows and SHA-256, and its counts."""

    faults: Sequence[Fault]
    file: Mapping[str, Any] | None = None
    counts: Counts | None = None


class Writing(NamedTuple):
    """Where the files of results go, and what is in them."""

    folder: str
    sent: Sending
    publication: Publication
    classes: Sequence[str]


def audited(writing: Writing, number: int, keyed: Iterable[tuple[int, Part]]) -> Iterator[Audited]:
    """Audits what was sent to the file of this number, and writes it."""
    found = together(writing.sent, (part for _, part in keyed))
    places = values(pc.index_in(whole(found.scores["complaint_id"]), whole(found.asked["complaint_id"])), -1)
    if faults := faults_in(found.scores, places, writing.classes):
        yield Audited(faults)
        return
    scored = with_scores(found.asked, found.scores, places)
    seen = seen_in_training(scored, found.taught)
    is_classified = mask(pc.and_(whole(scored["error"]).is_null(), whole(scored["predicted_product"]).is_valid()))
    content = parquet_of(results(scored.filter(booleans(is_classified)), writing.publication))
    name = f"part-{number:05d}.parquet"
    write_file(f"{writing.folder.rstrip('/')}/{name}", BytesIO(content))
    # Of the bytes, so that nothing between the table and the file can hide a loss.
    written = pq.ParquetFile(pa.BufferReader(content))
    file = {"name": name, "size": len(content), "rows": written.metadata.num_rows}
    file["sha256"] = hashlib.sha256(content).hexdigest()
    yield Audited((), file, counts_of(scored, seen, written, found.fates, writing.publication.issues))


def with_scores(asked: pa.Table, scores: pa.Table, places: npt.NDArray[np.int32]) -> pa.Table:
    """Every complaint that was asked about with its answer, null where it has none, in the order of the ids."""
    answers = np.full(len(asked), -1, np.int32)
    answers[places] = np.arange(len(scores), dtype=np.int32)
    order = pc.sort_indices(whole(asked["complaint_id"]))
    rows, answers = asked.take(order), answers[np.frombuffer(order.buffers()[1], np.uint64)[: len(order)]]
    found = scores.take(numbers(answers, pa.int32(), answers >= 0))
    columns = {name: found[name] for name in found.column_names if name != "complaint_id"}
    return pa.table({**{name: rows[name] for name in rows.column_names}, **columns}).combine_chunks()


def parquet_of(table: pa.Table) -> bytes:
    """A Parquet file with the table: the same rows give the same bytes."""
    content = pa.BufferOutputStream()
    recurring = [*(name for name in table.column_names if name not in _DISTINCT), *_NESTED]
    pq.write_table(
        table,
        content,
        data_page_version="2.0",
        use_dictionary=recurring,
        column_encoding={name: kind for name, kind in _DISTINCT.items() if name in table.column_names},
        store_schema=False,
    )
    written: bytes = content.getvalue().to_pybytes()
    return written


def seen_in_training(scored: pa.Table, taught: Taught | None) -> Mask | None:
    """True for a complaint that the model was trained on, or whose narrative; None if nobody knows.

    Case and white space of the narrative do not count, as when the history was split.
    """
    if taught is None:
        return None
    by_id = mask(pc.is_in(whole(scored["complaint_id"]), value_set=taught.ids))
    groups = whole(scored["text_group"])
    by_text = np.zeros(len(scored), np.bool_)
    by_text[mask(groups.is_valid())] = np.isin(text_prefixes(groups.drop_null()), taught.texts)
    return by_id | by_text
