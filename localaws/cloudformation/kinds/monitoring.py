"""CloudWatch's log groups, alarms and dashboards."""

from contextlib import suppress

from localaws.cloudformation.resources import Kind, Made, names, picked
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json

ALARM = (
    "AlarmName",
    "AlarmDescription",
    "ActionsEnabled",
    "AlarmActions",
    "OKActions",
    "MetricName",
    "Namespace",
    "Statistic",
    "Dimensions",
    "Period",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "Metrics",
)


def _find_group(cloud: Cloud, properties: Json) -> Made | None:
    name = properties["LogGroupName"]
    found = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return _group(cloud, name) if any(each["logGroupName"] == name for each in found) else None


def _group(cloud: Cloud, name: str) -> Made:
    return Made(name, {"Arn": cloud.arn("logs", f"log-group:{name}:*")})


def _create_group(cloud: Cloud, properties: Json) -> Made:
    name = properties["LogGroupName"]
    cloud.client("logs").create_log_group(logGroupName=name, **picked(properties, kmsKeyId="KmsKeyId"))
    return _update_group(cloud, _group(cloud, name), {}, properties)


def _update_group(cloud: Cloud, made: Made, before: Json, now: Json) -> Made:
    logs = cloud.client("logs")
    if "RetentionInDays" in now:
        logs.put_retention_policy(logGroupName=made.ref, retentionInDays=int(now["RetentionInDays"]))
    elif "RetentionInDays" in before:
        logs.delete_retention_policy(logGroupName=made.ref)
    return made


def _delete_group(cloud: Cloud, made: Made, properties: Json) -> None:
    logs = cloud.client("logs")
    with suppress(logs.exceptions.ResourceNotFoundException):
        logs.delete_log_group(logGroupName=made.ref)


def _find_alarm(cloud: Cloud, properties: Json) -> Made | None:
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[properties["AlarmName"]])["MetricAlarms"]
    return _alarm(cloud, properties["AlarmName"]) if found else None


def _alarm(cloud: Cloud, name: str) -> Made:
    return Made(name, {"Arn": cloud.arn("cloudwatch", f"alarm:{name}")})


def _put_alarm(cloud: Cloud, properties: Json) -> Made:
    request = picked(properties, *ALARM)
    for name in ("Period", "EvaluationPeriods", "DatapointsToAlarm"):
        if name in request:
            request[name] = int(request[name])
    if "Threshold" in request:
        request["Threshold"] = float(request["Threshold"])
    cloud.client("cloudwatch").put_metric_alarm(**request)
    return _alarm(cloud, properties["AlarmName"])


def _put_dashboard(cloud: Cloud, properties: Json) -> Made:
    name = properties["DashboardName"]
    cloud.client("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=properties["DashboardBody"])
    return Made(name)


KINDS = {
    "AWS::Logs::LogGroup": Kind(
        properties=names("LogGroupName RetentionInDays KmsKeyId"),
        create=_create_group,
        update=_update_group,
        delete=_delete_group,
        replaced_by=names("LogGroupName"),
        find=_find_group,
    ),
    "AWS::CloudWatch::Alarm": Kind(
        properties=frozenset(ALARM),
        create=_put_alarm,
        update=lambda cloud, made, before, now: _put_alarm(cloud, now),
        delete=lambda cloud, made, properties: cloud.client("cloudwatch").delete_alarms(AlarmNames=[made.ref]) and None,
        replaced_by=names("AlarmName"),
        find=_find_alarm,
    ),
    "AWS::CloudWatch::Dashboard": Kind(
        properties=names("DashboardName DashboardBody"),
        create=_put_dashboard,
        update=lambda cloud, made, before, now: _put_dashboard(cloud, now),
        delete=lambda cloud, made, properties: (
            cloud.client("cloudwatch").delete_dashboards(DashboardNames=[made.ref]) and None
        ),
        replaced_by=names("DashboardName"),
    ),
}
