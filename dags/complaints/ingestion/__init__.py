"""The ingestion of the public export: what the server has, what was ingested last, and what goes under `raw/`.

- `remote`: the version of the export that the server has now
- `plans`: the plan of a run
- `exports`: the exports in the bucket, and the pointer to the one that was ingested last
- `publishing`: the new and changed complaints as a batch under `raw/batches/`, once
"""
