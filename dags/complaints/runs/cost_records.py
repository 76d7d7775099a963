"""The record of what a run cost, `ledger/costs/run_id=….json`: by what AWS says of its jobs, beside the estimate.

Not in a manifest, which each attempt at a run writes alike. A cost that cannot be recorded fails no run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import chain
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from complaints.aws import jobs
from complaints.aws.bucket import Bucket
from complaints.aws.clients import client
from complaints.aws.job_kinds import TUNING, JobKind
from complaints.runs import costs
from complaints.settings import Settings

log = logging.getLogger(__name__)


def record(
    bucket: Bucket,
    run_id: str,
    settings: Settings,
    *,
    glue: Mapping[str, Mapping[str, str]],
    sagemaker: Mapping[str, JobKind],
    estimated: costs.Usage | None = None,
) -> None:
    """Writes the record of a run.

    `glue`: arguments that identify the run's runs, by the name of their job. `sagemaker`: kinds by planned names. A
    tuning job costs what its training jobs do.
    """
    prices = settings.pipeline.prices
    document: dict[str, Any] = {"run_id": run_id, "estimated": costs.cost_of(estimated, prices) if estimated else None}
    try:
        document["recorded"] = costs.cost_of(costs.of_jobs(_described(settings, glue, sagemaker)), prices)
        bucket.write_json(costs.record_key(run_id), document)
    except (ClientError, BotoCoreError) as error:
        log.warning("the cost of run %s is not recorded: %s", run_id, error)
        return
    log.info("cost of run %s: %s", run_id, costs.sentence(document["recorded"]))


def _described(
    settings: Settings, glue: Mapping[str, Mapping[str, str]], sagemaker: Mapping[str, JobKind]
) -> list[Mapping[str, Any]]:
    glue_client, sagemaker_client = client("glue", settings), client("sagemaker", settings)
    runs = [run for job_name, known in glue.items() for run in jobs.glue_runs(glue_client, job_name, known)]
    found = [(kind, each) for name, kind in sagemaker.items() for each in jobs.attempts(sagemaker_client, kind, name)]
    trials = (jobs.training_jobs_of(sagemaker_client, each) for kind, each in found if kind is TUNING)
    return [*runs, *(each for _, each in found), *chain.from_iterable(trials)]
