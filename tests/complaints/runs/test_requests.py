"""What the flows send is what AWS's own model of its API accepts."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from complaints.runs import requests
from tests.complaints.example_requests import CLASSIFICATION, GUARDED, REQUESTS, SETTINGS, SHADOWED, sagemaker_requests


@pytest.mark.parametrize(("service", "operation", "request_"), REQUESTS)
def test_the_request_is_accepted_by_the_service_model(service: str, operation: str, request_: dict[str, Any]) -> None:
    model = botocore.session.Session().get_service_model(service).operation_model(operation)
    report = ParamValidator().validate(request_, model.input_shape)
    assert not report.has_errors(), report.generate_report()


@pytest.mark.parametrize(("service", "operation", "request_"), REQUESTS)
def test_every_name_fits_the_length_and_the_letters_that_aws_allows(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    for key, value in request_.items():
        if service == "sagemaker" and key.endswith("Name") and isinstance(value, str):
            assert len(value) <= 63 - len("-1700000000"), f"{key}: no room for the operator's suffix: {value}"
            assert re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", value), f"{key}: {value}"


def members(request: Any, name: str) -> list[Any]:
    """The values of a member, however deep in a request."""
    if isinstance(request, dict):
        return [each for key, value in request.items() for each in ([value] if key == name else members(value, name))]
    return [each for value in request for each in members(value, name)] if isinstance(request, list) else []


@pytest.mark.parametrize(("service", "operation", "request_"), sagemaker_requests(GUARDED))
def test_everything_that_sagemaker_starts_has_the_key_the_network_and_the_tags_of_the_settings(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    assert request_["Tags"] == [{"Key": "cost", "Value": "42"}, {"Key": "team", "Value": "ml"}]
    key = GUARDED.pipeline.security.kms_key_arn
    if operation != "CreateModel":
        assert members(request_, "KmsKeyId") == members(request_, "VolumeKmsKeyId") == [key]
    # A transform runs in the network of its model.
    if operation != "CreateTransformJob":
        assert members(request_, "VpcConfig") == [{"Subnets": ["subnet-0a1b"], "SecurityGroupIds": ["sg-0a1b"]}]


@pytest.mark.parametrize(("service", "operation", "request_"), sagemaker_requests(SETTINGS))
def test_a_request_says_nothing_of_what_is_not_set(service: str, operation: str, request_: dict[str, Any]) -> None:
    for name in ("Tags", "KmsKeyId", "VolumeKmsKeyId", "VpcConfig", "NetworkConfig"):
        assert members(request_, name) == [], name


def test_a_transform_is_asked_for_evidence_only_where_it_is_published() -> None:
    results = SETTINGS.pipeline.results
    explaining = SETTINGS.pipeline.model_copy(
        update={"results": results.model_copy(update={"columns": (*results.columns, "evidence")})}
    )
    asked = requests.transform_job(CLASSIFICATION, SETTINGS.model_copy(update={"pipeline": explaining}))
    silent = requests.transform_job(CLASSIFICATION, SETTINGS)
    assert asked == silent | {"Environment": {"EVIDENCE": "true"}}
    shadow = requests.shadow_job(SHADOWED, SETTINGS.model_copy(update={"pipeline": explaining}))
    assert shadow == requests.shadow_job(SHADOWED, SETTINGS)
