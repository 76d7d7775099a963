"""The base of errors that the same input raises each time: a retry cannot help, so the run fails at once."""

from __future__ import annotations


class FinalError(Exception):
    """No retry changes it. Airflow's tasks are not tried again after one, and no state machine retries on any."""
