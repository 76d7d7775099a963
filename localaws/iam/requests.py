"""What IAM is asked about a call: its actions, each with a resource and condition keys.

The names of actions and resources are IAM's: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from localaws.iam.evaluation import Request
from localaws.server.calls import Call
from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json

# S3's operations whose action has another name.
S3_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "UploadPart": "PutObject",
}
OF_BUCKETS = ("ListBucket", "ListBucketVersions", "ListBucketMultipartUploads", "GetBucketLocation")
ACTIONS = {("lambda", "Invoke"): "InvokeFunction"}
PREFIXES = {"monitoring": "cloudwatch"}
# The part of a SageMaker operation's name that names its resource, and the kind and the parameter of that.
SAGEMAKER = {
    "HyperParameterTuningJob": ("hyper-parameter-tuning-job", "hyperParameterTuningJobName"),
    "ProcessingJob": ("processing-job", "processingJobName"),
    "TrainingJob": ("training-job", "trainingJobName"),
    "TransformJob": ("transform-job", "transformJobName"),
    "ModelPackageGroup": ("model-package-group", "modelPackageGroupName"),
    "ModelPackage": ("model-package", "modelPackageName"),
    "Model": ("model", "modelName"),
}
# The parameter of a service's call that names its resource, and the resource's ARN.
RESOURCES = (
    ("glue", "jobName", "{at}job/{name}"),
    ("states", "stateMachineArn", "{name}"),
    ("states", "executionArn", "{name}"),
    ("sns", "topicArn", "{name}"),
    ("sqs", "queueUrl", "{at}{last}"),
    ("lambda", "functionName", "{at}function:{last}"),
    ("logs", "logGroupName", "{at}log-group:{name}:*"),
)
PASSED = ("roleArn", "executionRoleArn")
DELETED = re.compile(rb"<Key>(.*?)</Key>", re.DOTALL)


def requests_of(call: Call, environ: Mapping[str, Any], body: bytes) -> Iterator[Request]:
    """The requests to IAM, for a call whose parameters are named as CloudTrail names them."""
    if call.service == "s3":
        yield from _s3(call, environ, body)
        return
    service = PREFIXES.get(call.service, call.service)
    action = f"{service}:{ACTIONS.get((call.service, call.name), call.name)}"
    context: Json = {}
    if namespace := call.parameters.get("namespace"):
        context["cloudwatch:namespace"] = namespace
    yield Request(action, _resource(call), context)
    if service == "sagemaker" and call.name.startswith("Create"):
        if call.parameters.get("tags"):
            yield Request("sagemaker:AddTags", _resource(call))
        for role in (call.parameters[name] for name in PASSED if name in call.parameters):
            yield Request("iam:PassRole", role, {"iam:PassedToService": "sagemaker.amazonaws.com"})


def _s3(call: Call, environ: Mapping[str, Any], body: bytes) -> Iterator[Request]:
    action = S3_ACTIONS.get(call.name, call.name)
    bucket = f"arn:aws:s3:::{call.parameters.get('bucketName', '*')}"
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if call.name == "DeleteObjects":
        for key in DELETED.findall(body):
            yield Request("s3:DeleteObject", f"{bucket}/{key.decode()}")
        return
    if action in OF_BUCKETS:
        prefix = {"s3:prefix": query["prefix"][0]} if "prefix" in query else {}
        yield Request(f"s3:{action}", bucket, prefix)
        return
    if action == "GetObject" and "versionId" in query:
        action = "GetObjectVersion"
    yield Request(f"s3:{action}", f"{bucket}/{call.parameters.get('key', '')}")
    if source := environ.get("HTTP_X_AMZ_COPY_SOURCE"):
        place, _, version = unquote(source).lstrip("/").partition("?versionId=")
        yield Request("s3:GetObjectVersion" if version else "s3:GetObject", f"arn:aws:s3:::{place}")


def _resource(call: Call) -> str:
    """The ARN that the action is about; `*` where it has none."""
    at = f"arn:aws:{call.service}:{call.region}:{ACCOUNT}:"
    if call.service == "sagemaker":
        return _sagemaker(call, at)
    for service, parameter, resource in RESOURCES:
        if service == call.service and (given := call.parameters.get(parameter)):
            name = str(given)
            return resource.format(at=at, name=name, last=re.split("[:/]", name)[-1])
    return "*"


def _sagemaker(call: Call, at: str) -> str:
    for noun, (kind, parameter) in SAGEMAKER.items():
        if call.name.endswith(noun) and parameter in call.parameters:
            name = str(call.parameters[parameter])
            return name if name.startswith("arn:") else f"{at}{kind}/{name}"
    if call.name == "CreateModelPackage":
        return f"{at}model-package/{call.parameters.get('modelPackageGroupName', '*')}/*"
    if call.name == "UpdateModelPackage":
        return str(call.parameters.get("modelPackageArn", "*"))
    if call.name == "ListModelPackages":
        return f"{at}model-package-group/{call.parameters.get('modelPackageGroupName', '*')}"
    return "*"
