"""The domain of the flows. It imports no Airflow, so the same code runs in an Airflow worker and in Lambda.

- `settings`: the configuration, read and validated
- `aws`: the bucket, and the jobs on Glue and SageMaker
- `runs`: a run from its inputs to its published results
- `models`: the versions of the model
- `arrivals`: starting a run for each file that arrives
- `tasks`: the Python tasks of the flows
- `notifications`: the message about a failed run
"""
