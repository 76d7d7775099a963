import json
import threading
import time
from typing import Any

from tests.localaws.account import Account


def watched(account: Account, machine: str) -> str:
    """A queue that gets the status changes of the machine's executions."""
    queue, events = account.queue(), account.aws.client("events")
    pattern = {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [machine]},
    }
    events.put_rule(Name=account.name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=account.name, Targets=[{"Id": "1", "Arn": queue}])
    return queue


def changes(account: Account, queue: str, count: int) -> list[dict[str, Any]]:
    found = [json.loads(message["Body"]) for message in account.messages(queue, count)]
    assert account.messages(queue, 1, seconds=0.3) == []
    return found


def statuses(events: list[dict[str, Any]]) -> list[str]:
    return [event["detail"]["status"] for event in events]


def test_a_start_and_a_success_are_told_as_step_functions_tells_them(account: Account) -> None:
    machine = account.machine("done", done={"Type": "Pass", "End": True})
    queue = watched(account, machine)
    execution = account.execute(machine, {"day": 1}, name="one")
    running, succeeded = changes(account, queue, 2)
    assert (succeeded["source"], succeeded["resources"]) == ("aws.states", [execution["executionArn"]])
    detail = {
        "executionArn": execution["executionArn"],
        "stateMachineArn": machine,
        "name": "one",
        "status": "RUNNING",
        "startDate": int(execution["startDate"].timestamp() * 1000),
        "stopDate": None,
        "input": '{"day":1}',
        "output": None,
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution is RUNNING and cannot be redriven",
        "inputDetails": {"included": True},
        "outputDetails": None,
        "error": None,
        "cause": None,
    }
    assert running["detail"] == detail
    stop = succeeded["detail"].pop("stopDate")
    assert stop == int(execution["stopDate"].timestamp() * 1000)
    del detail["stopDate"]
    assert succeeded["detail"] == detail | {
        "status": "SUCCEEDED",
        "output": '{"day":1}',
        "outputDetails": {"included": True},
        "redriveStatusReason": "Execution is SUCCEEDED and cannot be redriven",
    }


def test_a_failure_says_why(account: Account) -> None:
    machine = account.machine("bad", bad={"Type": "Fail", "Error": "Rows.Missing", "Cause": "3 rows"})
    queue = watched(account, machine)
    account.execute(machine)
    running, failed = changes(account, queue, 2)
    assert statuses([running, failed]) == ["RUNNING", "FAILED"]
    assert (failed["detail"]["error"], failed["detail"]["cause"]) == ("Rows.Missing", "3 rows")
    assert failed["detail"]["output"] is None
    assert failed["detail"]["redriveStatus"] == "REDRIVABLE"


def test_a_time_out_is_told(account: Account) -> None:
    create = account.aws.client("stepfunctions").create_state_machine
    states = {"wait": {"Type": "Wait", "Seconds": 20, "End": True}}
    definition = json.dumps({"StartAt": "wait", "States": states, "TimeoutSeconds": 1})
    role = "arn:aws:iam::123456789012:role/r"
    machine = create(name=account.name, definition=definition, roleArn=role)["stateMachineArn"]
    queue = watched(account, machine)
    execution = account.execute(machine)
    events = changes(account, queue, 2)
    assert statuses(events) == ["RUNNING", "TIMED_OUT"]
    assert events[1]["detail"]["error"] == execution["error"] == "States.Timeout"


def test_an_abortion_is_told_once_with_the_reason(account: Account) -> None:
    machine = account.machine("wait", wait={"Type": "Wait", "Seconds": 2, "End": True})
    queue, client = watched(account, machine), account.aws.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine)["executionArn"]
    stops = [
        threading.Thread(target=lambda: client.stop_execution(executionArn=arn, error="Changed.Mind", cause="why"))
        for _ in range(3)
    ]
    for stop in stops:
        stop.start()
    for stop in stops:
        stop.join()
    stopped = client.describe_execution(executionArn=arn)
    # The interpreter notices only at the end of the wait.
    time.sleep(2.5)
    events = changes(account, queue, 2)
    assert statuses(events) == ["RUNNING", "ABORTED"]
    assert (events[1]["detail"]["error"], events[1]["detail"]["cause"]) == ("Changed.Mind", "why")
    assert client.describe_execution(executionArn=arn)["stopDate"] == stopped["stopDate"]


def test_one_event_tells_each_change_where_executions_end_while_they_are_stopped(account: Account) -> None:
    machine = account.machine("done", done={"Type": "Succeed"})
    queue, client = watched(account, machine), account.aws.client("stepfunctions")
    arns = []
    for _ in range(10):
        arns.append(client.start_execution(stateMachineArn=machine)["executionArn"])
        client.stop_execution(executionArn=arns[-1])
    ends = {arn: account.execution_end(arn)["status"] for arn in arns}
    events = changes(account, queue, 20)
    told = sorted((event["detail"]["executionArn"], event["detail"]["status"]) for event in events)
    assert told == sorted([(arn, "RUNNING") for arn in arns] + list(ends.items()))
