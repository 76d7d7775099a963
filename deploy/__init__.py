"""Deployment with boto3, to an AWS account or to local AWS.

- `__main__`: the command line, and the two deployments it runs
- `environments`: the files of environments, and the one active file of a release
- `package`: a release as files with their hashes, built for one environment
- `releases`: releases of the job code in S3: upload one, make one current, go back to an earlier one
- `artifacts`: the files and archives of a release, and the release's name
- `glue_jobs`: the Glue job definitions
- `compiled_files`: the check that the committed state machines match the settings
- `state_machines`: the Step Functions state machines
- `lambda_functions`, `layer`: the Lambda functions' code, and the layer with their packages
- `starter`: the function that starts executions, with its triggers
- `monitoring`: the rule that starts the monitoring of each published classification
- `alerts`: the rule that reports failures which no state can report
- `event_rules`: EventBridge rules with a Lambda target
- `runbooks`: the runbook pages that notifications link to
- `errors`: the error tree
"""
