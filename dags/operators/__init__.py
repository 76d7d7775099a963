"""Amazon's operators, made idempotent: by the same names, and a task that is run again never starts a second job.

In `dags/` and not in `plugins/`: on MWAA a change of plugins.zip restarts the environment for half an hour.
"""
