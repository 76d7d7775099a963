"""The Lambda entry points. They import no Airflow: the archive has these modules and `dags/complaints/` only.

- `steps`: the Python tasks and the failure callbacks
- `starter`: starting an execution for each file that arrives
"""

# The function of `steps`, which every compiled state machine invokes. Not in that module, which imports all tasks.
STEPS_FUNCTION = "ptmlops-steps"
