"""Glue: job runs that really run their PySpark scripts."""
