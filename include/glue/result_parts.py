"""Brings together what belongs into one file of results, by the hash of the complaint's id.

Tasks read complaints, answers and training rows, and send to each file what it needs: of the complaints those that were
asked about, without their narratives. Columns travel as Arrow's bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, booleans, mask, numbered, texts, whole
from parquet_columns import tables_in
from result_table import OPTIONAL, Publication
from score_files import scores_in, scores_schema

# Of files to read, and of what is sent of them.
ASKED, SCORES, TAUGHT = "asked", "scores", "taught"
# Of what is sent besides: counts of complaints, and narratives of training rows.
_FATES, _TEXTS = "fates", "texts"
# Texts that recur from row to row.
_RECURS = pa.dictionary(pa.int32(), pa.string())
_RECURRING = ("source", "fate", "label", *(name for name in OPTIONAL if name != "received_on"))
_KINDS = {"record": pa.int64(), "line": pa.int64(), "received_on": pa.date32()}
_ALWAYS = ("complaint_id", "source", "record", "line", "label", "text_group", "fate")
_WITH_ISSUES = ("issue", "received_on")  # by which the class of an issue is known
_TAUGHT = pa.schema([("complaint_id", pa.string()), ("text_group", pa.string())])
_PREFIX = 16  # hexadecimal digits of a narrative's hash, 64 bits: that two narratives share them will not happen

Part: TypeAlias = tuple[str, Any]  # the kind, and what is sent
Fates: TypeAlias = Counter[tuple[str | None, str | None]]  # rows by source and fate


class Sending(NamedTuple):
    """What the tasks send: to how many files, and which columns."""

    files: int
    complaints: pa.Schema
    scores: pa.Schema


class Source(NamedTuple):
    """A file to read, of the kind `ASKED`, `SCORES` or `TAUGHT`."""

    kind: str
    uri: str


class Taught(NamedTuple):
    """The training rows: ids, and the `text_prefixes` of the narratives."""

    ids: pa.Array
    texts: npt.NDArray[np.uint64]


class Together(NamedTuple):
    """What belongs into one file of results.

    `taught` is None where the training rows are no longer kept. `fates` counts the complaints that were not asked
    about, those of a whole run in one of its files.
    """

    asked: pa.Table
    scores: pa.Table
    taught: Taught | None
    fates: Fates


def sending(files: int, publication: Publication) -> Sending:
    """What so many files of results need."""
    filled = {name for name in OPTIONAL if name in publication.columns}
    published = {"evidence"} & {*publication.columns}
    if publication.issues is not None:
        filled |= {*_WITH_ISSUES}
        published |= {"issue_alternatives"}
    names = (*_ALWAYS, *(name for name in OPTIONAL if name in filled))
    kinds = [(name, _RECURS if name in _RECURRING else _KINDS.get(name, pa.string())) for name in names]
    return Sending(files, pa.schema(kinds), scores_schema(published))


def parts(sent: Sending, sources: Iterable[Sequence[Source]]) -> Iterator[tuple[int, Part]]:
    """What a task finds in its sources: the number of a file of results, and what belongs there."""
    readers: Mapping[str, Callable[[Sending, str], Iterator[tuple[int, Part]]]] = {
        ASKED: _of_complaints,
        SCORES: _of_scores,
        TAUGHT: _of_taught,
    }
    for source in chain.from_iterable(sources):
        yield from readers[source.kind](sent, source.uri)


def together(sent: Sending, found: Iterable[Part]) -> Together:
    """What was sent to one file of results."""
    by_kind: dict[str, list[Any]] = {}
    for kind, part in found:
        by_kind.setdefault(kind, []).append(part)
    return Together(
        _table(by_kind.get(ASKED, ()), sent.complaints),
        _table(by_kind.get(SCORES, ()), sent.scores),
        _taught(by_kind.get(TAUGHT, ()), by_kind[_TEXTS]) if _TEXTS in by_kind else None,
        sum(by_kind.get(_FATES, ()), Counter()),
    )


def text_prefixes(groups: pa.Array) -> npt.NDArray[np.uint64]:
    """The first 64 bits of the hashes of narratives, given in hexadecimal digits; none of them null."""
    first = pc.utf8_slice_codeunits(groups, 0, _PREFIX)
    digits = first.buffers()[2].to_pybytes()[: _PREFIX * len(first)] if len(first) else b""
    return np.frombuffer(bytes.fromhex(digits.decode()), np.uint64)


def _of_complaints(sent: Sending, uri: str) -> Iterator[tuple[int, Part]]:
    """The complaints that were asked about, and the number of all others by source and fate."""
    names = [field.name for field in sent.complaints if field.name in _RECURRING]
    for table in tables_in(uri, sent.complaints, names):
        is_asked = _is_text(whole(table["fate"]), "with_narrative")
        yield 0, (_FATES, _fates(table.select(["source", "fate"]).filter(booleans(~is_asked))))
        yield from _sent(ASKED, table.filter(booleans(is_asked)), sent.files)


def _of_scores(sent: Sending, uri: str) -> Iterator[tuple[int, Part]]:
    yield from _sent(SCORES, scores_in(uri, sent.scores), sent.files)


def _of_taught(sent: Sending, uri: str) -> Iterator[tuple[int, Part]]:
    """The ids, each where it belongs, and the narratives to all files: complaints with the same one have other ids."""
    for table in tables_in(uri, _TAUGHT):
        if not len(table):
            continue
        yield from _sent(TAUGHT, table.select(["complaint_id"]), sent.files)
        prefixes = text_prefixes(whole(table["text_group"]).drop_null()).tobytes()
        yield from ((number, (_TEXTS, prefixes)) for number in range(sent.files))


def _sent(kind: str, table: pa.Table, files: int) -> Iterator[tuple[int, Part]]:
    """The rows for each file, by the hash of their id; an id of null belongs anywhere."""
    if not len(table):
        return
    of_file = _file_of(whole(table["complaint_id"]), files) if files > 1 else np.zeros(len(table), np.int64)
    for number in range(files):
        rows = table.filter(booleans(of_file == number)) if files > 1 else table
        yield number, (kind, _bytes(rows))


def _file_of(ids: pa.Array, files: int) -> npt.NDArray[np.int64]:
    hashes = (crc32((each or "").encode()) for each in ids.to_pylist())
    return np.fromiter(hashes, np.int64, len(ids)) % files


def _taught(ids: Iterable[bytes], prefixes: Iterable[bytes]) -> Taught:
    found = _table(ids, pa.schema([_TAUGHT.field("complaint_id")]))
    return Taught(whole(found["complaint_id"]), np.frombuffer(b"".join(prefixes), np.uint64))


def _bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.unify_dictionaries().combine_chunks())
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _table(found: Iterable[bytes], schema: pa.Schema) -> pa.Table:
    tables = [pa.ipc.open_stream(each).read_all() for each in found]
    return pa.concat_tables(tables or [schema.empty_table()]).unify_dictionaries().combine_chunks()


def _is_text(column: pa.DictionaryArray, text: str) -> Mask:
    return mask(pc.equal(column.dictionary, texts([text])[0]).take(column.indices))


def _fates(table: pa.Table) -> Fates:
    (sources, source_of), (fates, fate_of) = numbered(table["source"]), numbered(table["fate"])
    counts = np.bincount(source_of * len(fates) + fate_of).tolist()
    return Counter(
        {(sources[at // len(fates)], fates[at % len(fates)]): count for at, count in enumerate(counts) if count}
    )
