"""The Python tasks of the flows: each public function of these modules is one. Lambda may call nothing else.

- `classification`, `training`: the tasks of these flows
- `approval`: the tasks around a person's approval
- `backfill`: the tasks of `complaints_backfill`
- `promotion`: the tasks of `complaints_promotion`
- `monitoring`: the tasks of `complaints_monitoring`
- `alarms`: what follows when CloudWatch raises an alarm
- `ingestion`: the tasks of `complaints_ingestion`
- `arrivals`: the tasks of `complaints_arrivals`
- `jobs`: the search for a step's job, which a state machine calls before it starts one

A task takes and returns JSON and makes its own clients, so it runs the same in an Airflow worker and in Lambda. A
repeated task changes nothing.
"""
