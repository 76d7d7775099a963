"""An evaluation as the processing job writes it, and the decision about it, for what comes after."""

from __future__ import annotations

from typing import Any

from complaints.models.gate import Decision

PASSED: Decision = {"verdict": "PROMOTE", "reasons": ["it is the first model"], "gate": {}, "refit": False}


def scores(recall: float = 0.9, support: int = 100, width: float = 0.05, classes: int = 2) -> dict[str, Any]:
    """The metrics of a slice whose classes have all the same scores."""
    interval = [max(0.0, recall - width), min(1.0, recall + width)]
    one = {"precision": recall, "recall": recall, "f1": recall, "support": support}
    one["intervals"] = dict.fromkeys(("precision", "recall", "f1"), interval)
    return {
        "n": support * classes,
        "accuracy": recall,
        "macro_f1": recall,
        "majority_accuracy": 0.5,
        "intervals": dict.fromkeys(("accuracy", "macro_f1"), interval),
        "expected_calibration_error": 0.02,
        "calibration": {"by_chance": 0.05, "bins": []},
        "per_class": {name: dict(one) for name in ("card", "mortgage", "vehicle_loan")[:classes]},
    }


def evaluation(run_id: str = "a-run", sha256: str = "0" * 64, **changed: Any) -> dict[str, Any]:
    """The evaluation of a first model."""
    return {
        "run_id": run_id,
        "model_sha256": sha256,
        "content_sha256": f"content of {sha256}",
        "classes": ["card", "mortgage"],
        "slices": {"test": scores()},
        "overall": scores(),
        "leak": {"rows": 0, "complaint_ids": []},
        "in_service": None,
        "comparison": None,
        **changed,
    }


def difference(estimate: float, width: float = 0.005) -> dict[str, float]:
    """A paired difference with its interval."""
    return {"estimate": estimate, "low": estimate - width, "high": estimate + width}


def beside(
    version: str = "v1", macro_f1: float = 0.0, width: float = 0.005, recalls: dict[str, dict[str, float]] | None = None
) -> dict[str, Any]:
    """What an evaluation has more of where a model is in service."""
    one = {
        "n": 200,
        "seen_by_in_service": 0,
        "agreement": 0.9,
        "differ": 20,
        "challenger_right": 8,
        "in_service_right": 8,
        "both_wrong": 4,
        "accuracy_difference": difference(macro_f1, width),
        "macro_f1_difference": difference(macro_f1, width),
        "per_class": {name: {"recall_difference": found, "support": 100} for name, found in (recalls or {}).items()},
    }
    facts = {"version": version, "sha256": "1" * 64, "content_sha256": "of v1", "classes": ["card", "mortgage"]}
    return {
        "in_service": facts | {"slices": {"test": scores()}, "overall": scores()},
        "comparison": {"test": one, "newest": one, "overall": one},
    }
