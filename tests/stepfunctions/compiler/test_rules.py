"""The committed state machines keep our rules, and each rule finds what it is there for."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from stepfunctions.compiler import rules
from stepfunctions.substitutions import filled, substitutions

MACHINES = sorted((Path(__file__).parents[3] / "stepfunctions").glob("*.asl.json"))


def task(integration: str, name: str, following: str, failed: str = "failed", **fields: Any) -> dict[str, Any]:
    error = {"glue": "Glue.ThrottlingException", "lambda": "Lambda.ServiceException"}
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{integration}",
        "Parameters": fields,
        "ResultPath": f"$.{name}",
        "TimeoutSeconds": 900,
        "Retry": [
            {
                "ErrorEquals": [error.get(integration.partition(":")[0], "SageMaker.ThrottlingException")],
                "IntervalSeconds": 30,
                "MaxAttempts": 2,
                "BackoffRate": 1.0,
                "MaxDelaySeconds": 600,
                "JitterStrategy": "FULL",
            }
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": failed}],
        "Next": following,
    }


def good_machine() -> dict[str, Any]:
    """Measure the rain, look at the job's state, then forecast and tell side by side."""
    fail = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    name = {"TrainingJobName.$": "States.Format('rain-{}', $$.State.RetryCount)", "Tags": [{"Key": "a"}]}
    return {
        "StartAt": "measure",
        "States": {
            "measure": task("glue:startJobRun.sync", "measure", "measured?", JobName="rain"),
            "measured?": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.measure.JobRunState", "StringEquals": "SUCCEEDED", "Next": "both"}],
                "Default": "not measured",
            },
            "not measured": {"Type": "Pass", "Next": "failed"},
            "both": {
                "Type": "Parallel",
                "Branches": [
                    {
                        "StartAt": "forecast",
                        "States": {
                            "forecast": task(
                                "sagemaker:createTrainingJob.sync", "forecast", "forecasted", "broken", **name
                            ),
                            "forecasted": {"Type": "Pass", "End": True},
                            "broken": fail,
                        },
                    },
                    {
                        "StartAt": "tell",
                        "States": {
                            "tell": task("lambda:invoke", "tell", "told", "untold", FunctionName="tell"),
                            "told": {"Type": "Pass", "End": True},
                            "untold": fail,
                        },
                    },
                ],
                "ResultPath": "$.both",
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "failed"}],
                "Next": "each",
            },
            "each": {
                "Type": "Map",
                "MaxConcurrency": 2,
                "ItemSelector": {"area.$": "$$.Map.Item.Value"},
                "ItemProcessor": {
                    "StartAt": "warn",
                    "States": {
                        "warn": task("lambda:invoke", "warn", "warned", "unwarned", FunctionName="warn"),
                        "warned": {"Type": "Pass", "End": True},
                        "unwarned": fail,
                    },
                },
                "ResultPath": "$.each",
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "failed"}],
                "Next": "done",
            },
            "done": {"Type": "Succeed"},
            "failed": fail,
        },
    }


Mutation = Callable[[dict[str, dict[str, Any]]], object]


