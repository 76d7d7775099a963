"""AWS on a laptop: an AWS endpoint in which Glue and SageMaker jobs really run.

    with LocalAWS(Path("build/aws")) as aws:
        aws.client("glue").start_job_run(JobName="prepare-complaints")

The endpoint is moto's server. A thin layer in front of it takes over the operations that execute something; moto does
the rest. It needs no Docker and no AWS account, and listens on the loopback interface.

    server         the HTTP endpoint: access control, protocol, trail of calls, state folder
    s3             persistence of objects, and S3 staging for Glue jobs
    glue           Glue job runs
    sagemaker      training, processing and batch transform jobs
    lambdas        Lambda functions, their queue of events and their destinations
    cloudwatch     alarms, evaluated
    events         EventBridge: rules, schedules, targets
    stepfunctions  executions of state machines, and their Glue and SageMaker tasks
    jobs           a job of any kind as a local process, with its log
    container      the programs that run inside a job's process
    moto_patches   every change to moto
"""

from localaws.server.endpoint import LocalAWS

__all__ = ["LocalAWS"]
