"""The Model Registry as the record of approvals, against SageMaker as moto has it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest

from complaints.models import promotion
from complaints.models.packages import APPROVED, PENDING, REJECTED, PackageError, Packages, status_of
from complaints.models.promotion import Approval, PromotionRefusedError

WORD = promotion.decision("jane", "2026-11-28T10:00:00+00:00", 'it is "good", isn\'t it?')
FOLDER = "s3://ptmlops.complaints/models/versioned/v1"


def record(version: str = "v1", **members: Any) -> dict[str, Any]:
    found = {"version": version, "model_name": "complaints-v1", "artifact_uri": f"{FOLDER}/model.tar.gz"}
    return found | {"run_id": "0123456789abcdef", "release": "r1", "sha256": "f" * 64} | members


@pytest.fixture
def sagemaker(in_memory_aws: None) -> Any:
    client = boto3.client("sagemaker", region_name="us-east-1")
    container = {"Image": "sklearn", "ModelDataUrl": f"{FOLDER}/model.tar.gz", "Environment": {"A": "b"}}
    role = "arn:aws:iam::123456789012:role/r"
    client.create_model(ModelName="complaints-v1", PrimaryContainer=container, ExecutionRoleArn=role)
    return client


@pytest.fixture
def packages(sagemaker: Any) -> Packages:
    return Packages(sagemaker, "ptmlops.complaints")


def test_a_version_has_one_package_with_its_container_its_lineage_and_its_metrics(
    packages: Packages, sagemaker: Any
) -> None:
    arn = packages.register(record(evaluation_uri=f"{FOLDER}/evaluation.json", in_service=None))
    assert packages.register(record()) == arn
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == ("ptmlops-complaints", 1)
    assert package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == f"{FOLDER}/model.tar.gz"
    assert package["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"] == f"{FOLDER}/evaluation.json"
    assert package["CustomerMetadataProperties"] == {
        "version": "v1",
        "run_id": "0123456789abcdef",
        "release": "r1",
        "sha256": "f" * 64,
        "plan": "s3://ptmlops.complaints/manifests/planned/run_id=0123456789abcdef.json",
        "record": f"{FOLDER}/model.json",
    }


def test_each_version_is_found_among_all(packages: Packages) -> None:
    found = {f"v{number}": packages.register(record(f"v{number}")) for number in (1, 11, 2)}
    assert len(set(found.values())) == 3
    assert {version: packages.find(version) for version in found} == found


GATED_BY_A_PERSON = {"gate": {"approval": "person"}}


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (None, APPROVED),
        ({"verdict": "PROMOTE", "reasons": []}, APPROVED),
        ({"verdict": "PROMOTE", "reasons": [], **GATED_BY_A_PERSON}, PENDING),
        ({"verdict": "HOLD", "reasons": ["too few rows"]}, PENDING),
        ({"verdict": "REJECT", "reasons": ["worse"], **GATED_BY_A_PERSON}, REJECTED),
    ],
)
def test_the_verdict_and_who_approves_decide_what_a_version_begins_with(verdict: Any, status: str) -> None:
    assert status_of(record(verdict=verdict)) == status


def test_an_approval_says_who_when_and_why_and_keeps_the_lineage(packages: Packages, sagemaker: Any) -> None:
    arn = packages.register(record(verdict={"verdict": "HOLD", "reasons": []}))
    assert packages.approval_of("v1") == Approval(PENDING)
    packages.decide("v1", APPROVED, WORD)
    assert packages.approval_of("v1") == Approval(
        APPROVED, 'by jane, 2026-11-28T10:00:00+00:00: it is "good", isn\'t it?'
    )
    metadata = sagemaker.describe_model_package(ModelPackageName=arn)["CustomerMetadataProperties"]
    assert (metadata["decided_by"], metadata["verdict"], metadata["release"]) == ("jane", "HOLD", "r1")


def test_a_registration_that_is_repeated_leaves_the_approval_as_it_is(packages: Packages) -> None:
    packages.register(record())
    packages.decide("v1", REJECTED, WORD)
    packages.register(record())
    assert packages.approval_of("v1").status == REJECTED  # type: ignore[union-attr]


def test_a_version_without_a_package_has_no_approval_and_takes_none(packages: Packages) -> None:
    assert packages.approval_of("v1") is None
    with pytest.raises(PackageError, match="v1 has no package in the group ptmlops-complaints"):
        packages.decide("v1", APPROVED, WORD)


def test_a_rejection_needs_a_reason(packages: Packages) -> None:
    packages.register(record())
    with pytest.raises(PromotionRefusedError, match="to reject v1 needs a reason"):
        packages.decide("v1", REJECTED, promotion.decision("jane", "now"))


def test_requests_keep_to_the_limits_of_the_api(packages: Packages, sagemaker: Any) -> None:
    word = promotion.decision('O\'Neill, "J" <j@x.org>', "2026-11-28", "line\n" * 1000)
    arn = packages.register(record(training_job_name="é" * 300))
    packages.decide("v1", APPROVED, word)
    package = sagemaker.describe_model_package(ModelPackageName=arn)
    assert package["CustomerMetadataProperties"]["decided_by"] == "O Neill   J   j@x.org"
    assert len(package["CustomerMetadataProperties"]["training_job_name"]) == 256
    assert len(package["ApprovalDescription"]) <= 1024
    assert "\n" not in package["ApprovalDescription"]
