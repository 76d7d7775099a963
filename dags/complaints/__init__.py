"""The domain of the flows: settings, plans, requests, accounts, versions. No Airflow in it."""
