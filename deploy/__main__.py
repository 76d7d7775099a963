"""`python -m deploy`: deploys the job code and the Glue jobs, and with `--serverless` all that replaces Airflow.

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
from deploy.alerts import put_uncaught_rule
from deploy.compiled_files import check_compiled_files
from deploy.errors import DeployError
from deploy.lambda_functions import handlers_archive, put_steps_function
from deploy.layer import layer_archive, put_layer
from deploy.monitoring import put_monitoring_rule
from deploy.releases import put_release, use_release
from deploy.runbooks import put_runbooks
from deploy.schedules import put_ingestion_schedule
from deploy.starter import FLOW, put_starter
from deploy.state_machines import put_state_machines

ROOT = Path(__file__).parent.parent
_SERVICES = ("s3", "glue", "lambda", "stepfunctions", "events", "sqs")


def deploy(settings: PipelineSettings, clients: Mapping[str, Any]) -> str:
    """Deploys what both orchestrators need: runbooks, job code and Glue jobs; returns the name of the release.

    `clients`: boto3 clients by service. The bucket must exist.

    Raises:
        ConcurrentDeployError: another deployment made its release current in the meantime.
    """
    put_runbooks(clients["s3"], settings.storage.bucket, ROOT / "docs" / "flows")
    return put_release(clients, settings, ROOT / "include")


def deploy_serverless(
    settings: PipelineSettings, clients: Mapping[str, Any], layers: Sequence[str] = ()
) -> dict[str, str]:
    """Deploys what runs the flows without Airflow; returns the ARNs of the state machines by DAG id.

    The bucket, the roles, the topic and the dead-letter queue in the settings must exist.

    Raises:
        StaleFilesError: the compiled state machines do not match the settings; nothing is deployed.
        RoleError: Lambda cannot assume the functions' role.
        QuotaError: the account has no Lambda concurrency left to reserve; all else is deployed.
    """
    check_compiled_files(settings)
    functions, code = clients["lambda"], handlers_archive()
    put_steps_function(functions, settings, code, layers)
    machines = put_state_machines(clients["stepfunctions"], settings)
    put_uncaught_rule(clients["events"], functions, machines.values())
    put_ingestion_schedule(clients["events"], settings, machines["complaints_ingestion"])
    put_monitoring_rule(clients["events"], settings, machines["complaints_monitoring"])
    put_starter(clients, settings, machines[FLOW], code, layers)
    return machines


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
        print(f"release {deploy(settings, clients)} is current in s3://{settings.storage.bucket}/artifacts/")
        if options.serverless:
            layer = put_layer(clients["lambda"], layer_archive())
            for flow, arn in deploy_serverless(settings, clients, [layer]).items():
                print(f"{flow}: {arn}")
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
