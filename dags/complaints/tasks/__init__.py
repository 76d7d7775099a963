"""Every function that is a task, one module a flow. This package is all that the Lambda function may call."""
