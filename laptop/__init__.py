"""The whole pipeline on one machine: local AWS, Airflow, deploy, two flows, and a summary that a person can read."""
