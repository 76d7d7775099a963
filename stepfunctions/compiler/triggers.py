"""The event that starts a machine: the sensor at the root of the DAG, or its asset, as an EventBridge pattern.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stepfunctions.compiler.refusals import Refusal, RefusedError

_TYPES = ("S3KeySensor",)


def triggers_of(dag: Any) -> list[Any]:
    """The sensors at the root of `dag`, which become the trigger instead of states."""
    return [task for task in dag.tasks if task.task_type in _TYPES and not task.upstream_task_ids]


def assets_of(dag: Any) -> list[Any]:
    """The assets that `dag` is scheduled on. A state machine ignores those that its tasks have as outlets."""
    condition = getattr(dag.timetable, "asset_condition", None)
    return list(getattr(condition, "objects", [condition])) if condition else []


def patterns_of(dag: Any) -> Iterator[dict[str, Any]]:
    """The EventBridge pattern of the events that start the machine of `dag`; none if it is only started by hand."""
    yield from (event_pattern(sensor) for sensor in triggers_of(dag))
    yield from (asset_pattern(asset) for asset in assets_of(dag))


def trigger_refusals(dag: Any) -> Iterator[Refusal]:
    """A refusal for each sensor at the root, and each asset of the schedule, that an event cannot replace."""
    triggers, assets = triggers_of(dag), assets_of(dag)
    if len(triggers) + len(assets) > 1 and assets:
        remedy = "a state machine has one trigger; schedule the DAG on one asset, without a sensor at the root"
        yield Refusal("", "one-trigger", remedy)
    for asset in assets:
        try:
            asset_pattern(asset)
        except RefusedError as error:
            yield error.refusal
    for task in triggers[1:]:
        remedy = (
            f"{triggers[0].task_id!r} is already the trigger, and a state machine has one; keep one sensor at the root"
        )
        yield Refusal(task.task_id, "one-trigger", remedy)
    for task in triggers[:1]:
        others = {each.task_id for each in dag.tasks} - {each.task_id for each in triggers}
        if early := sorted(others - set(task.get_flat_relative_ids(upstream=False))):
            remedy = f"{', '.join(early)} would start only after this trigger's event; make it depend on the sensor"
            yield Refusal(task.task_id, "trigger-first", remedy)
        try:
            event_pattern(task)
        except RefusedError as error:
            yield error.refusal


def event_pattern(sensor: Any) -> dict[str, Any]:
    """The EventBridge pattern of the S3 events that the sensor waits for.

    Raises:
        RefusedError: no pattern matches what the sensor waits for.
    """
    key = _only_key(sensor)
    bucket = sensor.bucket_name
    if not bucket:
        # Not urlsplit: '?' and '#' are ordinary characters in an S3 key.
        bucket, _, key = key.partition("://")[2].partition("/")
    if "{{" in f"{bucket}{key}" or "{%" in f"{bucket}{key}":
        raise RefusedError(
            sensor.task_id,
            "trigger-jinja",
            f"the template {key!r} can only be rendered by Airflow; write the key itself",
        )
    named: Any = key
    if sensor.wildcard_match:
        if re.search(r"[?\[\]]|\*\*", key):
            remedy = f"an event pattern has no '?', '[' or '**', as in {key!r}; use only '*'"
            raise RefusedError(sensor.task_id, "trigger-wildcard", remedy)
        named = {"wildcard": key}
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [named]}},
    }


def asset_pattern(asset: Any) -> dict[str, Any]:
    """The EventBridge pattern of the S3 events of objects whose URI begins with that of the asset.

    Raises:
        RefusedError: the asset is not in S3.
    """
    uri = getattr(asset, "uri", "")  # a condition on several assets has none
    scheme, _, place = uri.partition("://")
    bucket, _, prefix = place.partition("/")
    if scheme != "s3" or not prefix:
        remedy = f"no event tells of {uri or asset!r}; give the asset the s3:// URI of a key, or of a prefix of keys"
        raise RefusedError("", "trigger-asset", remedy)
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [bucket]}, "object": {"key": [{"prefix": prefix}]}},
    }


def _only_key(sensor: Any) -> str:
    keys = [sensor.bucket_key] if isinstance(sensor.bucket_key, str) else list(sensor.bucket_key)
    looks = [name for name in ("check_fn", "use_regex") if getattr(sensor, name, None)]
    if looks:
        remedy = f"no event pattern can express {', '.join(looks)}; use wildcard_match, and check in the first task"
        raise RefusedError(sensor.task_id, "trigger-check", remedy)
    if len(keys) != 1:
        remedy = f"it waits for {len(keys)} keys, and an event reports one; use one key or one wildcard"
        raise RefusedError(sensor.task_id, "trigger-keys", remedy)
    return str(keys[0])
