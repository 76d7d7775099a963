"""The Lambda entry points. No Airflow here: the archive holds these modules and `dags/complaints/`."""
