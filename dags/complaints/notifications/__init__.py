"""The messages about failed runs, and about files that a run went on without.

- `alerts`: the failure callbacks of the tasks and the DAGs
- `set_aside`: the message about files that cannot be read
"""
