"""A release in an account: the stacks in their order, the release under its hash, and then the switch to it.

Every step finds what an earlier deployment has done and does the rest, so a deployment that broke off is continued by
another one. Nothing that runs changes before the release is uploaded whole: a plan pins its job code, and Step
Functions ends an execution with the definition that it began with.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from complaints.aws.bucket import Bucket, ConflictError
from deploy.airflow_files import put_dags, put_plugins
from deploy.code_archives import with_environment
from deploy.environments import Environment
from deploy.errors import ConcurrentDeployError, QuotaError, ReleaseError
from deploy.infrastructure import Infrastructure
from deploy.package import HANDLERS, LAYER, MANIFEST, PLUGINS, Package
from deploy.pipeline import ingestion_state, reserve_concurrency
from deploy.releases import move_pointer, pointer
from deploy.stacks import Confirm

RELEASES = "releases/"
CURRENT = f"{RELEASES}current.json"
_GLUE_JOBS = ("prepare_history", "prepare_complaints", "audit_results", "fetch_export", "compare_exports")


@dataclass(frozen=True)
class Deployed:
    """What a deployment made current: the release, the one before, and the stacks' outputs that people need."""

    release: str
    before: str | None
    bucket: str
    machines: Mapping[str, str]
    airflow: str | None


@dataclass(frozen=True)
class Account:
    """An account and a region, and a boto3 client for each service there."""

    id: str
    region: str
    clients: Mapping[str, Any]

    def bucket_name(self, environment: Environment) -> str:
        """The data bucket of an environment: names of buckets are shared by all accounts of a partition."""
        return f"{environment.prefix}-{self.id}-{self.region}"


def deploy_release(
    environment: Environment,
    package: Package,
    account: Account,
    *,
    confirm: Confirm | None = None,
    say: Callable[[str], None] = print,
) -> Deployed:
    """Deploys the stacks, uploads the release and switches to it.

    Raises:
        StackError: a stack was refused, rolled back or declined; what was deployed before stays.
        ConcurrentDeployError: another deployment moved a pointer in the meantime.
    """
    # Its machines were compiled for these values; those of the working tree may be others by now.
    environment = replace(environment, values=json.loads(package.files["environment.json"]))
    with tempfile.TemporaryDirectory() as folder:
        stacks = _stacks(environment, package, account, Path(folder), confirm)
        data = stacks.data()
        roles = stacks.roles()
        values = account_values(environment, data, roles)
        stacks = replace(stacks, settings=environment.settings(values))
        bucket, active = Bucket(account.clients["s3"], data["BucketName"]), environment.active_file(values)
        functions = upload(package, bucket, active)
        say(f"release {package.release} is in s3://{bucket.name}/{RELEASES}{package.release}/")
        stacks.jobs(package.jobs)
        machines = stacks.pipeline(
            FunctionsKey=functions,
            LayerKey=f"{RELEASES}{package.release}/{LAYER}",
            MachinesPrefix=f"{RELEASES}{package.release}/stepfunctions/",
            IngestionState=ingestion_state(account.clients["events"], environment.prefix),
            # Either Airflow or Step Functions starts what arrives.
            StartsState="DISABLED" if "mwaa" in environment.optional_stacks else "ENABLED",
        )
        if "infra/monitoring.yaml" in package.files:
            stacks.monitoring()
        airflow = _optional(environment, package, account, stacks, active)
    _switch_jobs(bucket, package.jobs)
    before = _switch(bucket, package)
    try:
        reserve_concurrency(account.clients["lambda"], machines["StarterName"])
    except QuotaError as error:
        say(f"warning: {error}")
    return Deployed(package.release, before, bucket.name, machines, airflow)


def account_values(environment: Environment, data: Mapping[str, str], roles: Mapping[str, str]) -> dict[str, Any]:
    """The values of `pipeline_config.yaml` that come from the outputs of the stacks `data` and `roles`."""
    made = {
        "glue_role_arn": roles["GlueRoleArn"],
        "sagemaker_role_arn": roles["SageMakerRoleArn"],
        "alerts_topic_arn": data["TopicArn"],
        "mwaa_environment": environment.mwaa,
    }
    jobs = {f"{job}_job": f"{environment.prefix}-{job.replace('_', '-')}" for job in _GLUE_JOBS}
    return {"storage": {"bucket": data["BucketName"]}, "aws": made, "glue": jobs}


