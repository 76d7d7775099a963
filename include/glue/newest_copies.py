"""Finds the older copies of complaints: a complaint is published again when its ZIP is unmasked or its company renamed.

Of ids and places only, which tasks exchange by the hash of the id. Newest is the last record of the youngest object. A
row that may be a line of a narrative is older than all others. Records that could not be read are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from arrow_arrays import integers, mask, numbers

Places = npt.NDArray[np.int64]  # of rows in a file
# An id; its age, larger for a newer copy; the file's number and the row's place in it.
_COMPARED = pa.schema([("id", pa.string()), ("age", pa.int64()), ("place", pa.int64())])
_ROWS_A_BUCKET = 500_000  # of ids and places, which a task holds in memory
_RANK_BITS, _RECORD_BITS = 22, 40
COLUMNS = ("part", "source", "record", "line", "reason", "in_open_quote", "complaint_id", "etag", "input_rank")


def buckets_for(rows: int, cores: int) -> int:
    """The number of tasks that compare."""
    return max(1, cores, -(-rows // _ROWS_A_BUCKET))


def by_bucket(rows: pa.Table, ids: pa.Array, file: int, places: Places, buckets: int) -> Iterator[tuple[int, bytes]]:
    """Ids and places of a file's rows, for each task that compares some of them."""
    is_sound = ~mask(rows["in_open_quote"].combine_chunks())
    rank = integers(rows["input_rank"].combine_chunks()).astype(np.int64)
    record = integers(rows["record"].combine_chunks(), np.int64)
    age = is_sound.astype(np.int64) << (_RANK_BITS + _RECORD_BITS) | rank << _RECORD_BITS | record
    table = pa.table([ids, numbers(age, pa.int64()), numbers((file << 32) + places, pa.int64())], schema=_COMPARED)
    hashed = np.fromiter((crc32(each or b"") for each in ids.cast(pa.binary()).to_pylist()), np.uint32, len(ids))
    is_known, bucket = mask(ids.is_valid()), hashed % buckets
    for each in range(buckets):
        chosen = np.flatnonzero(is_known & (bucket == each))
        if len(chosen):
            (batch,) = table.take(numbers(chosen, pa.int64())).combine_chunks().to_batches()
            yield each, batch.serialize().to_pybytes()


def older_copies(of_bucket: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """The number of each file that has older copies of complaints, and their places in it, as 32-bit integers."""
    batches = [pa.ipc.read_record_batch(pa.py_buffer(content), _COMPARED) for _, content in of_bucket]
    if not batches:
        return
    table = pa.Table.from_batches(batches).combine_chunks()
    encoded = table["id"].combine_chunks().dictionary_encode()
    if len(encoded.dictionary) == len(encoded):
        return
    codes = integers(encoded.indices)
    age, place = (integers(table[name].combine_chunks(), np.int64) for name in ("age", "place"))
    newest_first = np.lexsort((-age, codes))
    is_older = codes[newest_first][1:] == codes[newest_first][:-1]
    older = np.sort(place[newest_first[1:][is_older]])
    files = older >> 32
    begins = np.flatnonzero(np.diff(files, prepend=-1))
    for file, found in zip(files[begins].tolist(), np.split(older, begins[1:]), strict=True):
        yield file, (found & 0xFFFF_FFFF).astype(np.int32).tobytes()
