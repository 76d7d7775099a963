"""The stacks of an environment in their order; parameters come from the settings and from earlier stacks' outputs.

For whoever builds on this: make an `Infrastructure`, and call its methods in their order. Each deploys one stack and
returns its outputs; each may be called alone, again and at any time, since it reads the outputs of earlier stacks from
CloudFormation. `prefix` begins the name of every stack and resource (`ptmlops-dev`). `parameters` overrides or adds
parameters by stack (`{"data": {"CreateKey": "true"}}`), and `confirm` sees each stack's changes before they are made.
The templates are those below `root`.
What lies in the bucket (the release, the functions' code, the machines) must be there before the stack that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from complaints.runs.costs import DPU_A_WORKER
from complaints.runs.requests import image_uri
from complaints.settings import Glue, PipelineSettings, Settings
from deploy.errors import StackError
from deploy.stacks import ROOT, Confirm, Stack, delete_stack, deploy_stack, outputs

# In the order in which they are deployed; they are deleted in the other, so those that cost most go first.
STACKS = ("data", "roles", "jobs", "pipeline", "monitoring", "dags", "quicksight", "mwaa")
_TOPIC = "-alerts"
_CORES_A_DPU = 4


def worker_parameters(glue: Glue) -> dict[str, str]:
    """The parameters of the jobs' stack that say on what the jobs run."""
    # Otherwise Spark counts the cores of those executors that have registered when the reading begins.
    cores = _CORES_A_DPU * DPU_A_WORKER[glue.worker_type] * (glue.number_of_workers - 1)
    return {
        "GlueVersion": glue.version,
        "WorkerType": glue.worker_type,
        "NumberOfWorkers": str(glue.number_of_workers),
        "ExecutorCores": str(cores),
        "MaxConcurrentRuns": str(glue.max_concurrent_runs),
        "TimeoutMinutes": str(glue.timeout_minutes),
    }


