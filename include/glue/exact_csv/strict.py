"""Parses whole records of strict CSV at once, by pyarrow, and verifies what came out; doubtful ones are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from exact_csv.columns import COLUMNS, IDENTIFIER
from exact_csv.lines import BYTE_ORDER_MARK
from exact_csv.marks import Places, blank
from exact_csv.ranges import Sight

# `record` counts from 1 without a gap in each file, so its maximum is the number of records that were read; the
# record 0 is a file that could not be read to its end. In rows of a `part` other than 0, `record` and `line` count from
# that part's beginning on.
SCHEMA = pa.schema(
    [("part", pa.int32()), ("source", pa.dictionary(pa.int32(), pa.string()))]
    + [("record", pa.int64()), ("line", pa.int64()), ("reason", pa.string()), ("raw", pa.string())]
    + [(name, pa.string()) for name in COLUMNS]
)
_BLOCK = 1 << 20  # bytes that are parsed at a time; small enough to stay in a processor's cache


class Place(NamedTuple):
    """Where a table's rows stand: behind so many records and lines of the file, or of the part with this number."""

    part: int = 0
    records: int = 0
    lines: int = 0


def table_of(source: str, sight: Sight, whole: Places, header: Sequence[str], at: Place) -> pa.Table | None:
    """The rows of a sight's whole records, as `SCHEMA` has them; None where one of them may be no complaint.

    `whole` are the places where the records begin, and where the last ends. The sight is known to be strict, and each
    of its records to be within the bounds.
    """
    start, end = int(whole[0]), int(whole[-1])
    # pyarrow would take a mark at the beginning of a part off, which is text anywhere but at the file's beginning.
    if sight.data.find(b"\0", start, end) >= 0 or sight.data.startswith(BYTE_ORDER_MARK, start):
        return None
    longest = int(np.diff(whole).max(initial=0))
    begins = whole[:-1][~blank(sight.text, whole[:-1])]
    if not len(begins):
        return SCHEMA.empty_table()
    try:
        read = _parsed(pa.py_buffer(sight.data).slice(start, end - start), len(header), max(_BLOCK, 2 * longest))
    except pa.ArrowInvalid:  # another number of fields, or not UTF-8
        return None
    if read.num_rows != len(begins) or (IDENTIFIER in header and not _numbers(read[header.index(IDENTIFIER)])):
        return None
    count, nothing = len(begins), pa.nulls(len(begins), pa.string())
    before = np.searchsorted(sight.marks.line_ends, start)
    columns = [
        _numeric(np.full(count, at.part, np.int32), pa.int32()),
        pa.DictionaryArray.from_arrays(_numeric(np.zeros(count, np.int32), pa.int32()), _text(source)),
        _numeric(np.arange(at.records + 1, at.records + count + 1, dtype=np.int64), pa.int64()),
        _numeric(np.searchsorted(sight.marks.line_ends, begins) - before + at.lines + 1, pa.int64()),
        nothing,
        nothing,
        *(read[header.index(name)] if name in header else nothing for name in COLUMNS),
    ]
    return pa.table(columns, schema=SCHEMA)


def _parsed(data: pa.Buffer, fields: int, block: int) -> pa.Table:
    names = [str(place) for place in range(fields)]
    return csv.read_csv(
        pa.BufferReader(data),
        csv.ReadOptions(use_threads=False, block_size=block, column_names=names),
        csv.ParseOptions(newlines_in_values=True),
        csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True),
    )


def _numeric(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """The same memory as an Arrow array; `pa.array` would import pandas, to see whether the values are a series."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _text(value: str) -> pa.Array:
    """An Arrow array of one text; without `pa.array` for the same reason."""
    encoded = value.encode()
    offsets = np.array([0, len(encoded)], np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(encoded))


def _numbers(identifiers: pa.ChunkedArray) -> bool:
    """Whether each is a plain number; the exact reader allows white space around it."""
    if identifiers.null_count:
        return False
    return bool(pc.all(pc.match_substring_regex(identifiers, r"\A[0-9]{1,18}\z")).as_py())