def upload(package: Package, bucket: Bucket, active: bytes) -> str:
    """Uploads the release; returns the key of the functions' code, which has the active environment inside.

    What is there already is not uploaded again: keys have hashes in them. The manifest comes last.
    """
    folder = f"{RELEASES}{package.release}/"
    code = with_environment(package.files[HANDLERS], active)
    functions = f"{folder}lambda/functions-{hashlib.sha256(code).hexdigest()[:12]}.zip"
    objects = {f"{folder}{name}": content for name, content in package.files.items()}
    objects |= {name: content for name, content in package.files.items() if name.startswith("artifacts/")}
    there = {each.key for prefix in (folder, f"artifacts/{package.jobs}/") for each in bucket.objects(prefix)}
    for key, content in {**objects, functions: code, f"{folder}{MANIFEST}": package.manifest()}.items():
        if key not in there:
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=content)
    for name in (each for each in package.files if each.startswith("runbooks/")):
        content = package.files[name]
        bucket.client.put_object(Bucket=bucket.name, Key=name, Body=content, ContentType="text/markdown")
    return functions


def uploaded_package(environment: Environment, release: str, account: Account) -> Package:
    """A release that was deployed to the environment before, read from its bucket.

    Raises:
        ReleaseError: it is not there, its files are not those of its manifest, or it is another environment's.
    """
    bucket = Bucket(account.clients["s3"], account.bucket_name(environment))
    folder = f"{RELEASES}{release}/"
    try:
        manifest, _ = bucket.read_json_and_etag(f"{folder}{MANIFEST}")
    except ClientError as error:
        raise ReleaseError(f"bucket {bucket.name} cannot be read: {error}; deploy the environment first") from error
    if manifest is None:
        raise ReleaseError(f"release {release!r} is not in s3://{bucket.name}/{RELEASES}; {_choice(bucket)}")
    if manifest["environment"] != environment.name:
        raise ReleaseError(f"release {release} was built for {manifest['environment']}, not for {environment.name}")
    files = {name: _content(bucket, f"{folder}{name}") for name in manifest["files"]}
    if wrong := [n for n, each in manifest["files"].items() if hashlib.sha256(files[n]).hexdigest() != each["sha256"]]:
        raise ReleaseError(f"release {release}: not as its manifest says: {', '.join(wrong)}; {_choice(bucket)}")
    return Package(release, manifest["jobs"], environment.name, files)


def current_release(bucket: Bucket) -> str | None:
    """The release that was switched to last."""
    document, _ = bucket.read_json_and_etag(CURRENT)
    return document["release"] if document else None


def destroy(environment: Environment, account: Account) -> list[str]:
    """Deletes the environment's stacks, those that cost most first; returns what they keep."""
    return Infrastructure(account.clients["cloudformation"], environment.prefix, environment.settings()).delete()


def _stacks(
    environment: Environment, package: Package, account: Account, folder: Path, confirm: Confirm | None
) -> Infrastructure:
    """The stacks with the templates of the release."""
    for name, content in package.files.items():
        if name.startswith("infra/"):
            (folder / "infra").mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    bucket = {"storage": {"bucket": account.bucket_name(environment)}}
    return Infrastructure(
        account.clients["cloudformation"],
        environment.prefix,
        environment.settings(bucket),
        confirm=confirm,
        parameters=environment.parameters or {},
        tags={"project": "ptmlops", "environment": environment.name},
        root=folder,
    )


def _optional(
    environment: Environment, package: Package, account: Account, stacks: Infrastructure, active: bytes
) -> str | None:
    """Deploys the stacks that the environment asks for; returns the host of Airflow's UI, if there is one."""
    if "quicksight" in environment.optional_stacks:
        stacks.quicksight()
    if "mwaa" not in environment.optional_stacks:
        return None
    s3, bucket = account.clients["s3"], stacks.dags()["DagsBucket"]
    put_dags(s3, bucket, package, active)
    return stacks.mwaa(PLUGINS, put_plugins(s3, bucket, package, active))["WebserverUrl"]


def _switch_jobs(bucket: Bucket, jobs: str) -> None:
    before = pointer(bucket)
    if before.release != jobs:
        move_pointer(bucket, jobs, before)


def _switch(bucket: Bucket, package: Package) -> str | None:
    """Names the release as the current one; returns the one before."""
    document, etag = bucket.read_json_and_etag(CURRENT)
    before = document["release"] if document else None
    if before != package.release:
        now = {"release": package.release, "previous": before, "environment": package.environment}
        try:
            bucket.write_json(CURRENT, now, if_absent=etag is None, if_match=etag)
        except ConflictError as error:
            raise ConcurrentDeployError(
                f"another deployment switched {package.environment} while this one ran, and the stacks may be of "
                "either: deploy the release that you want again"
            ) from error
    return before


def _content(bucket: Bucket, key: str) -> bytes:
    try:
        content: bytes = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    except bucket.client.exceptions.NoSuchKey:
        raise ReleaseError(f"s3://{bucket.name}/{key} of the release is not there; {_choice(bucket)}") from None
    return content


def _choice(bucket: Bucket) -> str:
    found = sorted({each.key.split("/")[1] for each in bucket.objects(RELEASES) if each.key.endswith(f"/{MANIFEST}")})
    return f"there are: {', '.join(found)}" if found else "there is none: deploy without RELEASE"
