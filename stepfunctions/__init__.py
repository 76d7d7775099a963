"""AWS Step Functions for the flows: the state machines compiled from the Airflow DAGs, and their Lambda functions.

- `__main__`: the command line, `make export`: writes the compiled files, or checks that they are current
- `compiler`: the compiler, from a DAG object to Amazon States Language
- `handlers`: the Lambda functions' entry points
- `substitutions`: the names in the compiled files that stand for an environment's values
- `*.asl.json`, `*.trigger.json`: the compiled state machines, and the event patterns that start them
"""
