"""The published results that labels of a later export can be joined to: those of the last classifications.

Only files whose manifest counts complaints without a label are read, so a classification whose complaints all came with
their products costs nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import dropwhile, islice
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.runs.results import PublishedRun, published_runs


def answers_before(bucket: Bucket, run_id: str, most: int) -> list[PublishedRun]:
    """Of the last `most` runs that were published before `run_id`, those with answers that had no label, newest first.

    Runs that were published since are left out, so a repetition finds the same.
    """
    newest_first: Iterator[PublishedRun] = dropwhile(lambda run: run.run_id != run_id, published_runs(bucket))
    return [run for run in islice(newest_first, 1, most + 1) if unlabelled(run.manifest)]


def unlabelled(manifest: Mapping[str, Any]) -> int:
    """The number of classified complaints that came without a product."""
    scores = manifest.get("scores") or {"n": 0}
    labelled = scores["n"] + (scores.get("seen_in_training") or 0) + (manifest.get("unmapped") or 0)
    return int(manifest["account"]["classified"] - labelled)


def input_manifest(bucket: Bucket, runs: Iterable[PublishedRun], besides: str) -> list[Any]:
    """SageMaker's ManifestFile of the files of these runs, and of the object `besides`: it refuses one without any.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    """
    return [{"prefix": f"s3://{bucket.name}/"}, besides, *(file["key"] for run in runs for file in run.files)]
