"""A bucket with a release, a model in service and one file to classify, and what a reader sees of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import boto3

from complaints.models import registry
from complaints.settings import load_settings
from complaints.tasks import classification
from laptop.report.collect import Results

BUCKET = load_settings().pipeline.storage.bucket
ARTIFACT = "models/versioned/v1/model.tar.gz"
MODEL = b"the bytes of a model"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Environment:
    """What the steps find in S3, through a client of whichever S3."""

    def __init__(self, s3: Any, classes: Iterable[str] = ("card", "mortgage"), model: bytes = MODEL) -> None:
        self.s3 = s3
        record = {"version": "v1", "model_name": "complaints-v1-abc", "artifact_uri": f"s3://{BUCKET}/{ARTIFACT}"}
        record |= {
            "run_id": "of v1",
            "release": "r0",
            "sha256": sha256(model),
            "evaluation": {"classes": list(classes)},
        }
        self.put("artifacts/latest.json", {"release": "r1"})
        self.put(ARTIFACT, model)
        self.put("models/versioned/v1/model.json", record)
        self.put("models/versioned/v1/claim.json", {"run_id": "of v1"})
        self.put(registry.LATEST, {"version": "v1", "previous": None})
        self.put("raw/a.csv", b"header\nrow\n")

    @classmethod
    def in_memory(cls, classes: Iterable[str] = ("card", "mortgage")) -> Environment:
        """In a new bucket of moto's, within `in_memory_aws`."""
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        return cls(s3, classes)

    def put(self, key: str, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)

    def put_folder(self, uri: str, folder: Path) -> None:
        """What a job left in a folder, as S3 would hold it."""
        for path in (path for path in folder.rglob("*") if path.is_file()):
            self.put(f"{key_of(uri)}{path.relative_to(folder).as_posix()}", path.read_bytes())

    def put_audited(self, plan: Mapping[str, Any], files: Mapping[str, bytes], **facts: Any) -> dict[str, Any]:
        """A candidate of files with one row each, and its account."""
        for name, content in files.items():
            self.put(f"{key_of(plan['candidate_uri'])}{name}", content)
        source = {"source": "raw/a.csv", "rows_in": len(files), "classified": len(files)}
        source |= dict.fromkeys(("without_narrative", "quarantined", "superseded"), 0)
        account = {"by_source": [source], "quarantined_by_reason": {}, "unmapped": 0, "scores": []}
        account["needs_review"] = {"no_evidence": 0, "little_evidence": 0, "low_confidence": 0}
        account["files"] = [
            {"name": name, "size": len(content), "rows": 1, "sha256": sha256(content)}
            for name, content in files.items()
        ]
        self.put(f"{key_of(plan['results_account_uri'])}part-0.txt", account | facts)
        return classification.results_add_up(plan)

    def get(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def keys(self, prefix: str = "") -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]

    def objects(self, prefix: str = "") -> dict[str, tuple[bytes, Any]]:
        """Content and time of each object: both change where it is written again."""
        answers = {key: self.s3.get_object(Bucket=BUCKET, Key=key) for key in self.keys(prefix)}
        return {key: (each["Body"].read(), each["LastModified"]) for key, each in answers.items()}

    def unpublish(self) -> None:
        """As if nothing had been published yet."""
        for prefix in ("results/", "manifests/run_id=", "ledger/"):
            for key in self.keys(prefix):
                self.s3.delete_object(Bucket=BUCKET, Key=key)

    def visible(self, folder: Path) -> list[bytes]:
        """The files that a reader gets; none where no manifest names any."""
        if not self.keys("manifests/run_id="):
            return []
        Results(self.s3, BUCKET).download_predictions(folder)
        return [path.read_bytes() for path in sorted(folder.iterdir())]


def key_of(uri: str) -> str:
    return uri.split("/", 3)[3]
