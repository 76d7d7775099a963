"""Deployment with boto3, to an AWS account or to local AWS.

- `__main__`: `make deploy`, `make destroy` and `make smoke`
- `deployment`: a release in an account: stacks, uploads, the switch
- `preflight`: what would stop a deployment or its first run
- `smoke`: the smoke test of an environment
- `environments`: the files of environments, and the one active file of a release
- `sbom`: the packages of a release, as a CycloneDX bill of materials
- `package`: a release as files with their hashes, built for one environment
- `infrastructure`: the CloudFormation stacks of an environment, with their parameters
- `stacks`: one stack: compared with its template, changed, waited for
- `releases`: releases of the job code in S3: upload one, make one current
- `local`: the same stacks and job code on local AWS, whose names the settings already have
- `artifacts`: the files and archives of a release, and the release's name
- `compiled_files`: the check that the committed event patterns match the settings
- `pipeline`, `layer`: the state machines and the Lambda functions' code, and the layer with their packages
- `runbooks`: the runbook pages that notifications link to
- `errors`: the error tree
"""
