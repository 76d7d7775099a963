"""The Python tasks of `complaints_training` around its tuning job."""

from __future__ import annotations

from complaints.aws import jobs
from complaints.aws.clients import client, environment_bucket
from complaints.aws.job_kinds import TUNING
from complaints.models.tuning import Chosen, TuningError, tuned, untuned
from complaints.runs import plans, requests
from complaints.settings import load_settings
from complaints.tasks import training


def history_adds_up(plan: plans.TrainingPlan, accept_fewer_rows: bool = False) -> str:
    """The next step once the history adds up: `tune_model` if the plan says so, else `choose_hyperparameters`.

    One task, since each costs a run about a second.

    Raises:
        RowsMissingError, RowsCollapsedError: as `training.history_adds_up`.
    """
    training.history_adds_up(plan, accept_fewer_rows)
    return "tune_model" if plan["tune"] else "choose_hyperparameters"


def choose_hyperparameters(plan: plans.TrainingPlan) -> Chosen:
    """The plan's own hyperparameters, or those of the best training job of its tuning job.

    Raises:
        TuningError: the tuning job found none.
    """
    if not plan["tune"]:
        return untuned(plan["hyperparameters"])
    settings = load_settings()
    job = jobs.sagemaker_job(
        client("sagemaker", settings),
        environment_bucket(settings).has_objects,
        kind=TUNING,
        request=requests.tuning_job(plan, settings),
        output_uri=plan["tuning_uri"],
    )
    if job.state != "done":
        raise TuningError(f"the tuning job {job.name} is {job.state}: clear tune_model")
    return tuned(plan["hyperparameters"], job.described)
