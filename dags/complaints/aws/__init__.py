"""AWS as the flows see it: the bucket of an environment, and the jobs, their logs and why they failed."""
