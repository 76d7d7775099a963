"""Compiles Airflow DAGs to AWS Step Functions: one flow, written once, run by either."""
