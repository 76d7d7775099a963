"""What would stop a deployment or its first run, asked before anything is created.

Each finding is a sentence with its remedy. `problem` stops the deployment; `warning` is what would stop a run later,
and what these credentials may not ask.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.exceptions import BotoCoreError, ClientError

from complaints.runs.requests import image_uri
from complaints.settings import PipelineSettings, Settings, SettingsError
from deploy.deployment import Account
from deploy.environments import PROJECT, Environment
from deploy.infrastructure import STACKS
from deploy.permissions import missing

_USES = {
    "training job usage": ("training", "tuning"),
    "processing job usage": ("evaluation", "monitoring"),
    "transform job usage": ("transform",),
}
_STACK = re.compile(rf"{PROJECT}-(.+)-({'|'.join(STACKS)})")
_IN_REVIEW = "REVIEW_IN_PROGRESS"


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
    checks = (_names, _permissions, _image, _lambda, _quotas)
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
    stacks = account.clients["cloudformation"].get_paginator("describe_stacks").paginate()
    # A stack in review has no resource: its creation was declined.
    there = [each["StackName"] for page in stacks for each in page["Stacks"] if each["StackStatus"] != _IN_REVIEW]
    ours = sorted((of[1], of[2]) for name in there if (of := _STACK.fullmatch(name)))
    others = {of: stack for of, stack in reversed(ours) if of != environment.name}
    yield from (_another(environment, account, *each) for each in others.items())
    machines = account.clients["stepfunctions"].get_paginator("list_state_machines").paginate()
    names = [each["name"] for page in machines for each in page["stateMachines"]]
    if "complaints_classification" in names and "pipeline" not in (stack for _, stack in ours):
        yield Finding(
            "problem",
            "the state machine complaints_classification exists, and no stack of this project has made it: delete it, "
            "or choose another region or account",
        )


def _another(environment: Environment, account: Account, other: str, stack: str) -> Finding:
    """Their state machines and metrics have the same names, and for the same file so have their SageMaker jobs."""
    return Finding(
        "problem",
        f"the environment {other} is in account {account.id}, {account.region} (stack {PROJECT}-{other}-{stack}), "
        "which has room for one, since state machines and jobs would have the same names: choose another region or "
        f"account for {environment.name}, or `make destroy ENV={other}`",
    )


def _permissions(environment: Environment, _settings: PipelineSettings, account: Account) -> Iterator[Finding]:
    caller = account.clients["sts"].get_caller_identity()["Arn"]
    if lacking := missing(account.clients["iam"], caller, mwaa="mwaa" in environment.optional_stacks):
        yield Finding(
            "warning",
            f"by IAM's policy simulator, {caller} may not do everywhere: {', '.join(lacking)}; a stack that needs it "
            "fails and is rolled back",
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
