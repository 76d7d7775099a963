"""A function's module is imported once for many invocations, none of which sees what another has left."""

import base64
import os
import signal
import socket
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from localaws.lambdas.environments import MOST
from tests.localaws.account import Account, runs, zipped
from tests.localaws.processes import ForkingAWS, forking_aws
from tests.waiting import until

NUMBERS = count()
# The import of the module, told by a number that each import draws anew.
IMPORTED = """
    import os, random, time
    imported, invocations = random.SystemRandom().random(), 0
    print("imported")
    def handler(event, context):
        global invocations
        invocations += 1
        return {"imported": imported, "invocations": invocations, "drawn": random.random(), "parent": os.getppid()}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkingAWS]:
    with forking_aws(tmp_path_factory.mktemp("aws")) as running:
        yield running


@pytest.fixture
def account(aws: ForkingAWS) -> Account:
    running: Any = aws
    return Account(running, f"environments-{next(NUMBERS)}")


def log_of(answer: dict[str, Any]) -> list[str]:
    return base64.b64decode(answer["LogResult"]).decode().splitlines()


def test_the_module_is_imported_once_and_logs_in_the_first_invocation(account: Account) -> None:
    name = account.function(IMPORTED)
    (first, a), (second, b) = account.invoke(name, {}), account.invoke(name, {})
    assert a["imported"] == b["imported"]
    assert (log_of(first), log_of(second)) == (["imported"], [])


def test_invocations_share_no_memory_and_draw_different_numbers(account: Account) -> None:
    name = account.function(IMPORTED)
    answers = [account.invoke(name, {})[1] for _ in range(3)]
    assert [each["invocations"] for each in answers] == [1, 1, 1]
    assert len({each["drawn"] for each in answers}) == 3


def test_invocations_at_the_same_time_run_side_by_side(account: Account) -> None:
    name = account.function(
        """
        import pathlib, time
        def handler(event, context):
            folder = pathlib.Path(event["folder"])
            (folder / str(event["me"])).touch()
            while not (folder / str(1 - event["me"])).exists():
                time.sleep(0.02)
            return event["me"]
        """
    )
    for times in ("cold", "warm"):
        folder = account.aws.folder / f"{name}-{times}"
        folder.mkdir()
        with ThreadPoolExecutor(2) as pool:
            events = [{"folder": str(folder), "me": me} for me in (0, 1)]
            assert [each[1] for each in pool.map(account.invoke, [name] * 2, events)] == [0, 1]


def test_two_functions_with_the_same_code_have_environments_of_their_own(aws: ForkingAWS) -> None:
    running: Any = aws
    accounts = [Account(running, f"environments-{next(NUMBERS)}") for _ in range(2)]
    names = [account.function(IMPORTED) for account in accounts]
    assert len({accounts[0].invoke(name, {})[1]["imported"] for name in names * 2}) == 2


def test_other_variables_need_a_new_environment_and_the_old_one_ends(account: Account) -> None:
    code = "import os\nmode = os.environ['MODE']\ndef handler(event, context): return mode, os.getppid()"
    name = account.function(code, Environment={"Variables": {"MODE": "a"}})
    mode, before = account.invoke(name, {})[1]
    account.aws.client("lambda").update_function_configuration(
        FunctionName=name, Environment={"Variables": {"MODE": "b"}}
    )
    again, now = account.invoke(name, {})[1]
    assert (mode, again, before != now) == ("a", "b", True)
    until(lambda: not runs(before), "the end of the old environment")


def test_an_invocation_goes_on_in_the_old_code_while_the_next_has_the_new_one(account: Account) -> None:
    code = """
    import pathlib, time
    def handler(event, context):
        if "wait" in event:
            pathlib.Path(event["began"]).touch()
            while not pathlib.Path(event["wait"]).exists():
                time.sleep(0.02)
        return VERSION
    """
    name = account.function(code.replace("VERSION", "1"))
    began, go = (account.aws.folder / f"{name}-{what}" for what in ("began", "go"))
    account.invoke(name, {})
    with ThreadPoolExecutor(1) as pool:
        old = pool.submit(account.invoke, name, {"began": str(began), "wait": str(go)})
        until(began.exists)
        account.aws.client("lambda").update_function_code(
            FunctionName=name, ZipFile=zipped(code.replace("VERSION", "2"))
        )
        assert account.invoke(name, {})[1] == 2
        go.touch()
        assert old.result()[1] == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("import no_such_module", "Runtime.ImportModuleError"),
        ("raise ValueError('at import')", "ValueError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("import os; os._exit(3)", "Runtime.ExitError"),
        ("import sys; sys.exit('no')", "Runtime.ExitError"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime.ExitError"),
    ],
)
def test_a_failed_import_fails_each_invocation_with_its_log(account: Account, code: str, kind: str) -> None:
    name = account.function(f"print('importing')\n{code}")
    for _ in range(2):
        answer, told = account.invoke(name, {})
        assert told["errorType"] == kind
        assert log_of(answer)[0] == "importing"
    account.aws.client("lambda").update_function_code(FunctionName=name, ZipFile=zipped("handler = lambda *_: 1"))
    assert account.invoke(name, {})[1] == 1


def test_the_trace_of_a_failed_import_is_the_modules(account: Account) -> None:
    _, told = account.invoke(account.function("def fails(): raise ValueError('at import')\nfails()"), {})
    assert "in fails" in told["stackTrace"][-1]
    assert not [line for line in told["stackTrace"] if "_answer" in line or "_environment" in line]


@pytest.mark.parametrize(
    "held",
    [
        "import socket; held = socket.create_connection(('127.0.0.1', PORT))",
        "held = open(__file__)",
        "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
        "import subprocess; held = subprocess.Popen(['sleep', '60'], stdout=subprocess.DEVNULL)",
    ],
)
def test_what_forks_cannot_share_makes_an_environment_for_one_invocation(account: Account, held: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        code = held.replace("PORT", str(listening.getsockname()[1]))
        name = account.function(f"{code}\n{textwrap.dedent(IMPORTED)}")
        answers = [account.invoke(name, {}) for _ in range(2)]
    assert len({told["imported"] for _, told in answers}) == 2
    assert [log_of(answer) for answer, _ in answers] == [["imported"]] * 2


def test_what_a_module_changes_in_its_process_is_there_for_each_invocation(account: Account) -> None:
    name = account.function(
        """
        import os, signal, sys
        os.environ["MADE"] = "by the module"
        os.chdir("/")
        sys.path.append("/more")
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        def handler(event, context):
            ignored = signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN
            stream = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] == context.log_stream_name
            return [os.environ["MADE"], os.getcwd(), sys.path[-1], ignored, stream, "fork_server" in sys.modules]
        """
    )
    for _ in range(2):
        assert account.invoke(name, {})[1] == ["by the module", "/", "/more", True, True, False]


def test_a_thread_of_an_invocation_stops_with_its_end(account: Account) -> None:
    name = account.function(
        """
        import threading
        def handler(event, context):
            threading.Thread(target=threading.Event().wait).start()
            return "done"
        """
    )
    assert [account.invoke(name, {})[1] for _ in range(2)] == ["done", "done"]


def test_an_import_that_takes_too_long_is_ended(account: Account) -> None:
    name = account.function("import os, time\nprint(os.getpid())\ntime.sleep(60)", Timeout=1)
    answer, told = account.invoke(name, {})
    assert (told["errorType"], told["errorMessage"]) == (
        "Sandbox.Timedout",
        "Error: the import of the module timed out",
    )
    assert not runs(int(log_of(answer)[0]))


def test_an_invocation_that_takes_too_long_leaves_the_environment(account: Account) -> None:
    slow = "def handler(event, context): time.sleep(event['seconds']); return imported"
    name = account.function(f"{textwrap.dedent(IMPORTED)}\n{slow}", Timeout=1)
    before = account.invoke(name, {"seconds": 0})[1]
    assert account.invoke(name, {"seconds": 30})[1]["errorType"] == "Sandbox.Timedout"
    assert account.invoke(name, {"seconds": 0})[1] == before


@pytest.mark.parametrize("killed", ["the environment", "the interpreter that it is a fork of"])
def test_where_a_process_was_killed_the_next_invocation_gets_a_new_one(account: Account, killed: str) -> None:
    name = account.function(IMPORTED)
    environment = account.invoke(name, {})[1]["parent"]
    pid = environment if killed == "the environment" else account.aws.forking[environment]  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not runs(pid))
    assert [account.invoke(name, {})[1]["invocations"] for _ in range(3)] == [1, 1, 1]
    a, b = (account.invoke(name, {})[1] for _ in range(2))
    assert a["imported"] == b["imported"]


def test_only_the_environments_that_were_used_last_are_kept(aws: ForkingAWS) -> None:
    running: Any = aws
    accounts = [Account(running, f"environments-{next(NUMBERS)}") for _ in range(MOST + 1)]
    names = [account.function(IMPORTED) for account in accounts]
    accounts[0].invoke(names[0], {})
    pids = [accounts[0].invoke(name, {})[1]["parent"] for name in names]
    until(lambda: not runs(pids[0]), "the end of the oldest environment")
    assert [runs(pid) for pid in pids[1:]] == [True] * MOST


def test_nothing_is_left_after_the_end(tmp_path: Path) -> None:
    with forking_aws(tmp_path) as aws:
        running: Any = aws
        account = Account(running, "account")
        account.invoke(account.function(IMPORTED), {})
        assert len(aws.forking) == 2
    assert aws.forking == {}
