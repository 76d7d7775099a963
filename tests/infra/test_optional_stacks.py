"""The stacks that cost money while idle: what they may do, what they leave out, and that nobody gets them unasked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.environments import OPTIONAL_STACKS, environment_names, load_environment
from localaws.cloudformation.templates import read_template

INFRA = Path(__file__).parents[2] / "infra"


def template(name: str) -> dict[str, Any]:
    return read_template((INFRA / f"{name}.yaml").read_text(encoding="utf-8"))


MWAA, QUICKSIGHT = template("mwaa"), template("quicksight")


def statements() -> Iterator[dict[str, Any]]:
    """Those of the execution role."""
    for policy in MWAA["Resources"]["ExecutionRole"]["Properties"]["Policies"]:
        for each in policy["PolicyDocument"]["Statement"]:
            yield each["Fn::If"][1] if "Fn::If" in each else each


def test_each_optional_stack_has_a_template_and_no_environment_of_the_repository_asks_for_one() -> None:
    assert all((INFRA / f"{name}.yaml").exists() for name in OPTIONAL_STACKS)
    assert [name for name in environment_names() if load_environment(name).optional_stacks] == []


@pytest.mark.parametrize("version", ["3.0.6", "3.2.1", "3.2.11", "3.3.1", "3.10.0"])
def test_an_airflow_that_the_tests_run_on_or_a_newer_one_is_allowed(version: str) -> None:
    assert re.search(MWAA["Parameters"]["AirflowVersion"]["AllowedPattern"], version)


@pytest.mark.parametrize("version", ["2.11.0", "3.0.5", "3.1.0", "3.2.0", "4.0.0", "3.2", ""])
def test_an_airflow_that_lacks_what_the_flows_use_is_refused(version: str) -> None:
    assert not re.search(MWAA["Parameters"]["AirflowVersion"]["AllowedPattern"], version)


def test_the_environment_names_its_version_and_no_requirements() -> None:
    airflow = MWAA["Resources"]["Airflow"]["Properties"]
    assert MWAA["Parameters"]["AirflowVersion"]["Default"] == "3.0.6"
    assert airflow["AirflowVersion"] == {"Ref": "AirflowVersion"}
    assert not [name for name in airflow if name.startswith("Requirements")]
    assert airflow["PluginsS3Path"]["Fn::If"][0] == "WithPlugins"
    assert {each["LogLevel"] for each in airflow["LoggingConfiguration"].values()} == {"INFO"}


def test_the_role_may_do_nothing_in_general() -> None:
    for each in statements():
        actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
        assert not [action for action in actions if action == "*" or action.endswith(":*")], each["Sid"]
        assert "NotAction" not in each


def test_the_role_may_act_on_every_resource_only_where_the_action_takes_none_or_a_condition_binds_it() -> None:
    open_to_all = {each["Sid"] for each in statements() if each.get("Resource") == "*" and "Condition" not in each}
    assert open_to_all == {"NoResourceLevel", "ListJobs"}


def test_the_role_passes_one_role_to_one_service() -> None:
    (passing,) = (each for each in statements() if "iam:PassRole" in each["Action"])
    assert passing["Resource"] == {"Ref": "SageMakerRoleArn"}
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def actions_of(stack: str, role: str) -> dict[str, list[Any]]:
    """The actions that a role's policies allow, each with its resources."""
    found: dict[str, list[Any]] = {}
    for policy in template(stack)["Resources"][role]["Properties"]["Policies"]:
        document = policy["Fn::If"][1] if "Fn::If" in policy else policy
        for given in document["PolicyDocument"]["Statement"]:
            each = given["Fn::If"][1] if "Fn::If" in given else given
            for action in each["Action"] if isinstance(each["Action"], list) else [each["Action"]]:
                resources = each.get("Resource", [])
                found.setdefault(action, []).extend(resources if isinstance(resources, list) else [resources])
    return found


def prefixes(resources: list[Any]) -> set[str]:
    """The parts of the data bucket, as `models/*`."""
    texts = [each["Fn::Sub"] for each in resources if isinstance(each, dict) and "Fn::Sub" in each]
    return {found[1] for text in texts if (found := re.search(r"s3:::\$\{\w+\}/(.+)", text))}


def test_the_role_may_do_what_the_roles_of_the_state_machines_and_their_tasks_may() -> None:
    ours = actions_of("mwaa", "ExecutionRole")
    # Of Step Functions itself, of Lambda, and of uploads in parts, which no Python task makes.
    others = ("states:", "lambda:", "events:", "airflow:InvokeRestApi")
    not_needed = {"logs:PutLogEvents", "logs:CreateLogStream", "s3:AbortMultipartUpload", "kms:GenerateDataKey"}
    for role in ("Steps", "States"):
        theirs = actions_of("roles", role)
        wanted = {each for each in theirs if not each.startswith(others) and "LogDeliver" not in each} - not_needed
        wanted -= {"logs:DescribeResourcePolicies", "logs:PutResourcePolicy"}
        assert wanted <= ours.keys(), f"{role}: {sorted(wanted - ours.keys())}"


