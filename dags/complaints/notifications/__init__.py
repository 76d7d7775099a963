"""The messages that people get.

- `alerts`: the failure callbacks of the tasks and the DAGs
- `questions`: a model version that awaits approval
- `refusals`: a trained model that did not pass the gate
- `set_aside`: the message about files that cannot be read
"""
