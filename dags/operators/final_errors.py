"""Python tasks that fail at once where a retry cannot help, and refuse parameters that their DAG does not have."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk import get_current_context

from complaints.aws import failures
from complaints.errors import FinalError
from complaints.settings.parameters import check_known
from operators.airflow_exceptions import AirflowFailException

P = ParamSpec("P")
R = TypeVar("R")


def fails_at_once(function: Callable[P, R]) -> Callable[P, R]:
    """`function` for a task: an error that no retry changes ends the task, whatever its `retries`.

    Those are a `FinalError` and a request that AWS refuses for good. The domain itself knows no Airflow; a state
    machine calls `function` directly, and retries on no error of it.

    Raises:
        AirflowFailException: with the sentence that the alert has.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            _check_conf()
            return function(*args, **kwargs)
        except Exception as error:
            if isinstance(error, FinalError) or failures.is_refused_for_good(error):
                raise AirflowFailException(failures.cause_of(error)) from error
            raise

    return call


def _check_conf() -> None:
    """Airflow itself ignores what a run's conf has beyond the DAG's parameters, such as a misspelt name."""
    context = get_current_context()
    check_known(context["dag_run"].conf or {}, context["dag"].params)
