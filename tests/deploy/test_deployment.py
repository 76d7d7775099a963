"""An environment in an account that was empty: deployed, broken off and continued, rolled back, taken down."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from complaints.aws.bucket import Bucket
from deploy.airflow_files import put_dags, put_plugins
from deploy.artifacts import zipped
from deploy.deployment import Account, current_release, deploy_release, destroy, uploaded_package
from deploy.environments import load_environment
from deploy.errors import ConcurrentDeployError, DeployError, ReleaseError, StackError
from deploy.package import Package, package
from deploy.preflight import preflight
from deploy.stacks import Change
from localaws import LocalAWS

DEV = load_environment("dev")
DEV = replace(DEV, values={**DEV.values, "orchestration": {"poll_seconds": 30}})
SERVICES = ("cloudformation", "ecr", "events", "iam", "lambda", "s3", "service-quotas", "stepfunctions", "sts")
STACKS = ["ptmlops-dev-data", "ptmlops-dev-jobs", "ptmlops-dev-monitoring", "ptmlops-dev-pipeline", "ptmlops-dev-roles"]


@pytest.fixture(scope="module")
def first() -> Package:
    return package(DEV, layer=lambda: zipped({"python/nothing.py": b""}))


@pytest.fixture(scope="module")
def second(first: Package) -> Package:
    """Another release: one DAG file differs."""
    files = {**first.files, "dags/complaints_training.py": b"# another release"}
    return replace(first, release="0123456789ab", files=files)


@pytest.fixture
def account(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[Account]:
    with local_aws(tmp_path / "aws") as aws:
        yield Account("123456789012", "us-east-1", {name: aws.client(name) for name in SERVICES})


def quietly(_: str) -> None:
    """For the progress."""


def stacks_of(account: Account) -> list[str]:
    pages = account.clients["cloudformation"].get_paginator("describe_stacks").paginate()
    return sorted(each["StackName"] for page in pages for each in page["Stacks"])


class BreaksOff:
    """A CloudFormation client whose connection is lost when a stack is about to be changed."""

    def __init__(self, client: Any, stack: str) -> None:
        self._client = client
        self._stack = stack

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_change_set(self, **request: Any) -> Any:
        if request["StackName"] == self._stack:
            raise ConnectionError("the connection was lost")
        return self._client.create_change_set(**request)


def test_an_empty_account_gets_the_stacks_the_release_and_its_active_environment(
    account: Account, first: Package
) -> None:
    shown: list[str] = []

    def agree(stack: str, changes: Sequence[Change]) -> bool:
        assert changes
        shown.append(stack)
        return True

    assert [each for each in preflight(DEV, account) if each.kind == "problem"] == []
    done = deploy_release(DEV, first, account, confirm=agree, say=quietly)
    assert stacks_of(account) == sorted(shown) == STACKS
    assert (done.release, done.before, done.airflow) == (first.release, None, None)
    assert done.bucket == "ptmlops-dev-123456789012-us-east-1"

    functions = account.clients["lambda"]
    code = functions.get_function(FunctionName="ptmlops-dev-steps")["Code"]
    assert "Location" in code
    active = _active(account, done.bucket, first)
    assert active["storage"] == {"bucket": done.bucket}
    assert active["aws"]["sagemaker_role_arn"] == "arn:aws:iam::123456789012:role/ptmlops-dev-sagemaker"
    assert active["orchestration"]["poll_seconds"] == 30

    described = account.clients["stepfunctions"].describe_state_machine(stateMachineArn=done.machines["TrainingArn"])
    assert "${" not in described["definition"]
    assert "ptmlops-dev-prepare-history" in described["definition"]
    assert Bucket(account.clients["s3"], done.bucket).read_json("artifacts/latest.json")["release"] == first.jobs

    shown.clear()
    again = deploy_release(DEV, first, account, confirm=agree, say=quietly)
    assert (shown, again.before) == ([], first.release)


def _active(account: Account, bucket: str, release: Package) -> dict[str, Any]:
    """`environment.yaml` in the functions' code."""
    s3 = account.clients["s3"]
    folder = f"releases/{release.release}/lambda/functions-"
    (key,) = (each.key for each in Bucket(s3, bucket).objects(folder))
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=bucket, Key=key)["Body"].read())) as archive:
        found: dict[str, Any] = yaml.safe_load(archive.read("complaints/config/environment.yaml"))
    return found


def test_a_deployment_that_broke_off_is_continued_and_one_that_is_declined_changes_nothing_more(
    account: Account, first: Package
) -> None:
    with pytest.raises(StackError, match="ptmlops-dev-data was not changed: the changes were declined"):
        deploy_release(DEV, first, account, confirm=lambda *_: False, say=quietly)
    client = account.clients["cloudformation"]
    broken = replace(account, clients={**account.clients, "cloudformation": BreaksOff(client, "ptmlops-dev-pipeline")})
    with pytest.raises(ConnectionError):
        deploy_release(DEV, first, broken, say=quietly)
    bucket = Bucket(account.clients["s3"], account.bucket_name(DEV))
    assert stacks_of(account) == ["ptmlops-dev-data", "ptmlops-dev-jobs", "ptmlops-dev-roles"]
    assert current_release(bucket) is None
    deploy_release(DEV, first, account, say=quietly)
    assert stacks_of(account) == STACKS
    assert current_release(bucket) == first.release


