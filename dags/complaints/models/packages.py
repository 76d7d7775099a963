"""The SageMaker Model Registry: a package group an environment, a package a version, and its approval.

ModelApprovalStatus is the one record of an approval, whoever gives it and wherever: in Airflow, in a state machine, in
SageMaker's console or on a laptop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from complaints.errors import FinalError
from complaints.models.promotion import Approval, Decision, PromotionRefusedError

APPROVED, REJECTED, PENDING = "Approved", "Rejected", "PendingManualApproval"

_LONGEST_GROUP, _LONGEST_VALUE, _LONGEST_DESCRIPTION = 63, 256, 1024
# Characters that CustomerMetadataValue does not have (API reference, CreateModelPackage).
_NOT_IN_A_VALUE = re.compile(r"[^\w\s.:/=+\-@]")
_LINEAGE = ("version", "run_id", "release", "sha256", "training_job_name", "tuning_job_name", "in_service", "refitted")
_METRICS = "application/json"


class PackageError(FinalError, LookupError):
    """A version has no model package where one is needed."""


class Packages:
    """The package group of an environment's bucket, through a SageMaker client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self.group = re.sub(r"[^a-zA-Z0-9]+", "-", bucket)[:_LONGEST_GROUP].strip("-")

    def register(self, record: Mapping[str, Any]) -> str:
        """The ARN of the version's package, which is created once, with the approval that its verdict gives it.

        The image and the environment are those of the version's SageMaker model.
        """
        if found := self.find(record["version"]):
            return found
        self._create_group()
        model = self._client.describe_model(ModelName=record["model_name"])["PrimaryContainer"]
        created: str = self._client.create_model_package(**self._package(record, model))["ModelPackageArn"]
        return created

    def find(self, version: str) -> str | None:
        """The ARN of the version's package; None where there is none."""
        pages = self._client.get_paginator("list_model_packages").paginate(ModelPackageGroupName=self.group)
        try:
            for page in pages:
                for each in page["ModelPackageSummaryList"]:
                    if each.get("ModelPackageDescription") == self._description(version):
                        return str(each["ModelPackageArn"])
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
        return None

    def approval_of(self, version: str) -> Approval | None:
        """The approval of a version; None where it has no package: it was registered before there was a registry."""
        if (arn := self.find(version)) is None:
            return None
        package = self._client.describe_model_package(ModelPackageName=arn)
        return Approval(package["ModelApprovalStatus"], package.get("ApprovalDescription") or "")

    def decide(self, version: str, status: str, word: Decision) -> Approval:
        """Approves or rejects a version: who, when and why stand in its ApprovalDescription and in its metadata.

        Raises:
            PackageError: the version has no package.
            PromotionRefusedError: it is rejected without a reason.
        """
        if status == REJECTED and not word["reason"]:
            raise PromotionRefusedError(f"to reject {version} needs a reason; it is kept in the Model Registry")
        if (arn := self.find(version)) is None:
            raise PackageError(f"{version} has no package in the group {self.group}: register it first")
        package = self._client.describe_model_package(ModelPackageName=arn)
        why = f"by {word['by']}, {word['at']}" + (f": {word['reason']}" if word["reason"] else "")
        self._client.update_model_package(
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            ApprovalDescription=" ".join(why.split())[:_LONGEST_DESCRIPTION],
            # All of them: it is not documented whether those that are left out stay.
            CustomerMetadataProperties=_values(
                {**package.get("CustomerMetadataProperties", {}), "decided_by": word["by"], "decided_at": word["at"]}
            ),
        )
        return Approval(status, why)

    def _create_group(self) -> None:
        try:
            self._client.describe_model_package_group(ModelPackageGroupName=self.group)
        except ClientError:
            try:
                self._client.create_model_package_group(
                    ModelPackageGroupName=self.group,
                    ModelPackageGroupDescription=f"Versions of the complaints model in s3://{self._bucket}/models/",
                )
            except ClientError as error:
                if "already exist" not in str(error):
                    raise

    def _package(self, record: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
        container = {name: model[name] for name in ("Image", "ModelDataUrl", "Environment") if model.get(name)}
        return {
            "ModelPackageGroupName": self.group,
            "ModelPackageDescription": self._description(record["version"]),
            "ModelApprovalStatus": status_of(record),
            "InferenceSpecification": {
                "Containers": [container],
                "SupportedContentTypes": ["application/jsonlines"],
                "SupportedResponseMIMETypes": ["application/jsonlines"],
            },
            "CustomerMetadataProperties": _values(self._metadata(record)),
            **_measures(record),
            # It was evaluated already; a validation would start jobs.
            "SkipModelValidation": "All",
            "ClientToken": f"{record['run_id']}-{record['version']}",
        }

    def _description(self, version: str) -> str:
        # ListModelPackages returns no metadata, so the version is found by this.
        return f"complaints {version} in s3://{self._bucket}"

    def _metadata(self, record: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: record.get(name) for name in _LINEAGE}
        plan = f"s3://{self._bucket}/manifests/planned/run_id={record['run_id']}.json"
        return {
            **found,
            "plan": plan,
            "record": f"{_folder(record)}model.json",
            "verdict": _verdict(record).get("verdict"),
        }


def status_of(record: Mapping[str, Any]) -> str:
    """The approval that a version begins with, by its verdict and by who approves.

    A version without a verdict is from before there was a gate: it is approved, as it was then.
    """
    found = _verdict(record)
    if found.get("verdict") == "REJECT":
        return REJECTED
    by_a_person = (found.get("gate") or {}).get("approval") == "person"
    return PENDING if by_a_person or found.get("verdict") == "HOLD" else APPROVED


def _verdict(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found = record.get("verdict") or {}
    return found if isinstance(found, Mapping) else {"verdict": found}


def _folder(record: Mapping[str, Any]) -> str:
    return str(record["artifact_uri"]).rpartition("/")[0] + "/"


def _measures(record: Mapping[str, Any]) -> dict[str, Any]:
    """ModelMetrics, and DriftCheckBaselines where the version has a baseline."""
    quality = {"Statistics": {"ContentType": _METRICS, "S3Uri": f"{_folder(record)}model.json"}}
    if uri := record.get("evaluation_uri"):
        quality["Statistics"]["S3Uri"] = uri
    measures: dict[str, Any] = {"ModelMetrics": {"ModelQuality": quality}}
    if uri := record.get("baseline_uri"):
        baseline = {"Statistics": {"ContentType": _METRICS, "S3Uri": uri}}
        measures["DriftCheckBaselines"] = {"ModelDataQuality": baseline}
    return measures


def _values(found: Mapping[str, Any]) -> dict[str, str]:
    """The members that have a value, as CustomerMetadataProperties takes them."""
    texts = {name: _NOT_IN_A_VALUE.sub(" ", str(each)).strip()[:_LONGEST_VALUE] for name, each in found.items() if each}
    return {name: text for name, text in texts.items() if text}
