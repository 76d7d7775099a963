"""The requests of the flows, in the AWS API's own words, a module for each kind of job.

Each function returns what an operator sends: `Arguments` of StartJobRun, or the body of a Create…Job. Values that are
known only at run time come from the run's plan.
"""

from complaints.runs.requests.glue import (
    audit_results_arguments,
    compare_exports_arguments,
    fetch_export_arguments,
    prepare_complaints_arguments,
    prepare_history_arguments,
)
from complaints.runs.requests.machines import image_uri
from complaints.runs.requests.processing import evaluation_job, monitoring_job
from complaints.runs.requests.training import refit_job, training_job, tuning_job
from complaints.runs.requests.transform import model, shadow_job, transform_job

__all__ = [
    "audit_results_arguments",
    "compare_exports_arguments",
    "evaluation_job",
    "fetch_export_arguments",
    "image_uri",
    "model",
    "monitoring_job",
    "prepare_complaints_arguments",
    "prepare_history_arguments",
    "refit_job",
    "shadow_job",
    "training_job",
    "transform_job",
    "tuning_job",
]