def every_state(machine: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The states of the machine, of its branches and its items, to be changed in place."""
    states = machine["States"].values()
    branches = [branch for state in states for branch in state.get("Branches", [])]
    branches += [state["ItemProcessor"] for state in states if "ItemProcessor" in state]
    found: dict[str, dict[str, Any]] = dict(machine["States"])
    for branch in branches:
        found |= every_state(branch)
    return found


def retry(name: str, **changes: Any) -> Mutation:
    return lambda states: states[name]["Retry"][0].update(changes)


def put(name: str, **changes: Any) -> Mutation:
    return lambda states: states[name].update(changes)


def drop(name: str, field: str) -> Mutation:
    return lambda states: states[name].pop(field)


def parameters(name: str, **changes: Any) -> Mutation:
    return lambda states: states[name]["Parameters"].update(changes)


def catch(name: str, *error_lists: list[str]) -> Mutation:
    following = {"forecast": "broken", "tell": "untold"}.get(name, "failed")
    return put(
        name, Catch=[{"ErrorEquals": errors, "ResultPath": "$.error", "Next": following} for errors in error_lists]
    )


def branch(number: int, **changes: Any) -> Mutation:
    return lambda states: states["both"]["Branches"][number].update(changes)


def add(number: int, name: str, state: dict[str, Any]) -> Mutation:
    return lambda states: states["both"]["Branches"][number]["States"].update({name: state})


def rename_end(name: str) -> Mutation:
    """Calls the second branch's end `name`."""

    def mutate(states: dict[str, dict[str, Any]]) -> None:
        inner = states["both"]["Branches"][1]["States"]
        inner[name] = inner.pop("told")
        inner["tell"]["Next"] = name

    return mutate


# A rule, what breaks it, the state that the finding names, and a word of its remedy.
MUTANTS: list[tuple[str, Mutation, str, str]] = [
    ("name-length", rename_end("x" * 81), "x" * 81, "81 characters; shorten it to 80"),
    ("unique-name", rename_end("forecasted"), "forecasted", "rename"),
    ("unique-name", rename_end("done"), "done", "rename"),
    ("state-type", put("told", Type="Loop"), "told", "Choice, Fail"),
    ("timeout", drop("measure", "TimeoutSeconds"), "measure", "execution_timeout"),
    ("timeout", drop("tell", "TimeoutSeconds"), "tell", "execution_timeout"),
    ("timeout", put("tell", TimeoutSeconds=0), "tell", "execution_timeout"),
    ("heartbeat", put("tell", HeartbeatSeconds=900), "tell", "HeartbeatSeconds 900"),
    ("map-concurrency", put("each", MaxConcurrency=0), "each", "max_active_tis_per_dagrun"),
    ("catch", drop("each", "Catch"), "each", "States.ALL"),
    ("timeout", drop("warn", "TimeoutSeconds"), "warn", "TimeoutSeconds"),
    ("catch", drop("forecast", "Catch"), "forecast", "States.ALL"),
    ("catch", catch("tell", ["States.Timeout"]), "tell", "States.ALL"),
    ("catch", drop("both", "Catch"), "both", "States.ALL"),
    ("catch-keeps-data", lambda states: states["tell"]["Catch"][0].pop("ResultPath"), "tell", "$.error"),
    ("catch-keeps-data", lambda states: states["both"]["Catch"][0].update(ResultPath="$"), "both", "$.error"),
    ("catch-keeps-data", lambda states: states["tell"]["Catch"][0].update(ResultPath=None), "tell", "$.error"),
    ("result-keeps-data", drop("tell", "ResultPath"), "tell", "ResultPath"),
    ("result-keeps-data", drop("both", "ResultPath"), "both", "ResultPath"),
    ("retry-jitter", retry("measure", JitterStrategy="NONE"), "measure", "'NONE'; set it to \"FULL\""),
    ("retry-jitter", lambda states: states["tell"]["Retry"][0].pop("JitterStrategy"), "tell", '"FULL"'),
    (
        "retry-delay",
        retry("tell", MaxDelaySeconds=30),
        "tell",
        "MaxDelaySeconds 30 is not greater than IntervalSeconds 30",
    ),
    ("retry-delay", lambda states: states["tell"]["Retry"][0].pop("MaxDelaySeconds"), "tell", "raise it"),
    ("retry-backoff", retry("tell", BackoffRate=0.5), "tell", "1.0 or more"),
    ("retry-attempts", retry("tell", MaxAttempts=0), "tell", "1 or more"),
    ("retry-attempts", lambda states: states["tell"]["Retry"][0].pop("MaxAttempts"), "tell", "1 or more"),
    ("retry-transient", retry("tell", ErrorEquals=["States.ALL"]), "tell", "retries on States.ALL"),
    ("retry-transient", retry("tell", ErrorEquals=["States.TaskFailed"]), "tell", "retries on States.TaskFailed"),
    ("error-name", retry("tell", ErrorEquals=["Lambda.ServiceExeption"]), "tell", "Lambda.ServiceExeption"),
    ("error-name", catch("tell", ["States.TimeOut"], ["States.ALL"]), "tell", "States.TimeOut"),
    ("catch-all-last", catch("tell", ["States.ALL", "States.Timeout"]), "tell", "at the end"),
    ("catch-all-last", catch("both", ["States.ALL"], ["States.Timeout"]), "both", "at the end"),
    ("resource", put("tell", Resource="arn:aws:states:::lambda:invok"), "tell", "INTEGRATIONS"),
    ("resource", put("measure", Resource="arn:aws:states:::glue:startJobRun"), "measure", "INTEGRATIONS"),
    ("attempt-in-name", parameters("forecast", **{"TrainingJobName.$": "$.name"}), "forecast", "RetryCount"),
    ("target", put("not measured", Next="flaied"), "not measured", "leads to 'flaied'"),
    ("target", put("measured?", Default="told"), "measured?", "which is not a state of the machine"),
    ("target", lambda states: states["tell"]["Catch"][0].update(Next="failed"), "tell", "both branch 2"),
    ("way-on", drop("measured?", "Default"), "measured?", "set Default"),
    ("way-on", drop("told", "End"), "told", "needs either Next or End"),
    ("way-on", put("told", Next="untold"), "told", "needs either Next or End"),
    ("reachable", add(1, "island", {"Type": "Succeed"}), "island", "no state leads here"),
    ("terminal", put("not measured", Next="not measured"), "not measured", "add a transition to a Succeed"),
    ("dynamic-key", parameters("tell", Who="$.name"), "tell", "rename the key to 'Who.$'"),
    ("dynamic-key", parameters("tell", Who="$$.Execution.Name"), "tell", "rename the key to 'Who.$'"),
    ("dynamic-key", parameters("tell", Who="States.UUID()"), "tell", "rename the key to 'Who.$'"),
    ("dynamic-key", parameters("tell", Who=["$.name"]), "tell", "rename the key to 'Who.$'"),
    ("dynamic-key", parameters("tell", Deep=[{"Who": "$.name"}]), "tell", "rename the key to 'Who.$'"),
    ("dynamic-key", parameters("tell", **{"Who.$": "Ada"}), "tell", "remove '.$' from the key"),
    ("dynamic-key", parameters("tell", **{"Who.$": {"a": 1}}), "tell", "remove '.$' from the key"),
    ("dynamic-key", put("tell", ResultSelector={"x": "$.Payload"}), "tell", "rename the key to 'x.$'"),
    ("glue-state", put("measure", Next="both"), "measure", "$.measure.JobRunState"),
    ("glue-state", put("measure", ResultPath="$.other"), "measure", "$.other.JobRunState"),
    (
        "glue-state",
        lambda states: states["measured?"]["Choices"][0].update(StringEquals="FAILED"),
        "measure",
        '"SUCCEEDED"',
    ),
]


@pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.name.partition(".")[0])
def test_a_committed_machine_keeps_every_rule(path: Path) -> None:
    machine = filled(path.read_text(encoding="utf-8"), substitutions(load_settings().pipeline))
    assert rules.findings(json.loads(machine)) == []


