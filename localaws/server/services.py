"""The services that execute something, each connected with those that it calls: jobs, functions, events, executions.

Importing this module imports parts of moto that read the shell's AWS profile: import it once that is out of the way.
"""

import time
from pathlib import Path

from localaws import moto_patches
from localaws.cloudformation.operations import Stacks
from localaws.cloudwatch.alarms import Alarms
from localaws.events.bus import Events
from localaws.events.schedules import Schedules
from localaws.events.targets import Targets
from localaws.glue.operations import GlueJobs
from localaws.glue.ready_spark import ReadySpark
from localaws.jobs.forks import Forks
from localaws.jobs.job import Activity
from localaws.jobs.logs import GROUPS
from localaws.lambdas.environments import Environments
from localaws.lambdas.functions import OF_THE_RUNTIME, Functions
from localaws.lambdas.queue import FunctionQueue
from localaws.sagemaker.operations import OF_THE_IMAGE, SageMakerJobs
from localaws.server.cloud import OWN_AGENT, Cloud
from localaws.server.credentials import Credentials, own_session
from localaws.server.protocol import Handler
from localaws.server.timer import Timer
from localaws.stepfunctions.machines import StateMachines

# A job that is downloading is stopped only afterwards; its thread ends with the process at the latest.
LAST_WAIT_SECONDS = 15.0
# User-Agents of calls by an AWS service.
LAMBDA_AGENT, EVENTS_AGENT, STACKS_AGENT = (
    "lambda.amazonaws.com",
    "events.amazonaws.com",
    "cloudformation.amazonaws.com",
)


class Services:
    """The services of one endpoint, with their files in `folder`.

    `minute` is the number of seconds in a minute of timeouts, retries, schedules and alarms. With `standby` the next
    Spark job finds a process that has started before, and other jobs and functions are forks of one that has; with
    `reuse_jvm`, Spark jobs run in one JVM; with `forks`, there are forks without either.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Credentials,
        folder: Path,
        minute: float,
        *,
        standby: bool,
        reuse_jvm: bool,
        forks: bool,
    ) -> None:
        session = own_session(credentials)
        self._cloud, lambdas, rules, stacks = self._clouds = tuple(
            Cloud(endpoint, region, credentials, agent, session)
            for agent in (OWN_AGENT, LAMBDA_AGENT, EVENTS_AGENT, STACKS_AGENT)
        )
        self._timer = Timer()
        self._is_standby = standby or reuse_jvm
        self._spark = ReadySpark(self._cloud.environment(), folder / "spark", self._is_standby, reuses_jvm=reuse_jvm)
        self._glue = GlueJobs(self._cloud, folder, minute, self._spark)
        of_functions, of_jobs = self._forks = tuple(
            Forks(self._cloud.environment(), folder, names, self._is_standby or forks)
            for names in (OF_THE_RUNTIME, OF_THE_IMAGE)
        )
        self._sagemaker = SageMakerJobs(self._cloud, folder, of_jobs)
        self._environments = Environments(of_functions, self._timer)
        self.functions = Functions(self._cloud, folder, self._environments)
        self.queue = FunctionQueue(lambdas, self.functions, self._timer, minute)
        self._events = Events(region, Targets(rules, self.functions, self.queue), self.queue)
        self._machines = StateMachines(self._cloud, self._events.put, self._has_ended)
        self._alarms = Alarms(region, self._timer, minute)
        self._schedules = Schedules(self._events, region, self._timer, minute)
        self.stacks = Stacks(stacks)

    def start(self) -> None:
        """Starts what is due, once the endpoint answers."""
        self._spark.get_ready()
        if self._is_standby:
            for forks in self._forks:
                forks.get_ready()
        self._schedules.check()
        self._alarms.check()
        for group in GROUPS:
            self._cloud.client("logs").create_log_group(logGroupName=group)

    def close(self) -> None:
        """Ends every job and every thread, while the endpoint still answers them."""
        for each in (self._timer, self._events, self.queue, self.functions, self._machines, self._spark):
            each.close()
        for job in self.jobs:
            job.abandon()
        for job in self.jobs:
            job.join(LAST_WAIT_SECONDS)
        self._environments.close()
        for forks in self._forks:
            forks.close()

    def close_clients(self) -> None:
        """Closes the connections, once the endpoint is closed."""
        for cloud in self._clouds:
            cloud.close()

    def _has_ended(self, name: str, seconds: float) -> bool:
        """True once no job of this name runs any more; waits for that, at most for so many seconds."""
        running = [job for job in self.jobs if job.name == name and job.running]
        if not running:
            # Whoever asks saw it run a moment ago, and will look again.
            time.sleep(seconds)
        for job in running:
            job.join(seconds)
        return not any(job.running for job in running)

    @property
    def jobs(self) -> list[Activity]:
        """Every job since the start."""
        return [job for service in (self._glue, self._sagemaker, self.functions) for job in service.jobs]

    @property
    def operations(self) -> dict[str, Handler]:
        """The handlers of the operations that are taken over, by `X-Amz-Target`."""
        services = {
            "AWSGlue": self._glue.operations,
            "SageMaker": self._sagemaker.operations,
            "AWSStepFunctions": self._machines.operations,
        }
        return {f"{prefix}.{name}": handler for prefix, each in services.items() for name, handler in each.items()}

    @property
    def hooks(self) -> moto_patches.Hooks:
        """The calls that moto's parts make of these services."""
        return moto_patches.Hooks(
            object_created=self._events.object_created,
            function_notified=self._events.function_notified,
            object_changed=self._glue.staged_updates.object_changed,
            rule_matched=self._events.rule_matched,
            alarm_changed=self._events.alarm_changed,
            execution_started=self._machines.statuses.started,
            execution_ended=self._machines.statuses.ended,
            task_service=self._machines.task_service,
            task_client=self._machines.task_clients,
            sdk_client=self._machines.sdk_clients,
        )
