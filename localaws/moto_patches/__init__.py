"""Every change to moto 5.2.5. `apply` makes them, for as long as one LocalAWS runs.

Each module says what moto does, what AWS does, and why it matters here; its contract test in
`tests/localaws/moto_patches` fails when a new moto moves what the patch relies on, or makes it unnecessary.

    light_imports             state machines without EC2
    hooks                     the functions of our services that patched moto calls
    replacement               replaced attributes, restored at the end
    s3_conditional_writes     one winner among concurrent writers with If-Match and If-None-Match
    s3_concurrent_reads       no errors for reads beside deletions and new versions
    s3_range_reads            a range is read without the rest of its object
    server_paths              keys with line feeds
    server_hosts              the service of a host is found once
    s3_listings               EncodingType=url for keys that XML cannot hold, and no copies of the bytes
    s3_object_files           objects in files instead of memory, for persistence
    s3_object_changes         the S3 staging of running Glue jobs follows each write
    s3_bucket_policies        policies deny what their conditions say, and nothing else
    s3_notifications          complete EventBridge events, and functions that run without Docker
    eventbridge_targets       rules deliver to every kind of target
    cloudwatch_alarms         the event of each change of an alarm's state
    lambda_settings           dead-letter queues, event invoke configs, a reserved concurrency of 0
    stepfunctions_executions  executions run, and report each status once
    stepfunctions_tasks       Glue and SageMaker integrations, and the interpreter's AWS clients
    stepfunctions_errors      reserved error names, and states that were interrupted
    stepfunctions_intrinsics  escapes in intrinsic functions
    stepfunctions_parsing     each definition is parsed once
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from localaws.moto_patches.hooks import Hooks

__all__ = ["Hooks", "apply"]


@contextmanager
def apply(hooks: Hooks) -> Iterator[None]:
    """Patches moto inside the block."""
    # Not above: parts of moto look at the shell's AWS profile while they are imported.
    from localaws.moto_patches import (  # noqa: PLC0415
        cloudwatch_alarms,
        eventbridge_targets,
        lambda_settings,
        s3_bucket_policies,
        s3_concurrent_reads,
        s3_conditional_writes,
        s3_listings,
        s3_notifications,
        s3_object_changes,
        s3_range_reads,
        server_hosts,
        server_paths,
        stepfunctions_errors,
        stepfunctions_executions,
        stepfunctions_intrinsics,
        stepfunctions_parsing,
        stepfunctions_tasks,
    )

    with ExitStack() as stack:
        for patches in (
            # First: the lock is taken inside of it, and held while others hear of the write.
            s3_object_changes.patches(hooks.object_changed),
            s3_conditional_writes.patches(),
            s3_concurrent_reads.patches(),
            s3_range_reads.patches(),
            server_paths.patches(),
            server_hosts.patches(),
            s3_listings.patches(),
            s3_bucket_policies.patches(),
            s3_notifications.patches(hooks.object_created, hooks.function_notified),
            eventbridge_targets.patches(hooks.rule_matched),
            cloudwatch_alarms.patches(hooks.alarm_changed),
            lambda_settings.patches(),
            stepfunctions_executions.patches(hooks.execution_started, hooks.execution_ended),
            stepfunctions_tasks.patches(hooks.task_service, hooks.task_client, hooks.sdk_client),
            stepfunctions_errors.patches(),
            stepfunctions_intrinsics.patches(),
            stepfunctions_parsing.patches(),
        ):
            stack.enter_context(patches)
        yield
