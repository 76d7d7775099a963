"""Arrow arrays from Python values and numpy arrays.

Not by `pyarrow.array`, `pyarrow.scalar` and `to_numpy`: they import pandas, which takes each of Spark's workers half a
second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]


def numbers(values: npt.NDArray[Any], kind: pa.DataType, valid: Mask | None = None) -> pa.Array:
    """The same memory as an Arrow array of this type; null where it is not `valid`."""
    return pa.Array.from_buffers(kind, len(values), [_bits(valid), pa.py_buffer(values)])


def booleans(values: Mask) -> pa.Array:
    """An Arrow array of booleans, none of them null."""
    return pa.Array.from_buffers(pa.bool_(), len(values), [None, _bits(values)])


def texts(values: Sequence[str | None]) -> pa.Array:
    """An Arrow array of texts."""
    encoded = [(value or "").encode() for value in values]
    offsets = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(each) for each in encoded], out=offsets[1:])
    valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    buffers = [_bits(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(values), buffers)


def days(values: Sequence[int | None]) -> pa.Array:
    """An Arrow array of dates, given as days since 1970-01-01."""
    valid = np.fromiter((value is not None for value in values), np.bool_, len(values))
    return numbers(np.fromiter((value or 0 for value in values), np.int32, len(values)), pa.date32(), valid)


def lists(names: Sequence[str], holds: npt.NDArray[np.bool_]) -> pa.Array:
    """An Arrow array of lists of texts: of row r those names n, in their order, for which `holds[r, n]`."""
    offsets = np.zeros(len(holds) + 1, np.int32)
    np.cumsum(holds.sum(axis=1), out=offsets[1:])
    which = np.nonzero(holds)[1].astype(np.int32)
    values = texts(names).take(numbers(which, pa.int32()))
    return pa.ListArray.from_arrays(numbers(offsets, pa.int32()), values)


def integer(value: int) -> pa.Scalar:
    """A 32-bit integer, as Arrow's functions take it."""
    return numbers(np.array([value], np.int32), pa.int32())[0]


def values(column: pa.Array, where_null: int = 0) -> npt.NDArray[np.int32]:
    """The 32-bit integers of a column as a numpy array."""
    return _numbers_of(column.fill_null(integer(where_null)) if column.null_count else column, np.int32)


def doubles(column: pa.Array) -> npt.NDArray[np.float64]:
    """The 64-bit numbers of a column as a numpy array: NaN where it is null."""
    nothing = numbers(np.array([np.nan]), pa.float64())[0]
    return _numbers_of(column.fill_null(nothing) if column.null_count else column, np.float64)


def _numbers_of(column: pa.Array, kind: type[np.generic]) -> npt.NDArray[Any]:
    if not len(column):
        return np.zeros(0, kind)
    return np.frombuffer(column.buffers()[1], kind, len(column) + column.offset)[column.offset :]


def whole(column: pa.ChunkedArray) -> pa.Array:
    """The column of a table as one array."""
    return column.combine_chunks() if column.num_chunks else pa.nulls(0, column.type)


def numbered(column: pa.Array | pa.ChunkedArray) -> tuple[list[str | None], npt.NDArray[np.int32]]:
    """The distinct texts of a column, null the last of them, and the place of each row's text among these."""
    found = whole(column) if isinstance(column, pa.ChunkedArray) else column
    encoded = found if pa.types.is_dictionary(found.type) else found.dictionary_encode()
    names = [*encoded.dictionary.to_pylist(), None]
    return names, values(encoded.indices, len(names) - 1)


def integers(column: pa.Array, kind: type[np.generic] = np.int32) -> npt.NDArray[Any]:
    """The integers of a column without nulls as a numpy array of their own kind."""
    return _numbers_of(column, kind)


def mask(condition: pa.Array) -> Mask:
    """A condition as a numpy array: False where it is null."""
    if not len(condition):
        return np.zeros(0, np.bool_)
    _, bits = condition.buffers()
    holds = _unpacked(bits, condition)
    return holds & mask(condition.is_valid()) if condition.null_count else holds


def _unpacked(bits: pa.Buffer, condition: pa.Array) -> Mask:
    end = condition.offset + len(condition)
    found = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")[condition.offset : end]
    return found.astype(np.bool_)


def replaced(column: pa.Array, changed: Mapping[int, str]) -> pa.Array:
    """The texts with those at some places, given in ascending order, changed."""
    if not changed:
        return column
    where = np.zeros(len(column), np.bool_)
    where[list(changed)] = True
    return pc.replace_with_mask(column, booleans(where), texts(list(changed.values())))


def _bits(values: Mask | None) -> pa.Buffer | None:
    return None if values is None else pa.py_buffer(np.packbits(values, bitorder="little"))
