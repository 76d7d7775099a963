"""`python -m deploy`: uploads the job code, brings the Glue jobs up to date; `--serverless`: the state machines, too.

The account, region and endpoint are boto3's (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …); the bucket and the jobs' names
come from `dags/complaints/config/pipeline_config.yaml`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3

from complaints.settings import PipelineSettings, load_settings
from deploy.alerts import put_last_resort
from deploy.artifacts import put_runbooks, upload
from deploy.glue_jobs import job_definitions, put_jobs
from deploy.lambda_functions import handlers_archive, put_steps_function
from deploy.layer import layer_archive, put_layer
from deploy.starter import FLOW, put_starter
from deploy.state_machines import put_state_machines

ROOT = Path(__file__).parent.parent
_SERVICES = ("s3", "glue", "lambda", "stepfunctions", "events", "sqs")


def deploy(settings: PipelineSettings, clients: Mapping[str, Any]) -> str:
    """Deploys what both orchestrators need: `include/`, the Glue jobs, the runbooks; returns the release's name.

    `clients`: boto3 clients by service. The bucket must exist.
    """
    release = upload(clients["s3"], settings.storage.bucket, ROOT / "include")
    put_jobs(clients["glue"], job_definitions(settings, release))
    put_runbooks(clients["s3"], settings.storage.bucket, ROOT / "docs" / "flows")
    return release


def deploy_serverless(
    settings: PipelineSettings, clients: Mapping[str, Any], layers: Sequence[str] = ()
) -> dict[str, str]:
    """Deploys what runs the flows without Airflow; returns the ARNs of the state machines by flow.

    The bucket, the roles, the topic and the dead-letter queue that the settings name must exist.
    """
    functions, code = clients["lambda"], handlers_archive()
    put_steps_function(functions, settings, code, layers)
    machines = put_state_machines(clients["stepfunctions"], settings)
    put_starter(clients, settings, machines[FLOW], code, layers)
    put_last_resort(clients["events"], functions, machines.values())
    return machines


def main() -> None:
    """Deploys with boto3's own settings."""
    parser = argparse.ArgumentParser(prog="deploy", description=__doc__)
    parser.add_argument("--serverless", action="store_true", help="deploy the state machines and their functions, too")
    options = parser.parse_args()
    settings, session = load_settings().pipeline, boto3.Session()
    clients = {name: session.client(name, region_name=settings.aws.region) for name in _SERVICES}
    print(f"release {deploy(settings, clients)} is in s3://{settings.storage.bucket}/artifacts/")
    if options.serverless:
        layer = put_layer(clients["lambda"], layer_archive())
        for flow, arn in deploy_serverless(settings, clients, [layer]).items():
            print(f"{flow}: {arn}")


if __name__ == "__main__":
    main()
