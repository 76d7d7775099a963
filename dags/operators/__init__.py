"""Amazon's operators for jobs, by the same names, made idempotent: a task that runs again starts no second job.

- `glue`, `sagemaker`: the operators
- `once`: what makes them idempotent
- `waiting`: how long they wait for their job
- `final_errors`: Python tasks that fail at once where no retry can help
- `params`: references to the params of a run
- `airflow_exceptions`: where this version of Airflow keeps its exceptions

They are in `dags/` and not in `plugins/`, because on MWAA a change of plugins.zip restarts the environment.
"""
