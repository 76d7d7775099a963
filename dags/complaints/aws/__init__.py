"""AWS as the flows use it: the environment's bucket, and the jobs of the steps.

- `bucket`: JSON documents, listings and copies, with conditional writes
- `objects`: one version of one object
- `clients`: the boto3 clients of tasks and callbacks
- `job_kinds`: the table of job kinds
- `jobs`: the search for a step's job
- `failures`: why a step failed, in one sentence
- `job_logs`: the end of a job's log
"""
