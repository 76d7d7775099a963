"""A SageMaker job as its Describe operation returns it."""

from collections import Counter
from itertools import pairwise

from localaws.jobs.job import Activity, Job, Phase
from localaws.sagemaker.training import final_metrics, output_uri
from localaws.sagemaker.tuning import Trial, TuningJob
from localaws.server.protocol import Json

STATUSES = {
    Phase.SUCCEEDED: "Completed",
    Phase.FAILED: "Failed",
    Phase.STOPPED: "Stopped",
    # "After the condition is met, the processing job is stopped": the same words for training.
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingStoppingCondition.html
    Phase.TIMED_OUT: "Stopped",
}
# SecondaryStatus and its message, of training jobs.
STEPS = {
    Phase.STARTING: ("Starting", "Preparing the instances for training"),
    Phase.DOWNLOADING: ("Downloading", "Downloading input data"),
    Phase.RUNNING: ("Training", "Training image download completed. Training in progress."),
    Phase.UPLOADING: ("Uploading", "Uploading generated training model"),
    Phase.SUCCEEDED: ("Completed", "Training job completed"),
    Phase.FAILED: ("Failed", "Training job failed"),
    Phase.STOPPED: ("Stopped", "Training job stopped"),
    Phase.TIMED_OUT: ("MaxRuntimeExceeded", "Training job runtime exceeded MaxRuntimeInSeconds provided"),
}


def status(job: Activity) -> str:
    """The job's status: InProgress, Stopping, or a final one."""
    return "Stopping" if job.stopping else STATUSES.get(job.phase, "InProgress")


def training_record(job: Job) -> Json:
    """The answer of DescribeTrainingJob."""
    began = job.entered(Phase.RUNNING)
    seconds = int((job.ended or job.modified) - began) if began else 0
    uploaded = job.phase in (Phase.SUCCEEDED, Phase.STOPPED, Phase.TIMED_OUT) and began
    artifact = {"S3ModelArtifacts": f"{output_uri(job.request)}/model.tar.gz"} if uploaded else {}
    return {
        # Members that Describe must have, and Create may leave out.
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        **_common("Training", job),
        "SecondaryStatus": "Stopping" if job.stopping else STEPS[job.phase][0],
        "SecondaryStatusTransitions": _transitions(job),
        "ModelArtifacts": artifact,
        "TrainingTimeInSeconds": seconds if job.ended else None,
        "BillableTimeInSeconds": seconds if job.ended else None,
    }


def training_measures(job: Job) -> Json:
    """Members that need the job's log: returned by Describe, but not by List."""
    return {"FinalMetricDataList": final_metrics(job.request, job.log.streams[0].file, job.ended) or None}


def processing_record(job: Job) -> Json:
    """The answer of DescribeProcessingJob."""
    return _common("Processing", job)


def transform_record(job: Job) -> Json:
    """The answer of DescribeTransformJob."""
    return _common("Transform", job)


def tuning_record(job: TuningJob) -> Json:
    """The answer of DescribeHyperParameterTuningJob, with what only List returns."""
    config, best = job.request["HyperParameterTuningJobConfig"], job.best
    return job.request | {
        "HyperParameterTuningJobStatus": status(job),
        "CreationTime": job.created,
        "HyperParameterTuningEndTime": job.ended,
        "LastModifiedTime": max([job.modified, *(trial.job.modified for trial in job.trials)]),
        "FailureReason": job.failure,
        "TrainingJobStatusCounters": _status_counters(job),
        "ObjectiveStatusCounters": _objective_counters(job),
        "BestTrainingJob": trial_record(job, best) if best else None,
        "Strategy": config["Strategy"],
        "ResourceLimits": config["ResourceLimits"],
    }


def trial_record(tuning: TuningJob, trial: Trial) -> Json:
    """A HyperParameterTrainingJobSummary."""
    job, objective = trial.job, trial.objective
    return {
        "TrainingJobName": job.name,
        "TrainingJobArn": trial.arn,
        "TuningJobName": tuning.name,
        "CreationTime": job.created,
        "TrainingStartTime": job.entered(Phase.RUNNING),
        "TrainingEndTime": job.ended,
        "TrainingJobStatus": status(job),
        "TunedHyperParameters": trial.sample.parameters,
        "FailureReason": job.failure if job.phase is Phase.FAILED else None,
        "FinalHyperParameterTuningJobObjectiveMetric": (
            None if objective is None else {**tuning.objective, "Value": objective}
        ),
        "ObjectiveStatus": objective_status(trial),
    }


def objective_status(trial: Trial) -> str:
    """Pending until the training job's objective is known; Failed if it has none."""
    if not trial.is_evaluated:
        return "Pending"
    return "Failed" if trial.objective is None else "Succeeded"


def _status_counters(job: TuningJob) -> Json:
    found = Counter(status(trial.job) for trial in job.trials)
    return {
        "Completed": found["Completed"],
        "InProgress": found["InProgress"] + found["Stopping"],
        # SageMaker retries what fails on its side; nothing here does.
        "RetryableError": 0,
        "NonRetryableError": found["Failed"],
        "Stopped": found["Stopped"],
    }


def _objective_counters(job: TuningJob) -> Json:
    found = Counter(objective_status(trial) for trial in job.trials)
    return {name: found[name] for name in ("Succeeded", "Pending", "Failed")}


def _common(kind: str, job: Job) -> Json:
    return job.request | {
        f"{kind}JobStatus": status(job),
        "CreationTime": job.created,
        f"{kind}StartTime": job.entered(Phase.RUNNING),
        f"{kind}EndTime": job.ended,
        "LastModifiedTime": job.modified,
        "FailureReason": job.failure if job.phase is Phase.FAILED else None,
    }


def _transitions(job: Job) -> list[Json]:
    steps = list(job.transitions)
    transitions = [
        {"Status": STEPS[step.phase][0], "StatusMessage": STEPS[step.phase][1], "StartTime": step.at} for step in steps
    ]
    for entry, (_, following) in zip(transitions, pairwise(steps), strict=False):
        entry["EndTime"] = following.at
    if job.ended:
        transitions[-1]["EndTime"] = job.ended
    return transitions
