"""AWS on a laptop: an AWS endpoint in which Glue and SageMaker jobs really run.

    with LocalAWS(Path("build/aws")) as aws:
        aws.client("glue").start_job_run(JobName="prepare-complaints")

The endpoint is moto's server. A thin layer in front of it takes over the operations that must execute
something; everything else is moto's. No Docker, no AWS account, nothing but the loopback interface.
"""

from localaws.server.endpoint import LocalAWS

__all__ = ["LocalAWS"]
