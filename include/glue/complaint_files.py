"""Writes every row that was read, as a complaint with its fate, to Parquet: each task from files that it reads itself.

Rows do not pass through the JVM, which would take most of a run's time for it. A file has the name of the one that it
is made of, so that a task's second attempt replaces what the first one left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from arrow_arrays import Mask, numbers
from complaint_tables import COUNTING, SCHEMA, complaints_of, counts_of, from_sources, ids_of
from exact_csv.balancing import shared
from exact_csv.outputs import files_below, remove_files, write_file
from exact_csv.parquet_files import Numbering, numbered, tables_in
from exact_csv.reading import Read
from newest_copies import COLUMNS as COMPARED
from newest_copies import Places, buckets_for, by_bucket, older_copies

_ROW_GROUP_BYTES = 32 << 20  # of a table in memory, about, which becomes one row group
_UNPACKED = 4  # times as large as in the file
_WITH_STATISTICS = ["record", "fate", "reason"]
_NO_TWO_ALIKE = frozenset({"record", "line", "raw", "narrative", "text_group", "complaint_id"})
_EMPTY = "part-00000-00000.parquet"

# By source, as `counts_of` has them.
Counted = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Writing:
    """What tasks need to know: the files that were read, their numbering, the sources to leave out, and the folder.

    `shares` are the numbers of the files of each task; `without_ids` are the sources whose ids are row numbers.
    """

    uris: Sequence[str]
    numbering: Numbering
    shares: Sequence[Sequence[int]]
    without_ids: frozenset[str]
    left_out: frozenset[str]
    folder: str
    buckets: int

    def compared(self, files: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """Ids and places of the files' rows, by the task that compares them."""
        for file in files:
            for rows, places in self._rows(file, COMPARED):
                yield from by_bucket(rows, ids_of(rows, self.without_ids), file, places, self.buckets)

    def task_of(self, file: int) -> int:
        """The task that writes a file."""
        return next(task for task, files in enumerate(self.shares) if file <= files[-1])

    def write(self, task: int, copies: Iterable[tuple[int, bytes]]) -> Iterator[tuple[str, Counted]]:
        """Writes a task's files, given the places of the older copies in them; their names, and what was counted."""
        older: dict[int, list[Places]] = {file: [] for file in self.shares[task]}
        for file, places in copies:
            older[file].append(np.frombuffer(places, np.int32).astype(np.int64))
        for file, found in older.items():
            content = BytesIO()
            with parquet_writer(content) as writer:
                for table in _joined(self._complaints(file, found)):
                    writer.write(table)
            name, counted = self.uris[file].rpartition("/")[2], counted_in(content)
            write_file(f"{self.folder}/{name}", content)
            yield name, counted

    def _complaints(self, file: int, older: Sequence[Places]) -> Iterator[pa.Table]:
        for rows, places in self._rows(file):
            is_older: Mask = np.isin(places, np.concatenate(older)) if older else np.zeros(len(places), np.bool_)
            yield complaints_of(rows, ids_of(rows, self.without_ids), is_older, self.without_ids)

    def _rows(self, file: int, columns: Sequence[str] | None = None) -> Iterator[tuple[pa.Table, Places]]:
        """The rows of a file, table by table, and the place of each in the file."""
        begin = 0
        for table in tables_in(self.uris[file], columns):
            rows, places = numbered(table, self.numbering)
            if self.left_out:
                kept = np.flatnonzero(~from_sources(rows, self.left_out))
                rows, places = rows.take(numbers(kept, pa.int64())), places[kept]
            yield rows, places + begin
            begin += len(table)


def write_complaints(read: Read, without_ids: Sequence[str], left_out: Sequence[str], folder: str) -> list[Counted]:
    """Writes the rows to Parquet files in a folder, which then holds no other; what was counted in each of them."""
    context, folder = read.spark.sparkContext, folder.rstrip("/")
    cores = context.defaultParallelism
    shares = shared(range(len(read.files)), lambda file: read.files[file].size * _UNPACKED, cores)
    uris, buckets = [each.uri for each in read.files], buckets_for(read.rows, cores)
    work = Writing(uris, read.numbering, shares, frozenset(without_ids), frozenset(left_out), folder, buckets)
    written = [(_EMPTY, write_empty(f"{folder}/{_EMPTY}"))] if not shares else []
    if shares:
        compared = context.parallelize(shares, len(shares)).flatMap(list).mapPartitions(work.compared)
        older = compared.partitionBy(buckets, int).mapPartitions(older_copies)
        written = older.partitionBy(len(shares), work.task_of).mapPartitionsWithIndex(work.write).collect()
    ours = {name for name, _ in written}
    # Of an earlier attempt, which another number of cores gave other names.
    remove_files([uri for uri in files_below(folder) if uri.rpartition("/")[2] not in ours])
    return [counted for _, counted in written]


def write_empty(uri: str) -> Counted:
    """Writes a file without rows, from which a reader has the columns; the counts of nothing."""
    content = BytesIO()
    parquet_writer(content).close()
    write_file(uri, content)
    return {}


def parquet_writer(file: BytesIO) -> pq.ParquetWriter:
    """A writer of complaints."""
    repeated = [name for name in SCHEMA.names if name not in _NO_TWO_ALIKE]
    # Without Arrow's own schema: readers see texts, also where the tables have dictionaries of them.
    return pq.ParquetWriter(
        file, SCHEMA, use_dictionary=repeated, write_statistics=_WITH_STATISTICS, store_schema=False
    )


def counted_in(file: BytesIO) -> Counted:
    """What is counted in a file, read back from the bytes that are written."""
    file.seek(0)
    rows = pq.ParquetFile(file, read_dictionary=["source", "fate"]).read([*COUNTING], use_threads=False)
    return counts_of(rows.unify_dictionaries().combine_chunks())


def _joined(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The rows in fewer tables, each of which becomes a row group."""
    ready: list[pa.Table] = []
    size = 0
    for table in tables:
        ready.append(table)
        size += table.nbytes
        if size > _ROW_GROUP_BYTES:
            yield pa.concat_tables(ready).unify_dictionaries()
            ready, size = [], 0
    if ready:
        yield pa.concat_tables(ready).unify_dictionaries()
