"""The exceptions of Airflow that the operators raise and catch, from wherever this version of Airflow defines them.

Airflow 3.1 moved them to `airflow.sdk.exceptions`. Importing them from their old home raises a deprecation warning
since, and in Airflow 3.0 it is the only home.
"""

from __future__ import annotations

import importlib

import airflow.sdk.exceptions as new_home

_HOME = new_home if hasattr(new_home, "TaskDeferralTimeout") else importlib.import_module("airflow.exceptions")

AirflowFailException: type[Exception] = _HOME.AirflowFailException
TaskDeferralError: type[Exception] = _HOME.TaskDeferralError
TaskDeferralTimeout: type[Exception] = _HOME.TaskDeferralTimeout
