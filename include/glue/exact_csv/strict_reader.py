"""Reads whole records of strict CSV: many at once by pyarrow where all are complaints, else one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pyarrow_csv

from exact_csv.columns import COLUMNS, Header
from exact_csv.faults import LINE_ENDS, fault_of
from exact_csv.limits import ReaderLimits
from exact_csv.record_lines import BYTE_ORDER_MARK
from exact_csv.structure import Places, Stretch, blank
from exact_csv.tolerant_reader import Record, raw_text

# `record` counts from 1 without a gap in each file, so its maximum is the number of records that were read; the
# record 0 is a file that could not be read to its end. In rows of a `part` other than 0, `record` and `line` count from
# that part's beginning on.
SCHEMA = pa.schema(
    [("part", pa.int32()), ("source", pa.dictionary(pa.int32(), pa.string()))]
    + [("record", pa.int64()), ("line", pa.int64()), ("reason", pa.string()), ("raw", pa.string())]
    + [("in_open_quote", pa.bool_())]
    + [(name, pa.string()) for name in COLUMNS]
)
# Bytes that are parsed at a time: a range. Each time pyarrow gets whole records as one block: where it splits
# a text into blocks, a CRLF inside quotes at the border loses its LF.
BLOCK_BYTES = 16 << 20
_PLAIN_ID = r"\A[0-9]{1,18}\z"
_REWRITTEN_ID = r"\A(?:[0-9]{1,18}(?:\.0+)?|[0-9]{1,3}(?:,[0-9]{3}){1,5}(?:\.0+)?)\z"


class Place(NamedTuple):
    """The position of a table's rows: the records and lines before it in the file, or in the part with this number."""

    part: int = 0
    records: int = 0
    lines: int = 0


class Slice(NamedTuple):
    """Whole records of a stretch: where they begin and the last ends, blank lines included, and their numbers."""

    stretch: Stretch
    whole: Places
    place: Place

    @property
    def size(self) -> int:
        """The bytes of the records."""
        return int(self.whole[-1] - self.whole[0])

    @property
    def filled(self) -> Places:
        """The records without the blank lines."""
        begins = self.whole[:-1]
        found: Places = begins[~blank(self.stretch.text, begins)]
        return found

    def lines(self, begins: Places) -> Places:
        """The line numbers of records that begin at these places."""
        ends = self.stretch.marks.line_ends
        found: Places = np.searchsorted(ends, begins) - np.searchsorted(ends, self.whole[0]) + self.place.lines + 1
        return found


def slices(stretch: Stretch, whole: Places, at: Place, block_bytes: int = BLOCK_BYTES) -> Iterator[Slice]:
    """The whole records in slices of about `block_bytes`, each of one record at least."""
    begin = 0
    while begin < len(whole) - 1:
        end = max(int(np.searchsorted(whole, whole[begin] + block_bytes)), begin + 2)
        each = Slice(stretch, whole[begin:end], at)
        yield each
        lines = int(np.searchsorted(stretch.marks.line_ends, whole[min(end, len(whole)) - 1]))
        lines -= int(np.searchsorted(stretch.marks.line_ends, whole[begin]))
        at = at._replace(records=at.records + len(each.filled), lines=at.lines + lines)
        begin = end - 1


