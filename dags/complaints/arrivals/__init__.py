"""Arrivals: starting one run of the classification for each file, or batch of files, that lands under `raw/`.

- `events`: the events of S3, and what an arrival is
- `decision`: whether an arrival needs a run, for both orchestrators
- `ledger`: the record of what was started
- `starting`: starting executions of the state machine (the Lambda function `ptmlops-starter`)
- `dag_runs`: the runs of Airflow (the DAG `complaints_arrivals`)
"""
