"""What would stop a deployment or its first run, asked before anything is created.

Each finding is a sentence with its remedy. `problem` stops the deployment; `warning` is what would stop a run later,
and what these credentials may not ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from complaints.runs.requests import image_uri
from complaints.settings import PipelineSettings, Settings, SettingsError
from deploy.deployment import Account
from deploy.environments import Environment

_USES = {
    "training job usage": ("training", "tuning"),
    "processing job usage": ("evaluation",),
    "transform job usage": ("transform",),
}


@dataclass(frozen=True)
class Finding:
    """A sentence about the account, and whether a deployment has to stop for it."""

    kind: Literal["problem", "warning"]
    sentence: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence}"


def preflight(environment: Environment, account: Account, expected_account: str = "") -> list[Finding]:
    """Everything that is found, problems first.

    `expected_account`: the account that the caller means; empty for whichever the credentials are for.
    """
    settings = environment.settings()
    checks = (_names, _image, _lambda, _quotas)
    found = list(_credentials(account, expected_account))
    for check in checks:
        found += _asked(check, environment, settings, account)
    return sorted(found, key=lambda each: each.kind)


def _asked(
    check: Callable[[Environment, PipelineSettings, Account], Iterator[Finding]],
    environment: Environment,
    settings: PipelineSettings,
    account: Account,
) -> list[Finding]:
    """What a check finds; a question that these credentials may not ask is a warning."""
    try:
        return list(check(environment, settings, account))
    except (ClientError, BotoCoreError) as error:
        subject = check.__name__.strip("_")
        return [Finding("warning", f"{subject}: could not be checked: {error}")]


def _credentials(account: Account, expected: str) -> Iterator[Finding]:
    if expected and expected != account.id:
        yield Finding("problem", f"the credentials are for account {account.id}, not {expected}: set AWS_PROFILE")


def _names(environment: Environment, _settings: PipelineSettings, account: Account) -> Iterator[Finding]:
    name = account.bucket_name(environment)
    try:
        account.clients["s3"].head_bucket(Bucket=name, ExpectedBucketOwner=account.id)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
            yield Finding(
                "problem",
                f"bucket {name} belongs to another account, or these credentials may not see it: rename "
                f"the environment, or add s3:ListBucket",
            )
    machines = account.clients["stepfunctions"].get_paginator("list_state_machines").paginate()
    there = [each["name"] for page in machines for each in page["stateMachines"]]
    stack = f"{environment.prefix}-pipeline"
    if "complaints_classification" in there and not _exists(account.clients["cloudformation"], stack):
        yield Finding(
            "problem",
            "the state machine complaints_classification exists and is not of this environment: an account "
            "and region has room for one environment; destroy the other one, or choose another region or account",
        )


def _image(_environment: Environment, settings: PipelineSettings, account: Account) -> Iterator[Finding]:
    try:
        uri = image_uri(Settings.model_construct(pipeline=settings))
    except SettingsError as error:
        yield Finding("problem", str(error))
        return
    registry, _, rest = uri.partition("/")
    repository, _, tag = rest.partition(":")
    answer = account.clients["ecr"].batch_get_image(
        registryId=registry.partition(".")[0], repositoryName=repository, imageIds=[{"imageTag": tag}]
    )
    if not answer.get("images"):
        yield Finding("problem", f"the image {uri} is not there: set sagemaker.image_tag to one that is")


def _lambda(_environment: Environment, _settings: PipelineSettings, account: Account) -> Iterator[Finding]:
    limit = account.clients["lambda"].get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    if limit < 101:
        yield Finding(
            "warning",
            f"Lambda runs at most {limit} functions at a time in this account, 100 of them unreserved: files that "
            "arrive at once may start too many executions; request 1,000 'Concurrent executions' in Service Quotas",
        )


def _quotas(_environment: Environment, settings: PipelineSettings, account: Account) -> Iterator[Finding]:
    pages = account.clients["service-quotas"].get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
    quotas = {each["QuotaName"]: each["Value"] for page in pages for each in page["Quotas"]}
    for use, parts in _USES.items():
        for instance, count in _needed(settings, parts).items():
            name = f"{instance} for {use}"
            if name not in quotas:
                yield Finding("warning", f"SageMaker has no quota {name!r} in {account.region}: is the type offered?")
            elif quotas[name] < count:
                yield Finding(
                    "warning",
                    f"the quota {name!r} is {quotas[name]:g}, and a run needs {count}: request it in "
                    "Service Quotas; until then these jobs fail with ResourceLimitExceeded",
                )


def _needed(settings: PipelineSettings, parts: tuple[str, ...]) -> Mapping[str, int]:
    needed: dict[str, int] = {}
    for part in parts:
        machines: Any = getattr(settings.sagemaker, part)
        needed[machines.instance_type] = max(needed.get(machines.instance_type, 0), machines.instance_count)
    return needed


def _exists(cloudformation: Any, stack: str) -> bool:
    try:
        cloudformation.describe_stacks(StackName=stack)
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    return True
