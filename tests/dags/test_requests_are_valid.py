"""What the flows send is what AWS's own model of its API accepts."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from complaints.aws.objects import ObjectVersion
from complaints.runs import plans, requests
from complaints.settings import load_settings

SETTINGS = load_settings()
INPUTS = [ObjectVersion("raw/a.csv", "0" * 32, 10, "2026-01-01T00:00:00+00:00")]
MODEL = {"version": "v3", "model_name": "complaints-v3-0123456789abcdef", "sha256": "0" * 64} | {
    "evaluation": {"classes": ["card", "mortgage"]}
}
CLASSIFICATION = plans.classification_plan(INPUTS, source="raw/", release="r" * 12, model=MODEL, settings=SETTINGS)
TRAINING = plans.training_plan(INPUTS, source="history/", release="r" * 12, settings=SETTINGS)
TRAINED: plans.TrainedModel = {
    "model_uri": "s3://bucket/model.tar.gz",
    "training_job_name": "complaints-train-0",
    "sha256": "0" * 64,
}

REQUESTS = [
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.prepare_history_arguments(TRAINING)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.prepare_complaints_arguments(CLASSIFICATION)}),
    ("glue", "StartJobRun", {"JobName": "j", "Arguments": requests.audit_results_arguments(CLASSIFICATION)}),
    ("sagemaker", "CreateTrainingJob", requests.training_job(TRAINING, SETTINGS)),
    ("sagemaker", "CreateProcessingJob", requests.evaluation_job(TRAINING, TRAINED, SETTINGS)),
    ("sagemaker", "CreateTransformJob", requests.transform_job(CLASSIFICATION, SETTINGS)),
    ("sagemaker", "CreateModel", requests.model("m", model_uri="s3://b/m", code_uri="s3://b/c", settings=SETTINGS)),
]


@pytest.mark.parametrize(("service", "operation", "request_"), REQUESTS)
def test_the_request_is_accepted_by_the_service_model(service: str, operation: str, request_: dict[str, Any]) -> None:
    model = botocore.session.Session().get_service_model(service).operation_model(operation)
    report = ParamValidator().validate(request_, model.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(("service", "operation", "request_"), REQUESTS)
def test_every_name_fits_the_length_and_the_letters_that_aws_allows(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    import re

    for key, value in request_.items():
        if service == "sagemaker" and key.endswith("Name") and isinstance(value, str):
            assert len(value) <= 63 - len("-1700000000"), f"{key}: no room for the operator's suffix: {value}"
            assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", value), f"{key}: {value}"


def test_the_operators_send_what_the_functions_return(dags: dict[str, Any]) -> None:
    """The config of each operator has the keys of the function's request: nothing is added in the DAG file."""
    training, classification = dags["complaints_training"], dags["complaints_classification"]
    assert set(training.get_task("train_model").config) == set(REQUESTS[3][2])
    assert set(training.get_task("evaluate_model").config) == set(REQUESTS[4][2])
    assert set(classification.get_task("classify_complaints").config) == set(REQUESTS[5][2])
    assert set(training.get_task("prepare_history").script_args) == set(REQUESTS[0][2]["Arguments"])
