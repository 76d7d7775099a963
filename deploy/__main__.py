"""`python -m deploy`: deploys the stacks and the job code, and with `--serverless` all that replaces Airflow.

`--release NAME` goes back to a release that was deployed before. Account and endpoint come from boto3's configuration
(`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …); the region, the bucket, the roles and the job names come from
`dags/complaints/config/pipeline_config.yaml`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from complaints.settings import PipelineSettings, load_settings
from deploy.compiled_files import check_compiled_files
from deploy.errors import DeployError
from deploy.infrastructure import check_names, of_settings
from deploy.layer import layer_archive
from deploy.pipeline import deploy_pipeline
from deploy.releases import put_release, use_release
from deploy.runbooks import put_runbooks

ROOT = Path(__file__).parent.parent
_SERVICES = ("cloudformation", "s3", "lambda", "events")


def deploy_infrastructure(settings: PipelineSettings, clients: Mapping[str, Any]) -> None:
    """Deploys what the code needs: the stacks of the data and of the roles.

    Raises:
        StackError: one was refused or rolled back, or the settings do not name what they have.
    """
    stacks = of_settings(clients["cloudformation"], settings)
    check_names(settings, {**stacks.data(), **stacks.roles()})


def deploy(settings: PipelineSettings, clients: Mapping[str, Any]) -> str:
    """Deploys what both orchestrators need: runbooks, job code and Glue jobs; returns the name of the release.

    `clients`: boto3 clients by service. `deploy_infrastructure` has been called.

    Raises:
        ConcurrentDeployError: another deployment made its release current in the meantime.
        StackError: the stack of the jobs was refused or rolled back.
    """
    put_runbooks(clients["s3"], settings.storage.bucket, ROOT / "docs" / "flows")
    return put_release(clients, settings, ROOT / "include")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 if all is deployed, and 1 with the reason on standard error if not."""
    options = _options(arguments)
    settings, session = load_settings().pipeline, boto3.Session()
    clients = {name: session.client(name, region_name=settings.aws.region) for name in _SERVICES}
    try:
        if options.release:
            before = use_release(clients, settings, options.release)
            print(f"release {options.release} is current again (before: {before or 'none'})")
            return 0
        if options.serverless:
            check_compiled_files(settings)  # before anything is uploaded
        deploy_infrastructure(settings, clients)
        print(f"release {deploy(settings, clients)} is current in s3://{settings.storage.bucket}/artifacts/")
        if options.serverless:
            for flow, arn in deploy_pipeline(settings, clients, layer=layer_archive()).items():
                print(f"{flow}: {arn}")
        of_settings(clients["cloudformation"], settings).monitoring()
    except DeployError as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--serverless", action="store_true", help="also deploy the state machines and their functions")
    one.add_argument("--release", metavar="NAME", help="make an earlier release current again; upload nothing")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
