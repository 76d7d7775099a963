"""The plan of a run: every name and URI that it will use, computed once from its inputs.

The same inputs give the same plan, so that a retry finds the jobs that it started and a re-run overwrites its own
prefix only. Nothing here touches S3.
"""

from complaints.runs.plans.classification import ClassificationPlan, classification_plan
from complaints.runs.plans.common import Plan, PlanError, checked_name, plan_document, run_id
from complaints.runs.plans.training import NONE, TrainedModel, TrainingPlan, train_uri, training_plan

__all__ = [
    "NONE",
    "ClassificationPlan",
    "Plan",
    "PlanError",
    "TrainedModel",
    "TrainingPlan",
    "checked_name",
    "classification_plan",
    "plan_document",
    "run_id",
    "train_uri",
    "training_plan",
]
