"""Puts what the flows need into a local AWS that runs already: bucket, release, sample; docker compose does it."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from complaints.settings import PipelineSettings, load_settings
from deploy.__main__ import deploy
from laptop import inputs
from laptop.servers.aws import AwsAt
from laptop.servers.stack import delivery, infrastructure


def put(aws: AwsAt, settings: PipelineSettings) -> tuple[str, bool]:
    """Deploys the release, and uploads the synthetic sample where `history/` is empty.

    Returns the release and whether the sample was uploaded. What a bucket that was kept holds stays as it is.
    """
    infrastructure(aws, settings)
    release = deploy(settings, aws.clients())
    s3, storage = aws.client("s3"), settings.storage
    if s3.list_objects_v2(Bucket=storage.bucket, Prefix=storage.history, MaxKeys=1)["KeyCount"]:
        return release, False
    with tempfile.TemporaryDirectory() as folder:
        history, raw, _ = inputs.sample_or((), (), Path(folder) / "synthetic-sample")
        # Last the history, which says that the sample is there.
        inputs.upload(s3, storage.bucket, delivery(settings), raw)
        inputs.upload(s3, storage.bucket, storage.history, history)
    return release, True


def main() -> int:
    """Asks the AWS at AWS_ENDPOINT_URL, and no other: a bucket of the real one is not ours to fill with samples."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not endpoint.startswith("http://"):
        print(
            f"into_aws: AWS_ENDPOINT_URL is {endpoint!r}; it must be the address of a local AWS, http://…",
            file=sys.stderr,
        )
        return 2
    settings = load_settings().pipeline
    release, with_sample = put(AwsAt(endpoint, settings.aws.region), settings)
    sample = "and the synthetic sample" if with_sample else "and the data that was kept"
    print(f"release {release} is in s3://{settings.storage.bucket}, {sample}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
