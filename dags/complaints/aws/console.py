"""Links to AWS's console, for what AWS itself serves: behind any other endpoint there is no console to link to."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3

_OF_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
_DOMAINS = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


def execution_url(execution_arn: str) -> str:
    """The page of an execution, with its steps, their input and output, and links to their logs; empty without one."""
    region = execution_arn.split(":")[3]
    client = boto3.client("stepfunctions", region_name=region)
    if not is_aws(client):
        return ""
    return f"https://{_host(client)}/states/home?region={region}#/v2/executions/details/{execution_arn}"


def object_url(s3: Any, bucket: str, key: str) -> str:
    """The page of an object of S3; empty without one."""
    region = s3.meta.region_name
    if not is_aws(s3):
        return ""
    return f"https://{_host(s3)}/s3/object/{bucket}?region={region}&prefix={key}"


def _host(client: Any) -> str:
    """The console's host in the client's region, by its partition."""
    return f"{client.meta.region_name}.{_DOMAINS.get(client.meta.partition, 'console.aws.amazon.com')}"


def is_aws(client: Any) -> bool:
    """True if the client's requests go to AWS, over the internet or through a VPC endpoint."""
    return (urlsplit(client.meta.endpoint_url).hostname or "").endswith(_OF_AWS)
