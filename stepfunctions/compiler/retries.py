"""How long a state may take, when it is tried again, and what happens when it fails for good.

Airflow tries a failed task again whatever the reason. A state machine can tell reasons apart, so only what is sure to
be transient is tried again: the call that starts the work was throttled, or the service had an error. A job that ran
and failed is not started twice (its error, `States.TaskFailed`, looks like the others': never retry on it).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from stepfunctions.compiler.refusals import RefusedError

# Spellings with and without "Exception": AWS's documents and its samples disagree, and no error may be missed.
# An error that a service's API does not declare, and throttling is one, may come under the name of the whole service.
GLUE_TRANSIENT = (
    "Glue.AWSGlueException",
    "Glue.ConcurrentRunsExceededException",
    "Glue.InternalServiceException",
    "Glue.OperationTimeoutException",
    "Glue.ResourceNumberLimitExceededException",
    "Glue.ThrottlingException",
)
SAGEMAKER_TRANSIENT = (
    "SageMaker.AmazonSageMakerException",
    "SageMaker.ResourceLimitExceeded",
    "SageMaker.ResourceLimitExceededException",
    "SageMaker.ThrottlingException",
)
LAMBDA_TRANSIENT = (
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ServiceException",
    "Lambda.TooManyRequestsException",
)
_LONGEST_PAUSE = timedelta(minutes=10)
_CALLBACK_PAUSE_SECONDS = 2


def timeout(task: Any) -> dict[str, Any]:
    """`TimeoutSeconds`, from the task's execution_timeout.

    Raises:
        RefusedError: it has none; a state without a timeout waits a year (the default is 99,999,999 seconds).
    """
    if task.execution_timeout is None:
        raise RefusedError(task.task_id, "timeout", "set execution_timeout: a state without one may wait for years")
    return {"TimeoutSeconds": int(task.execution_timeout.total_seconds())}


def retry(task: Any, transient: tuple[str, ...]) -> dict[str, Any]:
    """`Retry`, from retries, retry_delay, retry_exponential_backoff and max_retry_delay; none where retries is 0."""
    if not task.retries:
        return {}
    pause = max(1, int(task.retry_delay.total_seconds()))
    longest = int((task.max_retry_delay or _LONGEST_PAUSE).total_seconds())
    return _retry(transient, task.retries, pause, _backoff(task), longest)


def start_retry(attempts: int, transient: tuple[str, ...]) -> dict[str, Any]:
    """`Retry` of a call that is no task of the DAG: soon, and each time twice as late."""
    longest = int(_LONGEST_PAUSE.total_seconds())
    return _retry(transient, attempts, _CALLBACK_PAUSE_SECONDS, 2.0, longest)


def _retry(transient: tuple[str, ...], attempts: int, pause: int, backoff: float, longest: int) -> dict[str, Any]:
    return {
        "Retry": [
            {
                "ErrorEquals": list(transient),
                "IntervalSeconds": pause,
                "MaxAttempts": attempts,
                "BackoffRate": backoff,
                "MaxDelaySeconds": max(longest, pause + 1),  # the service wants it above IntervalSeconds
                "JitterStrategy": "FULL",
            }
        ]
    }


def _backoff(task: Any) -> float:
    """What each pause is multiplied by; Airflow says it as a number since 3.2, and as a bool before: True is 2."""
    said = task.retry_exponential_backoff
    return 2.0 if said is True else max(1.0, float(said or 1.0))


def catch(failed: str) -> dict[str, Any]:
    """`Catch`: any error leads to the state `failed`, with the error beside the data, not in its place."""
    return {"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": failed}]}