def test_the_role_writes_wherever_the_python_tasks_write() -> None:
    theirs = prefixes(actions_of("roles", "Steps")["s3:PutObject"])
    ours = prefixes(actions_of("mwaa", "ExecutionRole")["s3:PutObject"])
    # The batches of the ingestion are all that a task writes below raw/.
    assert {each.replace("raw/batches/*", "raw/*") for each in ours} == theirs


def test_the_role_is_assumed_by_this_environment_alone() -> None:
    (trust,) = MWAA["Resources"]["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert "environment/${Prefix}" in trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_airflow_has_two_private_subnets_and_a_group_that_only_its_own_members_enter() -> None:
    resources = MWAA["Resources"]
    subnets = resources["Airflow"]["Properties"]["NetworkConfiguration"]["SubnetIds"]
    assert [each["Ref"] for each in subnets] == ["PrivateSubnetA", "PrivateSubnetB"]
    assert {resources[each["Ref"]]["Properties"]["MapPublicIpOnLaunch"] for each in subnets} == {False}
    entering = resources["SecurityGroupIngress"]["Properties"]
    assert entering["SourceSecurityGroupId"] == entering["GroupId"] == {"Ref": "SecurityGroup"}
    assert "SecurityGroupIngress" not in resources["SecurityGroup"]["Properties"]


def test_every_log_group_of_airflow_forgets() -> None:
    groups = [each for each in MWAA["Resources"].values() if each["Type"] == "AWS::Logs::LogGroup"]
    assert len(groups) == 5
    assert all(each["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for each in groups)


def test_the_dashboard_gets_counts_and_confidence_and_neither_ids_nor_text() -> None:
    custom = QUICKSIGHT["Resources"]["Complaints"]["Properties"]["PhysicalTableMap"]["complaints"]["CustomSql"]
    columns = {each["Name"] for each in custom["Columns"]}
    counts = {"complaints", "predictions", "confidence_sum"}
    assert columns == {"predicted_product", "product", "company", "state", "month", *counts}
    query = custom["SqlQuery"]["Fn::Sub"][0]
    assert "narrative" not in query
    assert re.findall(r"\bcomplaint_id\b", query) == ["complaint_id"]
    assert "count(DISTINCT complaint_id) AS complaints" in query


def data_sets() -> dict[str, dict[str, Any]]:
    """The query of each data set of the dashboard, with its columns, by the name that visuals have for it."""
    resources = QUICKSIGHT["Resources"]
    declared = resources["Dashboard"]["Properties"]["Definition"]["DataSetIdentifierDeclarations"]
    found = {each["Identifier"]: resources[each["DataSetArn"]["Fn::GetAtt"][0]]["Properties"] for each in declared}
    return {name: each["PhysicalTableMap"][name]["CustomSql"] for name, each in found.items()}


def columns_in(part: Any) -> Iterator[tuple[str, str]]:
    """The data set and the name of each column that a part of a definition refers to."""
    if isinstance(part, dict):
        if "ColumnName" in part:
            yield part["DataSetIdentifier"], part["ColumnName"]
        for each in part.values():
            yield from columns_in(each)
    elif isinstance(part, list):
        for each in part:
            yield from columns_in(each)


def test_visuals_show_columns_of_the_data_sets_and_each_data_set_is_shown_and_refreshed() -> None:
    definition = QUICKSIGHT["Resources"]["Dashboard"]["Properties"]["Definition"]
    known = {(name, each["Name"]) for name, custom in data_sets().items() for each in custom["Columns"]}
    known |= {(each["DataSetIdentifier"], each["Name"]) for each in definition["CalculatedFields"]}
    shown = set(columns_in(definition["Sheets"]))
    assert shown <= known
    assert {name for name, _ in shown} == data_sets().keys()
    refreshed = {
        each["DependsOn"] for each in QUICKSIGHT["Resources"].values() if each["Type"].endswith("RefreshSchedule")
    }
    assert refreshed == {name.capitalize() for name in data_sets()}


def test_the_dashboard_shows_drift_over_time_by_signal_from_the_table_of_drift() -> None:
    custom, table = data_sets()["drift"], template("data")["Resources"]["Drift"]["Properties"]["TableInput"]
    query = custom["SqlQuery"]["Fn::Sub"][0]
    chosen = re.findall(r"(\w+)(?:,\n|\nFROM)", query)
    assert chosen == [each["Name"] for each in custom["Columns"]]
    made = {"times_threshold": {"value", "threshold"}}
    read = {column for name in chosen for column in made.get(name, {name})}
    assert read <= {each["Name"] for each in table["StorageDescriptor"]["Columns"]}
    assert f'"${{Database}}"."{table["Name"]}"' in query
    sheets = QUICKSIGHT["Resources"]["Dashboard"]["Properties"]["Definition"]["Sheets"]
    lines = [each["LineChartVisual"] for sheet in sheets for each in sheet["Visuals"] if "LineChartVisual" in each]
    (shown,) = (each for each in lines if each["VisualId"] == "drift")
    wanted = {("drift", "decided_at"), ("drift", "times_threshold"), ("drift", "signal")}
    assert set(columns_in(shown["ChartConfiguration"]["FieldWells"])) == wanted
