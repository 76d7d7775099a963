"""The Lambda entry points. They import no Airflow: the archive has these modules and `dags/complaints/` only.

- `steps`: the Python tasks and the failure callbacks
- `starter`: starting an execution for each file that arrives
"""
