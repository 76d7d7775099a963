"""The note of a run: its outcome in one line, which Airflow's UI shows in its lists of runs.

Airflow lets no task write the note of its run. So the task that knows the outcome leaves it as its XCom `note`, and
the plugin `plugins/run_notes.py` copies it when the run has ended. Without the plugin, it is in the task's log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk import get_current_context

log = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
NOTE = "note"
# What a monitoring adds to the note of the classification that started it.
NOTE_OF_CLASSIFICATION = "note_of_classification"


def notes(sentence: Callable[..., str], function: Callable[P, R]) -> Callable[P, R]:
    """`function` for a task: `sentence` of what was returned and passed becomes the note of the run."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        returned = function(*args, **kwargs)
        told = sentence(returned, *args, **kwargs)
        log.info("%s", told)
        get_current_context()["ti"].xcom_push(NOTE, told)
        return returned

    return call
