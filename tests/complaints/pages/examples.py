"""Documents as jobs leave them: a manifest and the record of a version."""

from __future__ import annotations

from typing import Any

from tests.complaints.example_evaluations import PASSED, evaluation


def manifest(run_id: str = "0123456789abcdef", **changed: Any) -> dict[str, Any]:
    """The manifest of a run whose account adds up."""
    return {
        "run_id": run_id,
        "flow": "classification",
        "release": "r1",
        "configuration": "c1",
        "model_version": "v1",
        "model_sha256": "0" * 64,
        "arrived_at": "2026-11-28T10:00:00+00:00",
        "inputs": [{"uri": "s3://bucket/raw/today.csv", "etag": "e", "size": 9, "last_modified": "2026-11-28"}],
        "account": {"rows_in": 1600, "classified": 1525, "without_narrative": 50, "quarantined": 15, "superseded": 10},
        "predicted_products": {"card": 1000, "mortgage": 525},
        "needs_review": {"low_confidence": 60, "no_known_word": 3},
        "scores": None,
        "unmapped": 0,
        "quarantined_by_reason": {"no complaint id": 15},
        "unreadable_files": [],
        "results": [{"key": f"results/{run_id}-00000-aa.parquet", "size": 9, "rows": 1525, "sha256": "0" * 64}],
        **changed,
    }


def record(version: str = "v1", **changed: Any) -> dict[str, Any]:
    """The record of a version that passed the gate."""
    return {
        "version": version,
        "run_id": f"{int(version[1:]):016x}",
        "created_at": "2026-11-27T10:00:00+00:00",
        "release": "r1",
        "training_job_name": "complaints-train-1",
        "tuning_job_name": None,
        "refit_job_name": None,
        "hyperparameters": {"C": 1.0},
        "artifact_uri": f"s3://bucket/models/versioned/{version}/model.tar.gz",
        "sha256": "0" * 64,
        "evaluation": evaluation(),
        "verdict": dict(PASSED),
        "in_service": None,
        "refitted": False,
        **changed,
    }


def pointer(version: str = "v1", **changed: Any) -> dict[str, Any]:
    """The pointer to the version in service."""
    return {
        "version": version,
        "previous": None,
        "earlier": [],
        "by": "jane.doe",
        "at": "2026-11-28T09:00:00+00:00",
        "reason": "it is better",
        "forced": False,
        "number": 1,
        **changed,
    }
