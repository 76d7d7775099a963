"""`make results`: where the results of a run are, its counts, and the complaints that the model is least sure of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from complaints.pages.formatting import count, largest_first, part
from laptop.inputs import InputError
from laptop.report import run_folder
from laptop.terminal import write

LEAST_CERTAIN = 100
_READ = ("complaint_id", "predicted_product", "confidence", "review_reason")


def results(folders: list[Path], run_id: str = "") -> None:
    """Prints the newest run that is kept below one of `folders`, or the one of `run_id`.

    Raises:
        InputError: there is no such run; the message names those that there are.
    """
    found = sorted(_runs(folders), key=lambda each: (each / "summary.json").stat().st_mtime, reverse=True)
    for folder in found:
        document = run_folder.read(folder)
        if not run_id or _run_id(document) == run_id:
            for line in lines(folder, document):
                write(line)
            return
    known = ", ".join(dict.fromkeys(_run_id(run_folder.read(folder)) for folder in found))
    if run_id and known:
        raise InputError(f"there is no classification run {run_id!r}; there are, newest first: {known}")
    raise InputError("there are no results yet: make run, or classify something with make up")


def lines(folder: Path, document: Mapping[str, Any]) -> Iterator[str]:
    """What is printed of one run, in lines."""
    classification, places = part(document, "classification"), part(document, "results")
    rows = least_certain(Path(places["predictions"]), _run_id(document))
    yield f"run {_run_id(document)}, model {part(document, 'model').get('version')}, in {folder}/"
    for name, place in places.items():
        yield f"  {name:<12} {place}"
    yield ""
    yield f"{count(classification['rows_in'])} rows in"
    for name, number in part(classification, "account").items():
        yield f"  {number:>9,}  {name.replace('_', ' ')}"
    yield "predicted products"
    for name, number in largest_first(part(classification, "predicted_products")):
        yield f"  {number:>9,}  {name}"
    yield "to review"
    for name, number in part(classification, "needs_review").items():
        yield f"  {number:>9,}  {name.replace('_', ' ')}"
    yield ""
    yield f"the {len(rows)} complaints of which the model is least certain"
    for row in rows:
        reason = f"  {row['review_reason']}" if row["review_reason"] else ""
        yield f"  {row['confidence']:.3f}  {row['complaint_id']}  {row['predicted_product']}{reason}"


def least_certain(predictions: Path, run_id: str) -> list[dict[str, Any]]:
    """The predictions of a run with the lowest confidence, at most a hundred, the least certain first."""
    rows: list[dict[str, Any]] = []
    for file in sorted(predictions.glob(f"{run_id}-*.parquet")):
        rows += pq.ParquetFile(file).read(columns=list(_READ)).to_pylist()
        rows = sorted(rows, key=lambda row: (row["confidence"], row["complaint_id"]))[:LEAST_CERTAIN]
    return rows


def _runs(folders: list[Path]) -> Iterator[Path]:
    """The folders of classifications, however old, at and below each folder."""
    for folder in folders:
        for each in (folder, *folder.glob(f"{run_folder.EARLIER}/*"), *folder.glob("runs/*")):
            if _run_id(run_folder.read(each)):
                yield each


def _run_id(document: Mapping[str, Any]) -> str:
    return str(part(document, "classification").get("run_id", ""))
