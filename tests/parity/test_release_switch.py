"""A release that is switched to while a run is under way is the next run's: this one ends with the code of its plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.releases import CURRENT, put_release
from laptop.servers.orchestrator import ENDED
from laptop.servers.stack import CLASSIFICATION
from tests.parity.conftest import Both
from tests.parity.jobs import FAILING, PREPARE, release
from tests.waiting import until

JOBS = ("ptmlops-prepare-complaints", "ptmlops-audit-results")
# The job of the first step, which goes on once the other release is deployed.
WAITING = """
import sys, time, boto3
from urllib.parse import urlsplit
bucket = urlsplit(sys.argv[sys.argv.index("--records") + 1]).netloc
while not boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix="switched")["KeyCount"]:
    time.sleep(0.2)
"""


@pytest.mark.parametrize("name", ["airflow", "stepfunctions"])
def test_a_run_ends_with_the_code_that_it_was_planned_with(both: Both, name: str, tmp_path: Path) -> None:
    both.clean()
    both.deploy(release(prepare=WAITING + PREPARE), tmp_path / f"switch-{name}")
    planned = both.bucket.read_json(CURRENT)["release"]
    glue, orchestrator = both.aws.client("glue"), both.orchestrators[name]
    before = {job: {each["Id"] for each in glue.get_job_runs(JobName=job)["JobRuns"]} for job in JOBS}

    def runs(job: str) -> list[dict[str, str]]:
        """The arguments of the runs of a Glue job since the test began."""
        found = glue.get_job_runs(JobName=job)["JobRuns"]
        return [each["Arguments"] for each in found if each["Id"] not in before[job]]

    run_id = orchestrator.trigger(CLASSIFICATION, {})
    until(lambda: runs(JOBS[0]), "the first job", every=0.2)
    other = tmp_path / "other" / "glue"
    other.mkdir(parents=True)
    for job in ("prepare_complaints", "audit_results", "prepare_history"):
        (other / f"{job}.py").write_text(FAILING)
    switched = put_release(
        {each: both.aws.client(each) for each in ("s3", "cloudformation")}, both.settings.pipeline, other.parent
    )
    both.bucket.client.put_object(Bucket=both.bucket.name, Key="switched", Body=b"")
    until(lambda: orchestrator.state(CLASSIFICATION, run_id) in ENDED, "the end of the run", every=0.3)
    both.bucket.client.delete_object(Bucket=both.bucket.name, Key="switched")

    assert orchestrator.state(CLASSIFICATION, run_id) == "success", both.told()
    (manifest,) = both.published().values()
    assert (manifest["release"], both.bucket.read_json(CURRENT)["release"]) == (planned, switched)
    for job in JOBS:
        assert all(f"/artifacts/{planned}/" in each["--scriptLocation"] for each in runs(job))
        assert len(runs(job)) == 1
