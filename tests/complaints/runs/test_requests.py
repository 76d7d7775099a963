"""What the flows send is what AWS's own model of its API accepts."""

from __future__ import annotations

import re
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from tests.complaints.example_requests import REQUESTS


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