def test_a_release_that_was_deployed_before_is_current_again_and_the_environment_taken_down_keeps_its_data(
    account: Account, first: Package, second: Package
) -> None:
    deploy_release(DEV, first, account, say=quietly)
    done = deploy_release(DEV, second, account, say=quietly)
    assert (done.release, done.before) == (second.release, first.release)
    before = uploaded_package(DEV, first.release, account)
    assert before.files == first.files
    assert deploy_release(DEV, before, account, say=quietly).before == second.release
    s3 = account.clients["s3"]
    assert current_release(Bucket(s3, done.bucket)) == first.release

    s3.put_object(Bucket=done.bucket, Key=f"releases/{second.release}/dags/complaints_training.py", Body=b"changed")
    with pytest.raises(ReleaseError, match=r"not as its manifest says: dags/complaints_training\.py"):
        uploaded_package(DEV, second.release, account)
    s3.delete_object(Bucket=done.bucket, Key=f"releases/{second.release}/dags/complaints_training.py")
    with pytest.raises(
        ReleaseError, match=rf"dags/complaints_training\.py of the release is not there; .*{first.release}"
    ):
        uploaded_package(DEV, second.release, account)
    with pytest.raises(ReleaseError, match=f"release 'ffff' is not in .*there are: .*{first.release}"):
        uploaded_package(DEV, "ffff", account)

    kept = destroy(DEV, account)
    assert stacks_of(account) == []
    assert any(done.bucket in each for each in kept)
    assert uploaded_package(DEV, first.release, account).release == first.release
    assert deploy_release(DEV, first, account, say=quietly).before == first.release


def test_a_deployment_that_is_overtaken_leaves_the_switch_as_it_is(account: Account, first: Package) -> None:
    done = deploy_release(DEV, first, account, say=quietly)
    s3, bucket = account.clients["s3"], Bucket(account.clients["s3"], done.bucket)

    def overtake(params: dict[str, Any], **_: Any) -> None:
        if params["url_path"].endswith("/releases/current.json"):
            s3.meta.events.unregister("before-call.s3.PutObject", overtake)
            bucket.write_json("releases/current.json", {"release": "faster"})

    s3.meta.events.register("before-call.s3.PutObject", overtake)
    with pytest.raises(ConcurrentDeployError, match="another deployment switched dev"):
        deploy_release(DEV, replace(first, release="0123456789ab"), account, say=quietly)
    assert current_release(bucket) == "faster"


def test_the_folder_of_dags_gets_what_differs_and_loses_what_the_release_has_not(
    account: Account, first: Package
) -> None:
    s3 = account.clients["s3"]
    s3.create_bucket(Bucket="dags")
    s3.put_object(Bucket="dags", Key="dags/retired.py", Body=b"old")
    s3.put_object(Bucket="dags", Key="plugins/kept.zip", Body=b"")
    put_dags(s3, "dags", first, b"storage: {bucket: acme}\n")
    keys = {each.key for each in Bucket(s3, "dags").objects("")}
    expected = {name for name in first.files if name.startswith("dags/")}
    assert keys == {*expected, "dags/complaints/config/environment.yaml", "plugins/kept.zip"}


def test_what_mwaa_reads_is_in_its_bucket_before_the_environment_and_the_same_plugins_keep_their_version(
    account: Account, first: Package
) -> None:
    environment, versions = replace(DEV, optional_stacks=("mwaa",)), []
    bucket = "ptmlops-dev-mwaa-123456789012"
    s3 = account.clients["s3"]
    for _ in range(2):
        with pytest.raises(StackError, match=r"infra/mwaa\.yaml"):  # local AWS has no MWAA
            deploy_release(environment, first, account, say=quietly)
        versions.append(s3.head_object(Bucket=bucket, Key="plugins.zip")["VersionId"])
    assert versions[0] == versions[1]
    with zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=bucket, Key="plugins.zip")["Body"].read())) as plugins:
        active = plugins.read("complaints_ui/domain/complaints/config/environment.yaml")
    config = s3.get_object(Bucket=bucket, Key="dags/complaints/config/environment.yaml")["Body"].read()
    assert active == config
    assert yaml.safe_load(active)["storage"] == {"bucket": "ptmlops-dev-123456789012-us-east-1"}
    assert put_plugins(s3, bucket, first, b"storage: {bucket: another}") != versions[0]
    assert any(bucket in each for each in destroy(environment, account))


def test_another_environment_in_the_account_and_region_is_a_problem_and_one_that_was_declined_is_none(
    account: Account, first: Package
) -> None:
    with pytest.raises(StackError, match="declined"):
        deploy_release(DEV, first, account, confirm=lambda *_: False, say=quietly)
    prod = replace(DEV, name="prod")
    assert [each for each in preflight(prod, account) if each.kind == "problem"] == []
    broken = BreaksOff(account.clients["cloudformation"], "ptmlops-dev-roles")
    with pytest.raises(ConnectionError):
        deploy_release(DEV, first, replace(account, clients={**account.clients, "cloudformation": broken}), say=quietly)
    (found,) = (each.sentence for each in preflight(prod, account) if each.kind == "problem")
    assert "the environment dev is in account 123456789012, us-east-1 (stack ptmlops-dev-data)" in found
    assert found.endswith("choose another region or account for prod, or `make destroy ENV=dev`")
    assert [each for each in preflight(DEV, account) if each.kind == "problem"] == []


def test_credentials_for_another_account_and_a_machine_of_nobody_are_problems(account: Account) -> None:
    definition = json.dumps({"StartAt": "done", "States": {"done": {"Type": "Succeed"}}})
    account.clients["stepfunctions"].create_state_machine(
        name="complaints_classification", definition=definition, roleArn="arn:aws:iam::123456789012:role/other"
    )
    found = [each.sentence for each in preflight(DEV, account, "210987654321") if each.kind == "problem"]
    assert [each.split(",")[0] for each in found] == [
        "the credentials are for account 123456789012",
        "the state machine complaints_classification exists",
    ]


def test_an_error_of_a_deployment_is_one_kind() -> None:
    assert issubclass(StackError, DeployError)
    assert issubclass(ReleaseError, DeployError)
