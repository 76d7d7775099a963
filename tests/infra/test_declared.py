"""Every resource that a template declares exists on local AWS, with every property that it declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from complaints.settings import load_settings
from deploy.artifacts import zipped
from deploy.infrastructure import Infrastructure, of_settings
from deploy.stacks import MAX_TEMPLATE_BYTES
from localaws import LocalAWS
from localaws.cloudformation.declarations import declare
from localaws.cloudformation.resources import Made
from localaws.cloudformation.templates import read_template
from tests.infra.created import ATTRIBUTES, READERS, differences

INFRA = Path(__file__).parents[2] / "infra"
SETTINGS = load_settings().pipeline
DEPLOYED = ("data", "roles", "jobs", "pipeline", "monitoring", "dags")
# With these, every condition of the templates holds.
EVERYTHING = {
    "data": {"CreateKey": "true", "AlertEmail": "a@example.org", "ManageSharedLogGroups": "true"},
    "monitoring": {"ExpectDailyRuns": "true"},
    "jobs": {"SecurityConfiguration": "encrypted", "ConnectionName": "vpc"},
    "roles": {"JobsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1b2c"},
}


def wrong(aws: LocalAWS, name: str) -> list[str]:
    """What local AWS has otherwise than a template declares it."""
    cloudformation, stack = aws.client("cloudformation"), f"ptmlops-{name}"
    found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    made = {each["LogicalResourceId"]: _made(each["ResourceType"], each["PhysicalResourceId"]) for each in found}
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in described["Parameters"]}
    template = read_template((INFRA / f"{name}.yaml").read_text(encoding="utf-8"))
    declaration = declare(template, parameters, described["StackId"], stack, "us-east-1")
    assert declaration.resources.keys() == made.keys()
    return [
        f"{logical} {problem}"
        for logical, definition in declaration.resources.items()
        for problem in _differences(aws, definition, made[logical], declaration.properties(definition, made))
    ]


def _made(type_name: str, physical_id: str) -> Made:
    return Made(physical_id, ATTRIBUTES[type_name](physical_id) if type_name in ATTRIBUTES else {})


def _differences(aws: LocalAWS, definition: Mapping[str, Any], made: Made, declared: dict[str, Any]) -> list[str]:
    return differences(declared, READERS[definition["Type"]](aws, made.ref, declared))


def deployed(stacks: Infrastructure, name: str, s3: Any) -> dict[str, str]:
    """Deploys one stack, with what it needs of the bucket; returns its outputs."""
    if name == "jobs":
        return stacks.jobs("0123456789ab")
    if name != "pipeline":
        made: dict[str, str] = getattr(stacks, name)()
        return made
    bucket = SETTINGS.storage.bucket
    for path in (INFRA.parent / "stepfunctions").glob("*.asl.json"):
        s3.put_object(Bucket=bucket, Key=f"code/{path.name}", Body=path.read_bytes())
    for key in ("functions.zip", "layer.zip"):
        s3.put_object(Bucket=bucket, Key=f"code/{key}", Body=zipped({"a.py": b""}))
    layer = "code/layer.zip" if stacks.parameters else ""
    return stacks.pipeline(FunctionsKey="code/functions.zip", LayerKey=layer, MachinesPrefix="code/")


def everything(cloudformation: Any) -> Infrastructure:
    """The stacks with every condition of theirs, and those of the laptop."""
    return replace(of_settings(cloudformation, SETTINGS), parameters=EVERYTHING)


@pytest.mark.parametrize("stacks", [everything, lambda client: of_settings(client, SETTINGS)], ids=["all", "laptop"])
def test_what_the_templates_declare_is_what_local_aws_has(
    local_aws: type[LocalAWS], tmp_path: Path, stacks: Callable[[Any], Infrastructure]
) -> None:
    with local_aws(tmp_path) as aws:
        infrastructure = stacks(aws.client("cloudformation"))
        for name in DEPLOYED:
            deployed(infrastructure, name, aws.client("s3"))
            assert not (problems := wrong(aws, name)), "\n".join(problems)


def test_a_deployment_again_changes_nothing_and_a_stack_taken_down_keeps_the_data(
    local_aws: type[LocalAWS], tmp_path: Path
) -> None:
    with local_aws(tmp_path) as aws:
        s3, stacks = aws.client("s3"), of_settings(aws.client("cloudformation"), SETTINGS)
        first = [deployed(stacks, name, s3) for name in DEPLOYED]
        s3.put_object(Bucket=SETTINGS.storage.bucket, Key="raw/a.csv", Body=b"a")
        before = len(aws.trail)

        def confirm(name: str, changes: Any) -> bool:
            raise AssertionError(f"{name} changes {list(map(str, changes))}")

        again = replace(stacks, confirm=confirm)
        assert [deployed(again, name, s3) for name in DEPLOYED] == first
        made = {each["eventName"] for each in aws.trail[before:]} - {"PutObject"}
        assert made == {"CreateChangeSet", "DeleteChangeSet"}, "comparing is all that a second deployment does"
        dags = first[-1]["DagsBucket"]
        assert stacks.delete() == [f"AWS::S3::Bucket {dags}", f"AWS::S3::Bucket {SETTINGS.storage.bucket}"]
        assert aws.client("iam").list_roles()["Roles"] == []
        # The bucket is taken over, with what is in it.
        stacks.data()
        assert s3.get_object(Bucket=SETTINGS.storage.bucket, Key="raw/a.csv")["Body"].read() == b"a"


def test_the_bucket_has_manifests_and_the_pointer_overwritten_only_by_who_read_them(
    local_aws: type[LocalAWS], tmp_path: Path
) -> None:
    with local_aws(tmp_path) as aws:
        of_settings(aws.client("cloudformation"), SETTINGS).data()
        s3, bucket = aws.client("s3"), SETTINGS.storage.bucket
        for key in ("manifests/run_id=0123456789abcdef.json", "models/latest"):
            place = {"Bucket": bucket, "Key": key}
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.put_object(**place, Body=b"new")
            etag = s3.put_object(**place, Body=b"first", IfNoneMatch="*")["ETag"]
            with pytest.raises(ClientError, match="AccessDenied"):
                s3.put_object(**place, Body=b"unseen")
            # As an erasure writes a manifest, and a promotion the pointer.
            s3.put_object(**place, Body=b"second", IfMatch=etag)
        promotion = {"Bucket": bucket, "Key": "models/promotions/1.json"}
        etag = s3.put_object(**promotion, Body=b"first", IfNoneMatch="*")["ETag"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(**promotion, Body=b"second", IfMatch=etag)


def test_a_key_that_exists_encrypts_everything_in_the_place_of_a_new_one() -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/0a1b"
    template = read_template((INFRA / "data.yaml").read_text(encoding="utf-8"))
    given = {"BucketName": "acme", "ExistingKeyArn": key, "CreateKey": "true"}
    declared = declare(template, given, "id", "name", "us-east-1")
    assert not [name for name, each in declared.resources.items() if each["Type"].startswith("AWS::KMS::")]
    made = {name: Made(name, {"Arn": name}) for name in declared.resources}
    texts = {name: str(declared.properties(each, made)) for name, each in declared.resources.items()}
    assert {name for name, text in texts.items() if key in text} == {"Bucket", "Topic", "DeadLetters", "WorkGroup"}


@pytest.mark.parametrize("path", sorted(INFRA.glob("*.yaml")), ids=lambda path: path.name)
def test_a_template_fits_into_a_request_and_describes_its_parameters_and_outputs(path: Path) -> None:
    template = read_template(path.read_text(encoding="utf-8"))
    assert path.stat().st_size <= MAX_TEMPLATE_BYTES
    for each in ("Parameters", "Outputs"):
        silent = [name for name, entry in template.get(each, {}).items() if not entry.get("Description")]
        assert not silent, f"{each} without a Description: {silent}"
