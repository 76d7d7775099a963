"""A job of any kind as local processes.

job        a job's life: prepare, run, collect
processes  the job's processes, and how they are stopped
forks      processes that are forks of one that has imported what they need
logs       its output on the way to CloudWatch Logs and files
errors     the error in the log of a failed job
archive    tar archives, read safely and written reproducibly
"""
