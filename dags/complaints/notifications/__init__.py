"""The messages about failed runs.

- `alerts`: the failure callbacks of the tasks and the DAGs
"""
