"""IAM: policies, evaluated as AWS does; moto's evaluation passes over resources in part, and over conditions.

- `evaluation`: whether policy documents allow or deny a request
- `requests`: what IAM is asked about a call
- `enforcement`: refuses the calls that the caller's role does not allow
"""
