"""TimeoutSeconds, Retry and Catch of a state, from the task's execution_timeout and retries.

Airflow retries a failed task whatever the error was. A state retries only on errors that are certain to be transient:
the call that starts the work was throttled, or the service failed. A job that ran and failed is not started again, so
no state retries on `States.TaskFailed`, which is also the error of such a job.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from stepfunctions.compiler.refusals import RefusedError

# AWS's documentation and its samples spell SageMaker's errors with and without "Exception": both are listed.
# An error that the service's API does not declare, such as throttling, may be named after the service as a whole.
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
STATES_TRANSIENT = ("StepFunctions.AWSStepFunctionsException", "StepFunctions.ExecutionLimitExceededException")
_LONGEST_PAUSE = timedelta(minutes=10)
_CALLBACK_PAUSE_SECONDS = 2


def timeout(task: Any) -> dict[str, Any]:
    """`TimeoutSeconds`, from the task's execution_timeout.

    Raises:
        RefusedError: the task has none; the default of a state is 99,999,999 seconds, about three years.
    """
    if task.execution_timeout is None:
        raise RefusedError(
            task.task_id, "timeout", "set execution_timeout: without one the state could wait for three years"
        )
    return {"TimeoutSeconds": int(task.execution_timeout.total_seconds())}


def retry(task: Any, transient: tuple[str, ...]) -> dict[str, Any]:
    """`Retry`, from retries, retry_delay, retry_exponential_backoff and max_retry_delay; empty if retries is 0."""
    if not task.retries:
        return {}
    pause = max(1, int(task.retry_delay.total_seconds()))
    longest = int((task.max_retry_delay or _LONGEST_PAUSE).total_seconds())
    return _retry(transient, task.retries, pause, _backoff(task), longest)


def start_retry(attempts: int, transient: tuple[str, ...]) -> dict[str, Any]:
    """`Retry` of a call that is not a task of the DAG: after two seconds, then after twice as long each time."""
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
                "MaxDelaySeconds": max(longest, pause + 1),  # must be greater than IntervalSeconds
                "JitterStrategy": "FULL",
            }
        ]
    }


def _backoff(task: Any) -> float:
    """`BackoffRate`; retry_exponential_backoff is a number since Airflow 3.2, and was a bool before: True means 2."""
    factor = task.retry_exponential_backoff
    return 2.0 if factor is True else max(1.0, float(factor or 1.0))


def catch(failed: str) -> dict[str, Any]:
    """`Catch`: every error leads to the state `failed`; the error is added to the data, and does not replace it."""
    return {"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": failed}]}