@dataclass(frozen=True)
class Infrastructure:
    """The stacks of one environment."""

    cloudformation: Any
    prefix: str
    settings: PipelineSettings
    confirm: Confirm | None = None
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    root: Path = ROOT

    def data(self) -> dict[str, str]:
        """Bucket, topic, dead-letter queue, and the results as a table."""
        return self._deploy("data", {"BucketName": self.settings.storage.bucket})

    def roles(self) -> dict[str, str]:
        """The roles; the only stack that creates IAM resources."""
        data, image, security = self._outputs("data"), self._image, self.settings.security
        glue = self.parameters.get("jobs", {})
        parameters = {
            "BucketName": data["BucketName"],
            "ImageAccount": image.partition(".")[0],
            "KeyArn": data.get("KeyArn", ""),
            "JobsKeyArn": security.kms_key_arn or "",
            "JobsInVpc": "true" if security.subnets or glue.get("ConnectionName") else "false",
            "GlueSecurityConfiguration": glue.get("SecurityConfiguration", ""),
            "AirflowEnvironment": self.settings.aws.mwaa_environment,
        }
        return self._deploy("roles", parameters, ("CAPABILITY_NAMED_IAM",))

    def jobs(self, release: str) -> dict[str, str]:
        """The Glue jobs, with the code of a release."""
        parameters = {
            "BucketName": self.settings.storage.bucket,
            "GlueRoleArn": self.settings.aws.glue_role_arn,
            "Release": release,
            **worker_parameters(self.settings.glue),
        }
        return self._deploy("jobs", parameters)

    def pipeline(self, **code: str) -> dict[str, str]:
        """State machines, functions and rules; `code` is where they lie in the bucket, and what is switched on."""
        data, roles = self._outputs("data"), self._outputs("roles")
        chosen = ("SageMakerRoleArn", "StatesRoleArn", "StepsRoleArn", "StarterRoleArn", "EventsRoleArn")
        parameters = {
            "BucketName": data["BucketName"],
            "RawPrefix": self.settings.storage.raw,
            "ScikitLearnImage": self._image,
            "DeadLettersArn": data["DeadLettersArn"],
            "DeadLettersUrl": data["DeadLettersUrl"],
            "MaxExecutions": str(self.settings.glue.max_concurrent_runs),
            "IngestionSchedule": self.settings.ingestion.schedule_expression,
        }
        return self._deploy("pipeline", {**parameters, **{name: roles[name] for name in chosen}, **code})

    def monitoring(self) -> dict[str, str]:
        """Alarms and the dashboard."""
        data = self._outputs("data")
        return self._deploy("monitoring", {name: data[name] for name in ("BucketName", "TopicArn")})

    def dags(self) -> dict[str, str]:
        """The bucket that MWAA reads DAG files and plugins.zip from."""
        return self._deploy("dags", {})

    def mwaa(self, plugins_key: str, plugins_version: str) -> dict[str, str]:
        """MWAA, with the plugins of that version of an object in its bucket."""
        data, roles = self._outputs("data"), self._outputs("roles")
        parameters = {
            "DagsBucket": self._outputs("dags")["DagsBucket"],
            "PluginsS3Path": plugins_key,
            "PluginsS3ObjectVersion": plugins_version,
            "DataBucket": data["BucketName"],
            "SageMakerRoleArn": roles["SageMakerRoleArn"],
            "AlertsTopicArn": data["TopicArn"],
            "DataKeyArn": data.get("KeyArn", ""),
            "JobsKeyArn": self.settings.security.kms_key_arn or "",
        }
        return self._deploy("mwaa", parameters, ("CAPABILITY_IAM",))

    def quicksight(self) -> dict[str, str]:
        """The dashboard of results."""
        return self._deploy("quicksight", {})

    def delete(self) -> list[str]:
        """Deletes every stack; returns what they keep: the data."""
        return [kept for name in reversed(STACKS) for kept in delete_stack(self.cloudformation, self.prefix, name)]

    @property
    def _image(self) -> str:
        return image_uri(Settings.model_construct(pipeline=self.settings))  # it reads no other part of the settings

    def _outputs(self, name: str) -> dict[str, str]:
        found = outputs(self.cloudformation, f"{self.prefix}-{name}")
        if not found:
            raise StackError(f"the stack {self.prefix}-{name} is not there: deploy it first")
        return found

    def _deploy(self, name: str, parameters: Mapping[str, str], capabilities: tuple[str, ...] = ()) -> dict[str, str]:
        given = {"Prefix": self.prefix, **parameters, **self.parameters.get(name, {})}
        stack = Stack(name, given, capabilities)
        return deploy_stack(
            self.cloudformation, self.prefix, stack, confirm=self.confirm, tags=self.tags, root=self.root
        )


def of_settings(cloudformation: Any, settings: PipelineSettings) -> Infrastructure:
    """The stacks whose resources the settings already name, as those of local AWS do.

    Raises:
        StackError: the topic's name does not end with `-alerts`.
    """
    topic = settings.aws.alerts_topic_arn.rpartition(":")[2]
    if not topic.endswith(_TOPIC):
        raise StackError(f"the topic of aws.alerts_topic_arn is {topic!r}, expected a name that ends with {_TOPIC!r}")
    return Infrastructure(cloudformation, topic.removesuffix(_TOPIC), settings)


def check_names(settings: PipelineSettings, made: Mapping[str, str]) -> None:
    """Compares the ARNs in the settings with the stacks' outputs.

    Raises:
        StackError: some differ; the message names each setting, the value found and the value expected.
    """
    named = {
        "glue_role_arn": "GlueRoleArn",
        "sagemaker_role_arn": "SageMakerRoleArn",
        "alerts_topic_arn": "TopicArn",
    }
    wrong = [
        f"aws.{setting} is {getattr(settings.aws, setting)!r}, expected {made[output]!r}"
        for setting, output in named.items()
        if getattr(settings.aws, setting) != made[output]
    ]
    if wrong:
        raise StackError(f"the settings do not name what the stacks have: {'; '.join(wrong)}")
