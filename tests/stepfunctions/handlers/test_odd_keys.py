"""Whatever an object is called, the real job reads that object, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from complaints.aws.bucket import Bucket
from complaints.runs import inputs, plans, requests
from complaints.settings import load_settings
from deploy.local import deploy
from localaws import LocalAWS
from tests.localaws.account import GLUE_UNDERWAY, wait

SETTINGS = load_settings()
KEYS = ["raw/a b+ä%2F ö 投诉 (1)=@,:&'!%20.csv", f"raw/{'/'.join(['x' * 200] * 5)}/{'y' * 10}.csv"]
HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"
ROW = '2026-01-01,Mortgage,"hello\nworld",1\n'
JOB = SETTINGS.pipeline.glue.prepare_complaints_job


@pytest.mark.parametrize("key", KEYS, ids=["letters", "length"])
def test_the_job_reads_the_exact_object(local_aws: type[LocalAWS], tmp_path: Path, key: str) -> None:
    with local_aws(tmp_path, forks=True) as aws:
        bucket, glue = Bucket(aws.client("s3"), SETTINGS.pipeline.storage.bucket), aws.client("glue")
        bucket.client.create_bucket(Bucket=bucket.name)
        release = deploy(SETTINGS.pipeline, {"s3": bucket.client, "cloudformation": aws.client("cloudformation")})
        # Its neighbour's key begins alike, and must not be read with it.
        for name, rows in ((key, 1), (f"{key}.csv", 7)):
            bucket.client.put_object(Bucket=bucket.name, Key=name, Body=(HEADER + ROW * rows).encode())
        found = inputs.complaints_objects(bucket.objects(key), bucket=bucket.name, source=key)
        model = {
            "version": "v1",
            "model_name": "m",
            "run_id": "of v1",
            "sha256": "",
            "evaluation": {"classes": ["card"]},
        }
        plan = plans.classification_plan(found, source=key, release=release, model=model, settings=SETTINGS)
        bucket.write_json(bucket.key(plan["plan_uri"]), plans.plan_document(plan, found))
        run_id = glue.start_job_run(JobName=JOB, Arguments=requests.prepare_complaints_arguments(plan))["JobRunId"]
        ended = wait(lambda: glue.get_job_run(JobName=JOB, RunId=run_id)["JobRun"], "JobRunState", GLUE_UNDERWAY, 120)
        assert ended["JobRunState"] == "SUCCEEDED", ended.get("ErrorMessage")
        (account,) = [each.key for each in bucket.objects(bucket.key(plan["account_uri"])) if each.size]
        (source,) = (bucket.read_json(account) or {})["by_source"]
        assert (source["source"], source["rows_in"]) == (f"s3://{bucket.name}/{key}", 1)