def test_there_is_a_committed_machine() -> None:
    assert MACHINES, "stepfunctions/ holds no machine: run make export"


def test_a_good_machine_has_no_findings() -> None:
    assert rules.findings(good_machine()) == []


@pytest.mark.parametrize(("rule", "mutation", "state", "remedy"), MUTANTS, ids=lambda value: str(value)[:24])
def test_a_rule_finds_its_mutant_and_nothing_else_does(rule: str, mutation: Mutation, state: str, remedy: str) -> None:
    machine = good_machine()
    mutation(every_state(machine))
    found = [each for each in rules.findings(machine) if not is_consequence(each, rule)]
    assert len(found) == 1, found
    assert found[0].startswith(f"[{rule}] state {state!r}: ")
    assert remedy in found[0]


def is_consequence(finding: str, rule: str) -> bool:
    """A state that loses the only way to it becomes an island; that is one mutation and two true findings."""
    return rule in {"target", "glue-state", "way-on", "catch"} and finding.startswith("[reachable]")


def test_a_start_that_does_not_exist_is_found_in_a_branch_too() -> None:
    machine = good_machine()
    branch(1, StartAt="teller")(every_state(machine))
    assert rules.findings(machine) == [
        "[target] both branch 2: StartAt 'teller' is not one of its states; use one of them"
    ]
    machine["States"]["both"]["Branches"][1]["StartAt"] = "tell"
    machine["StartAt"] = "told"
    assert rules.findings(machine) == ["[target] the machine: StartAt 'told' is not one of its states; use one of them"]


def test_two_mutations_give_two_findings() -> None:
    machine = good_machine()
    states = every_state(machine)
    put("tell", TimeoutSeconds=None)(states)
    retry("measure", BackoffRate=0.1)(states)
    assert [each.partition("]")[0][1:] for each in rules.findings(machine)] == ["retry-backoff", "timeout"]


def test_each_rule_has_a_mutant() -> None:
    names = {rule.__name__.replace("_", "-") for rule in rules.RULES} | {"unique-name"}
    assert {rule for rule, *_ in MUTANTS} == names, "add a mutant for the new rule"


def test_findings_change_nothing() -> None:
    machine = good_machine()
    before = copy.deepcopy(machine)
    rules.findings(machine)
    assert machine == before
