"""The model: its versions, and the one in service.

- `registry`: registering and checking versions
- `promotion`: the pointer to the version in service, moved by promotion, rollback and shadows
- `packages`: the SageMaker Model Registry, which keeps the approvals
"""
