"""The model: its versions, and the one in service.

- `registry`: claiming, finding and checking versions
- `gate`: the verdict on a trained model
- `registration`: what a version consists of: its files, its record, its SageMaker model
- `cards`: the model card of a version
- `promotion`: the pointer to the version in service, moved by promotion, rollback and shadows
- `packages`: the SageMaker Model Registry, which keeps the approvals
- `approval`: the question to a person, and the answer that lets a waiting execution go on
"""
