"""Deploys the release to a running local AWS and uploads the sample: the service `deploy` of docker-compose.yaml."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from complaints.settings import PipelineSettings, load_settings
from deploy.local import deploy, deploy_infrastructure
from laptop.inputs import upload
from laptop.sample import write_sample
from laptop.servers.aws import AwsAt
from laptop.servers.aws_credentials import AwsCredentials
from laptop.servers.stack import delivery
from laptop.terminal import write


def seed(aws: AwsAt, settings: PipelineSettings) -> tuple[str, bool]:
    """Deploys the release, and uploads the synthetic sample if `history/` is empty.

    Returns the release, and whether the sample was uploaded. Objects that the bucket holds already are kept.
    """
    clients = aws.clients()
    deploy_infrastructure(settings, clients)
    release = deploy(settings, clients)
    s3, storage = aws.client("s3"), settings.storage
    if s3.list_objects_v2(Bucket=storage.bucket, Prefix=storage.history, MaxKeys=1)["KeyCount"]:
        return release, False
    with tempfile.TemporaryDirectory() as folder:
        sample = write_sample(Path(folder))
        # The history last: if it is there, the sample is complete.
        upload(s3, storage.bucket, delivery(settings), sample.classify)
        upload(s3, storage.bucket, storage.history, sample.training)
    return release, True


def main() -> int:
    """Seeds the AWS at AWS_ENDPOINT_URL; refuses the real one, whose bucket is no place for a sample."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint.startswith("http://"):
        write(f"seed_aws: AWS_ENDPOINT_URL is {endpoint!r}, but must be the http:// address of a local AWS", sys.stderr)
        return 2
    settings = load_settings().pipeline
    release, with_sample = seed(AwsAt(endpoint, settings.aws.region, AwsCredentials.of(os.environ)), settings)
    sample = "the synthetic sample was uploaded" if with_sample else "existing data was kept"
    write(f"deployed release {release} to s3://{settings.storage.bucket}; {sample}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
