"""Monitoring after a classification: what its figures mean, and what is done about them.

- `plans`: the plan of monitoring one published classification
- `decision`: the decision table, as data
- `windows`: the documents of decisions, and the earlier ones that the next decision needs
- `retraining`: the guard of automatic retraining: once, not soon again, and only with new labels; and its start
- `page`: the page of a run: figures, decision and reasons
- `metrics`: the figures for CloudWatch
- `drift`: the records of drift, which SQL reads
"""
