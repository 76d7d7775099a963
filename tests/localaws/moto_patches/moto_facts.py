"""What the contract tests ask unpatched moto: signatures, and the answers of its server."""

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter
from typing import Any

import boto3
from botocore.config import Config
from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.test import Client

ROLE = "arn:aws:iam::123456789012:role/any"


def parameters(module: str, path: str) -> list[str]:
    """The names of a function's parameters."""
    return list(inspect.signature(attrgetter(path)(import_module(module))).parameters)


@contextmanager
def moto_clients(*services: str, **settings: Any) -> Iterator[list[Any]]:
    """boto3 clients of an empty moto."""
    with mock_aws(**settings):
        config = Config(parameter_validation=False)
        yield [boto3.client(service, region_name="us-east-1", config=config) for service in services]


def s3_answer(method: str, path: str, headers: dict[str, str] | None = None, data: bytes = b"") -> tuple[int, str]:
    """Status and body of moto's server, in this process and beside `moto_clients`."""
    client = Client(DomainDispatcherApplication(create_backend_app))
    scope = "Credential=AKIAEXAMPLEEXAMPLE00/20260101/us-east-1/s3/aws4_request"
    signed = {"Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=s", **(headers or {})}
    answer = client.open(path, method=method, headers=signed, data=data)
    return answer.status_code, answer.get_data(as_text=True)


def executed(states: dict[str, Any], start: str = "Only") -> dict[str, Any]:
    """DescribeExecution of a state machine that moto's interpreter ran to its end."""
    import time

    with moto_clients("stepfunctions", config={"stepfunctions": {"execute_state_machine": True}}) as (machines,):
        definition = json.dumps({"StartAt": start, "States": states})
        machine = machines.create_state_machine(name="m", definition=definition, roleArn=ROLE)
        named = machines.start_execution(stateMachineArn=machine["stateMachineArn"], name="e", input="{}")
        deadline = time.monotonic() + 30
        while True:
            described: dict[str, Any] = machines.describe_execution(executionArn=named["executionArn"])
            if described["status"] != "RUNNING" or time.monotonic() > deadline:
                return {name: value for name, value in described.items() if isinstance(value, str)}
            time.sleep(0.05)
