"""Reads some columns of Parquet files by their ranges: what is not asked for is not fetched."""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Iterator
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
from exact_csv.inputs import Input, Opener


def tables_in(uri: str, schema: pa.Schema, dictionaries: Collection[str] = ()) -> Iterator[pa.Table]:
    """The columns of `schema` in a Parquet file, a table for each of its row groups; null where the file has none.

    `dictionaries` are texts that recur, and are read as such; in `schema` they have that type.
    """
    with pq.ParquetFile(_Ranges(Opener(), Input(uri)), read_dictionary=[*dictionaries], pre_buffer=True) as file:
        there = [name for name in schema.names if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=there, use_threads=False)
            columns = [table[each.name] if each.name in there else pa.nulls(len(table), each.type) for each in schema]
            yield pa.table(columns, schema=schema).unify_dictionaries().combine_chunks()


class _Ranges(io.RawIOBase):
    """An object, or a file, of which only what is asked for is read."""

    def __init__(self, opener: Opener, given: Input) -> None:
        super().__init__()
        self._opener, self._given, self._place = opener, given, 0
        with closing(opener.open(given, 0, 1)) as stream:
            self._size = stream.size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._place + size, self._size)
        found = self._opener.part(self._given, self._place, end)
        self._place += len(found)
        return found
