"""The servers behind the commands: local AWS, Airflow or Step Functions, their state folder and processes."""
