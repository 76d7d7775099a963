"""What the processing job of an evaluation finds in its folders, and what it leaves."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import evaluate
import pyarrow as pa
import pyarrow.parquet as pq

SERVING = Path(__file__).parents[2] / "include" / "inference"
INPUTS = ("model", "train", "held-out", "in-service-model", "in-service-train")
SCHEMA = pa.schema(
    {name: pa.string() for name in ("complaint_id", "narrative", "label", "company")} | {"received_on": pa.date32()}
)


class Processing:
    """The folders of one job: a model and rows in, the evaluation out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in INPUTS:
            (folder / name).mkdir(parents=True, exist_ok=True)

    def put_model(self, name: str, archive: bytes | Path) -> str:
        """Puts an archive, or a packed folder, as `model` or `in-service-model`; its SHA-256."""
        content = packed(archive) if isinstance(archive, Path) else archive
        (self.folder / name / "model.tar.gz").write_bytes(content)
        return hashlib.sha256(content).hexdigest()

    def put_rows(self, slice_: str, rows: Sequence[tuple[str, str]], parts: int = 1, **columns: Sequence[Any]) -> None:
        """Puts narratives and labels as a held-out slice; ids count up within it, or are among `columns`."""
        self._write(self.folder / "held-out" / f"fate={slice_}", slice_, rows, parts, columns)

    def put_trained(self, name: str, rows: Sequence[tuple[str, str]], **columns: Sequence[Any]) -> None:
        """Puts the rows that a model was trained on: `train` or `in-service-train`."""
        self._write(self.folder / name / "fate=train", name, rows, 1, columns)

    def _write(
        self, folder: Path, name: str, rows: Sequence[tuple[str, str]], parts: int, columns: dict[str, Sequence[Any]]
    ) -> None:
        folder.mkdir(parents=True)
        ids = [f"{name}-{number:06}" for number in range(len(rows))]
        whole = {"complaint_id": ids, "narrative": [text for text, _ in rows], "label": [label for _, label in rows]}
        whole |= dict.fromkeys(("company", "received_on"), [None] * len(rows)) | columns
        for part in range(parts):
            schema = SCHEMA.append(pa.field("issue", pa.string())) if "issue" in columns else SCHEMA
            table = pa.table({key: values[part::parts] for key, values in whole.items()}, schema)
            pq.write_table(table, folder / f"part-{part}.parquet")

    def evaluate(self, **changed: str) -> dict[str, Any]:
        """Runs the script; its document. No model is in service, unless `in_service` and its like say otherwise."""
        facts = {"run_id": "a-run", "in_service": "none", "in_service_sha256": "none", "in_service_run_id": "none"}
        facts |= {"false_alarms": "0.01"}
        folders = {name: self.folder / name for name in (*INPUTS, "output")}
        code = {"code": SERVING, "in-service-code": SERVING}
        given = {name.replace("_", "-"): value for name, value in (facts | changed).items()}
        arguments: dict[str, Any] = folders | code | given
        evaluate.main([str(part) for name, value in arguments.items() for part in (f"--{name}", value)])
        document: dict[str, Any] = json.loads((self.folder / "output" / "evaluation.json").read_text())
        return document


def packed(folder: Path) -> bytes:
    """A model.tar.gz of a folder's files."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            archive.add(path, path.name)
    return content.getvalue()
