"""The messages that people get.

- `alerts`: the failure callbacks of the tasks and the DAGs
- `questions`: a model version that awaits approval
- `run_notes`: the outcome of a run in one line, as Airflow shows it beside the run
- `refusals`: a trained model that did not pass the gate
- `set_aside`: the message about files that cannot be read
"""
