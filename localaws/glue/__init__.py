"""Glue job runs, which execute their PySpark scripts.

operations  StartJobRun, GetJobRun, GetJobRuns, BatchStopJobRun, UpdateJob
run         one run: its script, libraries and staged S3 paths
spark       Spark's configuration for one run
"""
