"""Monitoring after a classification: what its figures mean, and what is done about them.

- `decision`: the decision table, as data
- `retraining`: the guard of automatic retraining: once, not soon again, and only with new labels
"""
