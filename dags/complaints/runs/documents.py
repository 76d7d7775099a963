"""The documents of a run in S3: the release that deploy uploaded, the written plan, and what the Glue jobs report."""

from __future__ import annotations

import logging
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.aws.objects import ObjectVersion
from complaints.runs import plans

log = logging.getLogger(__name__)

LATEST_RELEASE = "artifacts/latest.json"


def release_in_use(bucket: Bucket) -> str:
    """The name of the release that deploy uploaded last, a hash of its content.

    Raises:
        PlanError: there is none.
    """
    pointer = bucket.read_json(LATEST_RELEASE)
    if pointer is None:
        raise plans.PlanError(f"s3://{bucket.name}/{LATEST_RELEASE} is absent: deploy first")
    return str(pointer["release"])


def write_plan(bucket: Bucket, plan: plans.Plan, inputs: list[ObjectVersion]) -> None:
    """Writes the plan with its inputs to `plan_uri`, where the Glue jobs read it."""
    bucket.write_json(bucket.key(plan["plan_uri"]), plans.plan_document(plan, inputs))
    log.info("run %s reads %d files below %s", plan["run_id"], len(inputs), plan["source_uri"])


def read_plan(bucket: Bucket, plan: plans.Plan) -> dict[str, Any]:
    """The plan as it was written, with its inputs.

    Raises:
        FileNotFoundError: it is absent.
    """
    written: dict[str, Any] | None = bucket.read_json(bucket.key(plan["plan_uri"]))
    if written is None:
        raise FileNotFoundError(f"{plan['plan_uri']} is absent: clear plan_{plan['flow']}")
    return written


def job_document(bucket: Bucket, folder_uri: str) -> dict[str, Any]:
    """The one JSON document that a Spark job wrote into a folder, under a name that Spark chose.

    Raises:
        FileNotFoundError: the folder holds no such file, or several.
    """
    found = [each.key for each in bucket.data_objects(folder_uri)]
    if len(found) != 1:
        raise FileNotFoundError(f"{folder_uri} holds {len(found)} files where one JSON document was expected")
    document: dict[str, Any] = bucket.read_json(found[0]) or {}
    return document
