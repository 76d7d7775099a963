"""Reads the complaints that a model was trained on, and those that were kept from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from slices import Flags, Rows

_COLUMNS = ["complaint_id", "received_on", "company", "narrative", "label"]


class Seen(NamedTuple):
    """The complaints that a model was trained on: their ids and the digests of their narratives."""

    complaint_ids: frozenset[str]
    groups: frozenset[bytes]

    def among(self, rows: Rows) -> Flags:
        """True for each row whose complaint or narrative the model has seen."""
        pairs = zip(rows.complaint_ids, rows.groups, strict=True)
        return np.array([key in self.complaint_ids or group in self.groups for key, group in pairs], dtype=np.bool_)


def slices_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """The name and the folder of each slice: `fate=test` and `fate=newest`."""
    for path in sorted(folder.glob("fate=*")):
        yield path.name.removeprefix("fate="), path


def read_slice(folder: Path, records: Path) -> Rows:
    """The rows of one slice, in the order of their ids. Their narratives are appended to `records`, for the models.

    Whatever needs the text is derived from it here: no narrative goes any further.
    """
    files = [pq.ParquetFile(file) for file in sorted(folder.rglob("*.parquet"))]
    # Only where the second question is asked; the issue depends on the product, which is known of these complaints.
    asks_issues = bool(files) and all("issue" in file.schema_arrow.names for file in files)
    tables = (file.read(columns=[*_COLUMNS, *(["issue"] if asks_issues else [])]) for file in files)
    rows = sorted((row for table in tables for row in table.to_pylist()), key=lambda row: str(row["complaint_id"]))
    with records.open("a", encoding="utf-8") as out:
        for row in rows:
            record = {"complaint_id": row["complaint_id"], "narrative": row["narrative"]}
            out.write(json.dumps(record | ({"product": row["label"]} if asks_issues else {})) + "\n")
    return Rows(
        [row["complaint_id"] for row in rows],
        [str(row["received_on"] or "")[:7] for row in rows],
        [row["company"] or "" for row in rows],
        [row["label"] for row in rows],
        [digest(row["narrative"]) for row in rows],
        [row.get("issue") for row in rows],
    )


def read_seen(folder: Path) -> Seen:
    """The complaints below a folder of training rows."""
    ids: set[str] = set()
    groups: set[bytes] = set()
    for file in sorted(folder.rglob("*.parquet")):
        for batch in pq.ParquetFile(file).iter_batches(columns=["complaint_id", "narrative"]):
            ids.update(batch["complaint_id"].to_pylist())
            groups.update(digest(text) for text in batch["narrative"].to_pylist())
    return Seen(frozenset(ids), frozenset(groups))


def digest(narrative: str) -> bytes:
    """Equal for narratives that differ in the case and the white space of ASCII only.

    No more than that: the split of the history ignores more of it, so two narratives that are equal here must be on one
    side, by any reading of Unicode.
    """
    plain = b" ".join(narrative.encode("utf-8", "surrogatepass").lower().split())
    return blake2b(plain, digest_size=16).digest()
