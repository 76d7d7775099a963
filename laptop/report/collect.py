"""Reads the published results of a run from S3: the predictions, and the content of the summary."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.monitoring.plans import PREFIX, decision_key
from complaints.runs import results
from complaints.runs.costs import RECORDS
from complaints.runs.metrics import confidence_histogram, predicted_products, slice_of

_TRAINING = ("train", "test", "newest", "without_narrative", "unmapped", "quarantined", "superseded")
_FIGURES = ("n", "sufficient", "estimated_accuracy", "baseline_accuracy", "delayed_accuracy", "signals", "violations")
_CLASSIFICATION = ("classified", "without_narrative", "quarantined", "superseded")


class Results:
    """The results in a bucket, read as any consumer reads them: from the manifest and the model's record."""

    def __init__(self, s3: Any, bucket: str, run_id: str = "") -> None:
        """The results of the run `run_id`, or of the only run if none is given."""
        self._s3 = s3
        self._bucket = bucket
        self._run_id = run_id

    def summary(self) -> dict[str, Any]:
        """The release, and the sections `training`, `model`, `classification` and `monitoring` of the summary."""
        manifest = self._manifest()
        model = self.of_model(manifest["model_version"])
        return {
            **model,
            "release": manifest["release"],
            "classification": self._classification(manifest),
            "monitoring": self._monitoring(manifest["run_id"]),
        }

    def of_model(self, version: str) -> dict[str, Any]:
        """The release, and the sections `training` and `model`, of a version of the model."""
        model = self._json(f"models/versioned/{version}/model.json")
        return {
            "release": model["release"],
            "training": self._training(model["run_id"]),
            "model": {
                "version": version,
                "classes": model["evaluation"]["classes"],
                "evaluation": {name: model["evaluation"]["slices"].get(name) for name in ("test", "newest")},
                # A version of before the gate has none.
                **{name: model.get(name) for name in ("verdict", "in_service", "refitted")},
            },
        }

    def download_predictions(self, folder: Path) -> None:
        """Downloads the Parquet files that the manifest names into `folder`.

        Raises:
            ChangedResultError: a file was changed after it was published.
        """
        folder.mkdir(parents=True, exist_ok=bool(self._run_id))
        results.download(Bucket(self._s3, self._bucket), self._run(), folder)

    def locations(self) -> dict[str, str]:
        """The S3 URIs of the results and of the manifest."""
        run_id = self._manifest()["run_id"]
        bucket = f"s3://{self._bucket}"
        return {
            "s3": f"{bucket}/results/{run_id}-*.parquet",
            "manifest": f"{bucket}/manifests/run_id={run_id}.json",
        }

    def _training(self, run_id: str) -> dict[str, Any]:
        account = self._document(f"processed/run_id={run_id}/account/")
        return {
            "inputs": [each["source"] for each in account["by_source"]],
            "rows_in": _total(account, "rows_in"),
            "account": {fate: _total(account, fate) for fate in _TRAINING},
            "unreadable_files": account.get("unreadable_files", []),
        }

    def _classification(self, manifest: dict[str, Any]) -> dict[str, Any]:
        account = self._document(f"processed/run_id={manifest['run_id']}/results_account/")
        counts = account["scores"]
        return {
            "run_id": manifest["run_id"],
            "inputs": [each["uri"].split("/", 3)[3] for each in manifest["inputs"]],
            "rows_in": manifest["account"]["rows_in"],
            "account": {fate: manifest["account"][fate] for fate in _CLASSIFICATION},
            "unmapped": manifest["unmapped"],
            "needs_review": manifest["needs_review"],
            "quarantined_by_reason": manifest["quarantined_by_reason"],
            "unreadable_files": manifest.get("unreadable_files", []),
            "by_source": [{**each, "source": each["source"].split("/", 3)[3]} for each in account["by_source"]],
            "predicted_products": predicted_products(counts),
            "confidence": confidence_histogram(counts),
            "labelled": slice_of(counts),
            "cost": Bucket(self._s3, self._bucket).read_json(f"{RECORDS}run_id={manifest['run_id']}.json"),
        }

    def _monitoring(self, run_id: str) -> dict[str, Any]:
        """The decision about the run and its figures; empty if nothing is decided yet."""
        bucket = Bucket(self._s3, self._bucket)
        decision = bucket.read_json(decision_key(run_id)) or {}
        assessment = bucket.read_json(f"{PREFIX}run_id={run_id}/monitoring.json") or {}
        decided = {name: decision[name] for name in ("action", "rule", "reasons", "retraining") if name in decision}
        figures = {name: assessment[name] for name in _FIGURES if name in assessment}
        return {**decided, **figures} if decided else {}

    def _manifest(self) -> dict[str, Any]:
        return self._run().manifest

    def _run(self) -> results.PublishedRun:
        bucket = Bucket(self._s3, self._bucket)
        if self._run_id:
            return results.published_run(bucket, self._run_id)
        found = list(results.published_runs(bucket))
        if len(found) != 1:
            raise ValueError(f"expected one published run, found {len(found)}: {[each.run_id for each in found]}")
        return found[0]

    def _document(self, folder: str) -> dict[str, Any]:
        return self._json(self._keys(folder)[0])

    def _keys(self, prefix: str) -> list[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        found = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        # Spark's S3A leaves a directory marker, an empty object whose key ends so.
        return [key for key in found if not key.endswith("/")]

    def _json(self, key: str) -> dict[str, Any]:
        body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        document: dict[str, Any] = json.loads(body)
        return document


def _total(account: dict[str, Any], name: str) -> int:
    return sum(int(source[name]) for source in account["by_source"])
