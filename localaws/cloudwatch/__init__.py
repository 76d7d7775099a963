"""CloudWatch's alarms, which moto stores and does not evaluate.

- `evaluation`: the state of an alarm by its data points
- `alarms`: the alarms of an account, evaluated again and again
"""