def table_of(source: str, each: Slice, header: Header, limits: ReaderLimits) -> pa.Table | None:
    """The rows of a slice, as `SCHEMA` has them; None where one of them may not be a complaint."""
    data, (start, end) = each.stretch.data, (int(each.whole[0]), int(each.whole[-1]))
    if int(np.diff(each.whole).max(initial=0)) > min(limits.max_row_bytes, limits.max_field_characters):
        return None
    # pyarrow would take off a byte order mark at the beginning, which is text anywhere but at the file's beginning.
    if data.find(b"\0", start, end) >= 0 or data.startswith(BYTE_ORDER_MARK, start):
        return None
    begins = each.filled
    count = len(begins)
    if not count:
        return SCHEMA.empty_table()
    try:
        read = _parsed(pa.py_buffer(data).slice(start, end - start), len(header.columns))
    except pa.ArrowInvalid:  # another number of fields, or not UTF-8
        return None
    if read.num_rows != count or not _are_complaints(read, header):
        return None
    nothing = pa.nulls(count, pa.string())
    at = each.place
    columns = [
        _numeric(np.full(count, at.part, np.int32), pa.int32()),
        pa.DictionaryArray.from_arrays(_numeric(np.zeros(count, np.int32), pa.int32()), _text(source)),
        _numeric(np.arange(at.records + 1, at.records + count + 1, dtype=np.int64), pa.int64()),
        _numeric(each.lines(begins), pa.int64()),
        nothing,
        nothing,
        pa.nulls(count, pa.bool_()),
        *(read[header.columns.index(name)] if name in header.columns else nothing for name in COLUMNS),
    ]
    return pa.table(columns, schema=SCHEMA)


def records_of_slice(each: Slice, header: Header, limits: ReaderLimits) -> Iterator[Record]:
    """The records of a slice one by one, as complaints or with the reasons why not.

    Raises:
        InputRefusedError: a record is another header, with other columns.
    """
    csv.field_size_limit(limits.max_field_characters)
    ends = dict(zip(each.whole[:-1].tolist(), each.whole[1:].tolist(), strict=True))
    begins = each.filled
    for number, (begin, line) in enumerate(zip(begins.tolist(), each.lines(begins).tolist(), strict=True), start=1):
        yield _record(each.place.records + number, line, each.stretch.data[begin : ends[begin]], header, limits)


def _record(number: int, line: int, raw: bytes, header: Header, limits: ReaderLimits) -> Record:
    reason: str | None = None
    values: list[str] = []
    if len(raw) > limits.max_row_bytes:
        # Where the record arrives in pieces no more of it is held.
        reason, raw = too_long(limits), raw[: limits.max_row_bytes + 1]
    else:
        try:
            values = next(csv.reader([raw.decode("utf-8", "surrogateescape")], strict=True))
        except csv.Error:  # of strict CSV nothing else can be wrong
            reason = f"a field longer than {limits.max_field_characters:,} characters (limits.max_field_characters)"
        else:
            fault = fault_of(header, values, raw.endswith(LINE_ENDS), line)
            reason = fault.reason if fault else None
    if reason:
        return Record(number, line, reason, raw_text(raw))
    return Record(number, line, None, None, {k: v for k, v in zip(header.columns, values, strict=True) if v})


def too_long(limits: ReaderLimits) -> str:
    """The reason of a record with too many bytes."""
    return f"longer than {limits.max_row_kb:,} kB (limits.max_row_kb)"


def _parsed(data: pa.Buffer, fields: int) -> pa.Table:
    names = [str(place) for place in range(fields)]
    return pyarrow_csv.read_csv(
        pa.BufferReader(data),
        pyarrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
        pyarrow_csv.ParseOptions(newlines_in_values=True),
        pyarrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
        ),
    )


def _are_complaints(read: pa.Table, header: Header) -> bool:
    """True where each row surely is a complaint, and no header among them."""
    place = header.id_place
    if place is None:
        narratives = read[header.narrative_place]
        short = narratives.filter(pc.less(pc.binary_length(narratives), 100)).to_pylist()
        return not any(map(header.is_column_name, short))
    identifiers = read[place]
    if identifiers.null_count:
        return False
    return any(
        bool(pc.all(pc.match_substring_regex(identifiers, pattern)).as_py()) for pattern in (_PLAIN_ID, _REWRITTEN_ID)
    )


def _numeric(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """The same memory as an Arrow array; `pa.array` would import pandas, to check for a series."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _text(value: str) -> pa.Array:
    """An Arrow array of one text; without `pa.array` for the same reason."""
    encoded = value.encode()
    offsets = np.array([0, len(encoded)], np.int32)
    return pa.StringArray.from_buffers(1, pa.py_buffer(offsets), pa.py_buffer(encoded))
