"""CloudFormation: stacks whose resources are created by calls to this endpoint, as CloudFormation itself creates them.

moto's own creates no Glue job, bucket policy, alarm or workgroup and says CREATE_COMPLETE, does not roll back, and sees
no change of a parameter inside Fn::Sub; so none of it is used.

- `templates`: a template's text as a dictionary
- `intrinsics`: Ref, Fn::Sub, conditions and the other functions of templates
- `resources`: what a resource type needs, and the registry of those that exist here
- `kinds`: the resource types, by service
- `stacks`: stacks and their resources: create, update, roll back, delete
- `changes`: the difference between a stack and a template
- `operations`: the operations of the API
- `query`: the query protocol
"""
