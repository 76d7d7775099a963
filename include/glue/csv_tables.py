"""Parses whole records of strict CSV at once, by pyarrow, and verifies what came out; doubtful ones are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from complaint_columns import COLUMNS, IDENTIFIER
from csv_lines import BYTE_ORDER_MARK
from csv_ranges import Part, blank, marks_of, record_starts
from pyarrow import csv

_BLOCK = 1 << 20  # bytes that are parsed at a time; small enough to stay in a processor's cache


def table_of(source: str, data: bytes, part: Part, header: Sequence[str], schema: pa.Schema) -> pa.Table | None:
    """The rows of a part as `schema` has them; None where one of them may be no complaint.

    The part is known to be strict, and each of its records to be within the bounds.
    """
    # pyarrow would take a mark at the beginning of a part off, which is text anywhere but at the file's beginning.
    if b"\0" in data or data.startswith(BYTE_ORDER_MARK):
        return None
    text = np.frombuffer(data, np.uint8)
    marks = marks_of(text, len(text), returns=b"\r" in data)
    begins = np.concatenate((np.zeros(1, np.int64), record_starts(marks, 0)))
    longest = int(np.diff(begins).max(initial=0))
    begins = begins[~blank(text, begins)]
    if not len(begins):
        return schema.empty_table()
    try:
        read = _parsed(data, len(header), max(_BLOCK, 2 * longest))
    except pa.ArrowInvalid:  # another number of fields, or not UTF-8
        return None
    if read.num_rows != len(begins) or (IDENTIFIER in header and not _numbers(read[header.index(IDENTIFIER)])):
        return None
    count, nothing = len(begins), pa.nulls(len(begins), pa.string())
    lines = part.lines + 1 + np.searchsorted(marks.line_ends, begins)
    columns = [
        pa.DictionaryArray.from_arrays(_numeric(np.zeros(count, np.int32), pa.int32()), _text(source)),
        _numeric(np.arange(part.records + 1, part.records + count + 1, dtype=np.int64), pa.int64()),
        _numeric(lines, pa.int64()),
        nothing,
        nothing,
        *(read[header.index(name)] if name in header else nothing for name in COLUMNS),
    ]
    return pa.table(columns, schema=schema)


def _parsed(data: bytes, fields: int, block: int) -> pa.Table:
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
