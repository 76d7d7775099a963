"""A run, from its inputs to its published results.

- `inputs`: the objects that a run reads
- `plans`: every name and URI of a run, a module for each flow
- `documents`: the release, the written plan, and what the Glue jobs report
- `requests`: the requests to AWS, a module for each kind of job
- `accounting`: the account of every row
- `source_ledger`: how many rows the last run of each source read
- `publishing`: the manifest that makes a run visible
- `results`: reading what was published
"""
