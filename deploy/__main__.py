"""`python -m deploy`: uploads the job code and brings the Glue jobs up to date.

The account, region and endpoint are boto3's (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, …); the bucket and the jobs' names
come from `dags/complaints/config/pipeline_config.yaml`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import boto3

from complaints.settings import PipelineSettings, load_settings
from deploy.artifacts import upload
from deploy.glue_jobs import job_definitions, put_jobs

INCLUDE = Path(__file__).parent.parent / "include"


def deploy(settings: PipelineSettings, session: Any, endpoint: str | None = None) -> str:
    """Deploys `include/` with a boto3 session; returns the release's name. The bucket must exist."""
    region = settings.aws.region
    s3, glue = (session.client(name, region_name=region, endpoint_url=endpoint) for name in ("s3", "glue"))
    release = upload(s3, settings.storage.bucket, INCLUDE)
    put_jobs(glue, job_definitions(settings, release))
    return release


def main() -> None:
    """Deploys with boto3's own settings."""
    argparse.ArgumentParser(prog="deploy", description=__doc__).parse_args()
    settings = load_settings().pipeline
    print(f"release {deploy(settings, boto3.Session())} is in s3://{settings.storage.bucket}/artifacts/")


if __name__ == "__main__":
    main()
