"""What a deployment needs and its credentials lack, as IAM's policy simulator sees it.

The simulator is asked for all resources, so it also names what a policy allows for some resources only; and it knows
neither boundaries of an organisation nor of a session. Hence its answers are warnings.
"""

from __future__ import annotations

from typing import Any

# What the stacks' resources are made by; CloudFormation calls these with the credentials of whoever deploys.
ACTIONS = (
    "athena:CreateWorkGroup",
    "cloudformation:CreateChangeSet",
    "cloudformation:ExecuteChangeSet",
    "cloudwatch:PutDashboard",
    "cloudwatch:PutMetricAlarm",
    "events:PutRule",
    "events:PutTargets",
    "glue:CreateDatabase",
    "glue:CreateJob",
    "glue:CreateTable",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "lambda:AddPermission",
    "lambda:CreateFunction",
    "lambda:PublishLayerVersion",
    "logs:CreateLogGroup",
    "logs:PutRetentionPolicy",
    "s3:CreateBucket",
    "s3:PutBucketPolicy",
    "s3:PutObject",
    "sagemaker:CreateModelPackageGroup",
    "sns:CreateTopic",
    "sqs:CreateQueue",
    "states:CreateStateMachine",
)
OF_MWAA = ("airflow:CreateEnvironment", "ec2:CreateSubnet", "ec2:CreateVpc", "ec2:CreateVpcEndpoint")


def principal(iam: Any, caller: str) -> str | None:
    """The ARN of the user or role behind that of a caller; None for one that has no policies to simulate, as root."""
    service, kind = caller.split(":")[2], caller.split(":")[5].split("/", maxsplit=1)[0]
    if (service, kind) == ("iam", "user"):
        return caller
    if (service, kind) == ("sts", "assumed-role"):
        # The role may have a path, which the session's ARN does not have.
        found: str = iam.get_role(RoleName=caller.split("/")[1])["Role"]["Arn"]
        return found
    return None


def missing(iam: Any, caller: str, *, mwaa: bool) -> list[str]:
    """The actions of a deployment that the caller's policies do not allow."""
    source = principal(iam, caller)
    if source is None:
        return []
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=source, ActionNames=[*ACTIONS, *(OF_MWAA if mwaa else ())]
    )
    results = [each for page in pages for each in page["EvaluationResults"]]
    return [each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"]
