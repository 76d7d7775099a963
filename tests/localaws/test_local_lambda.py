import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import LocalAWS
from tests.localaws.account import Account, runs, zipped
from tests.localaws.processes import ForkingAWS, forking_aws
from tests.waiting import PATIENCE, until

ECHO = "def handler(event, context): return {'got': event}"
NUMBERS = count()


@pytest.fixture(scope="module")
def forking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingAWS]:
    with forking_aws(tmp_path_factory.mktemp("forking")) as running:
        yield running


@pytest.fixture(params=["in new processes", "in environments"])
def account(request: pytest.FixtureRequest, aws: LocalAWS, forking: ForkingAWS) -> Account:
    running: Any = aws if request.param == "in new processes" else forking
    return Account(running, f"lambda-{next(NUMBERS)}")


def test_a_function_gets_the_event_and_its_result_comes_back(account: Account) -> None:
    name = account.function(
        """
        import os
        import boto3

        def handler(event, context):
            buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
            assert context.aws_request_id and context.get_remaining_time_in_millis() > 0
            return {
                "event": event,
                "mode": os.environ["MODE"],
                "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"],
                "arn": context.invoked_function_arn,
                "sees": event["bucket"] in buckets,
            }
        """,
        Environment={"Variables": {"MODE": "test"}},
    )
    answer, result = account.invoke(name, {"bucket": account.name, "ä": [1]})
    arn = account.aws.client("lambda").get_function(FunctionName=name)["Configuration"]["FunctionArn"]
    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)
    event = {"bucket": account.name, "ä": [1]}
    assert result == {"event": event, "mode": "test", "name": name, "arn": arn, "sees": True}
    assert account.invoke(arn, event)[1] == result


def test_an_error_that_a_function_does_not_handle_is_told_as_lambda_tells_it(account: Account) -> None:
    name = account.function(
        """
        print("before")
        class RowsMissing(Exception): pass
        def handler(event, context): raise RowsMissing("3 rows are missing")
        """
    )
    answer, told = account.invoke(name, {})
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (told["errorType"], told["errorMessage"]) == ("RowsMissing", "3 rows are missing")
    assert len(told["stackTrace"]) == 1
    assert "in handler" in told["stackTrace"][0]
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "before\n" in log
    assert "[ERROR] RowsMissing: 3 rows are missing\nTraceback" in log
    assert sorted(account.log(f"/aws/lambda/{name}", "20")) == sorted(log.split("\n"))


def test_a_function_that_takes_too_long_is_killed(account: Account) -> None:
    name = account.function(
        """
        import os, pathlib, time
        def handler(event, context):
            pathlib.Path(event["pid"]).write_text(str(os.getpid()))
            time.sleep(60)
        """,
        Timeout=4,
    )
    pid = account.aws.folder / f"{account.name}.pid"
    answer, told = account.invoke(name, {"pid": str(pid)})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert told["errorMessage"].endswith("Task timed out after 4.00 seconds")
    assert not runs(int(pid.read_text()))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("def handler(event, context): return {1, 2}", "Runtime.MarshalError"),
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError"),
        ("import sys\ndef handler(event, context): sys.exit()", "Runtime.ExitError"),
    ],
)
def test_what_keeps_a_function_from_answering_has_lambdas_name(account: Account, code: str, kind: str) -> None:
    answer, told = account.invoke(account.function(code), {})
    assert (answer["FunctionError"], told["errorType"]) == ("Unhandled", kind)


def test_new_code_is_what_runs_next(account: Account) -> None:
    name = account.function("def handler(event, context): return 1")
    assert account.invoke(name, {})[1] == 1
    account.aws.client("lambda").update_function_code(
        FunctionName=name, ZipFile=zipped("def handler(event, context): return 2")
    )
    assert account.invoke(name, {})[1] == 2


def test_an_event_is_taken_at_once_and_worked_on_later(account: Account) -> None:
    name = account.function(
        """
        import time, boto3
        def handler(event, context):
            s3 = boto3.client("s3")
            while "Contents" not in s3.list_objects_v2(Bucket=event["bucket"], Prefix="go"):
                time.sleep(0.05)
            s3.put_object(Bucket=event["bucket"], Key="done", Body=b"")
        """
    )
    payload = json.dumps({"bucket": account.name})
    answer = account.aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=payload)
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    # It waits for this, which a call that waited for it would never have come to.
    account.put("go", b"")
    until(lambda: account.keys("done") == ["done"])


def test_a_function_that_does_not_exist_is_an_error(account: Account) -> None:
    client = account.aws.client("lambda")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke(FunctionName="no-such-function")
    with pytest.raises(ClientError, match="InvalidRequestContentException"):
        client.invoke(FunctionName=account.function(ECHO), Payload=b"{no json")


def test_nothing_is_left_running_when_local_aws_stops(tmp_path: Path) -> None:
    # A process of its own: moto's state is shared by all that is in one.
    pid = tmp_path / "pid"
    script = f"""
import threading, time
from pathlib import Path
from localaws import LocalAWS
from tests.localaws.account import Account
folder, pid = Path({str(tmp_path)!r}), Path({str(pid)!r})
with LocalAWS(folder / "state") as aws:
    account = Account(aws, "account")
    name = account.function(
        "import os, pathlib, time\\n"
        "def handler(event, context): pathlib.Path(event).write_text(str(os.getpid())); time.sleep(600)",
        Timeout=900,
    )
    call = {{"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}}
    call["Parameters"] = {{"FunctionName": name, "Payload.$": "States.JsonToString($.pid)"}}
    machine = account.machine("call", call=call)
    aws.client("stepfunctions").start_execution(stateMachineArn=machine, input='{{"pid": "' + str(pid) + '"}}')
    while not (pid.exists() and pid.read_text()):
        time.sleep(0.05)
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=PATIENCE, cwd=Path(__file__).parents[2])
    assert not runs(int(pid.read_text()))
