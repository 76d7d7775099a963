"""Reads labelled complaints: the labels of all rows, and the narratives of those that are learned from.

Narratives are by far the largest part of the rows: a class is capped before they are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from narrative_groups import digest

BATCH_ROWS = 20_000


class TrainingDataError(ValueError):
    """The data cannot be learned from; the message names the class or the folder."""


class LabelledRows(NamedTuple):
    """Rows of Parquet files: `places` are their numbers over all files, `labels` their classes."""

    files: list[Path]
    places: npt.NDArray[np.int64]
    labels: list[str]

    @classmethod
    def of(cls, folder: Path) -> LabelledRows:
        """The rows of a folder in the order of their complaint ids, whatever files Spark wrote.

        Raises:
            TrainingDataError: the folder holds no rows.
        """
        files = sorted(folder.rglob("*.parquet"))
        tables = [pq.ParquetFile(file).read(columns=["complaint_id", "label"]) for file in files]
        if not sum(table.num_rows for table in tables):
            raise TrainingDataError(f"{folder} holds no labelled complaints ({len(files)} Parquet files)")
        rows = pa.concat_tables(tables)
        order = pc.sort_indices(rows, [("complaint_id", "ascending"), ("label", "ascending")])
        return cls(files, np.asarray(order).astype(np.int64), rows["label"].take(order).to_pylist())

    def chosen(self, rows: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> LabelledRows:
        """The rows with these numbers, or those that are true."""
        numbers = np.arange(len(self.labels))[rows]
        return LabelledRows(self.files, self.places[numbers], [self.labels[row] for row in numbers])

    def narratives(self) -> list[str]:
        """The narratives of the rows, in their order."""
        texts = [""] * len(self.places)
        for row, text in self._read():
            texts[row] = text
        return texts

    def digests(self) -> list[bytes]:
        """The digests of the narratives of the rows, in their order; the narratives are not kept."""
        found = [b""] * len(self.places)
        for row, text in self._read():
            found[row] = digest(text)
        return found

    def _read(self) -> Iterator[tuple[int, str]]:
        """The number of each row and its narrative, in the order of the files."""
        by_place = np.argsort(self.places)
        wanted, start = self.places[by_place], 0
        for file in self.files:
            for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=["narrative"]):
                first, last = np.searchsorted(wanted, (start, start + batch.num_rows))
                texts = batch["narrative"].take(pa.array(wanted[first:last] - start)).to_pylist()
                yield from zip(by_place[first:last].tolist(), texts, strict=True)
                start += batch.num_rows
