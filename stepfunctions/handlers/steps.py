"""The Lambda entry point of the Python tasks: the state machine names a function, and it is called as Airflow would."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

# The Lambda function that every compiled state machine invokes.
STEPS_FUNCTION = "ptmlops-steps"
# Whoever may invoke the Lambda must not get to call anything that Python can import.
_CALLABLE = "complaints.steps."


class ForeignFunctionError(ValueError):
    """The event names a function that is not one of the flows' tasks."""


def run_step(event: Mapping[str, Any], _context: object) -> Any:
    """Calls `event["function"]` with `event["arguments"]` by name; returns what it returns, as JSON has it.

    Raises:
        ForeignFunctionError: the function is not in `complaints.steps`.
    """
    name = event["function"]
    module, _, function = name.rpartition(".")
    if f"{module}." != _CALLABLE or function.startswith("_"):
        raise ForeignFunctionError(f"{name!r} is not a task of the flows: it would begin with {_CALLABLE!r}")
    found: Any = getattr(importlib.import_module(module), function, None)
    if getattr(found, "__module__", None) != module:
        raise ForeignFunctionError(f"{module} defines no task {function!r}")
    return json.loads(json.dumps(found(**event["arguments"])))
