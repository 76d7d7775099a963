"""Lambda's Python runtime: imports a handler, calls it for an event, and writes its result or error to a file.

Started as `run_function.py TASK` for one event; TASK is a JSON file with the paths of code, event and answer.

Started as `run_function.py CODE HANDLER`, with a socket as its standard input, it is an execution environment: it
imports the handler, and forks a process for each event (`fork_server`). So no invocation sees what another has left in
memory, as on AWS after a cold start. An environment that cannot be shared calls the handler for one event by itself.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import gc
import importlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Handler = Callable[[Any, "Context"], Any]


class HandlerError(Exception):
    """An error of the runtime itself; `type` is the errorType."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type


class Context:
    """The handler's second argument."""

    def __init__(self, facts: dict[str, Any], deadline: float) -> None:
        self.__dict__.update(facts)
        self._deadline = deadline

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main() -> int:
    """Returns 0 if the handler returned, and 1 if it raised; the answer is in a file."""
    if len(sys.argv) > 2:
        handler, task = _environment(*sys.argv[1:])
    else:
        task = json.loads(Path(sys.argv[1]).read_text())
        handler = _init(task["code"], task["handler"])
    return _answer(handler, task)


def _environment(code: str, name: str) -> tuple[Handler | Exception, dict[str, Any]]:
    """Returns once per event, in the process that is to call the handler.

    Forks would share connections and files, and lack threads: a module that leaves any gets one event only.
    """
    # A neighbour of this script, which is not for the function to see.
    server = importlib.import_module("fork_server").ForkServer()
    del sys.modules["fork_server"]
    before = _open_files()
    handler = _init(code, name)
    if isinstance(handler, Exception) or _open_files() != before or _has_companions():
        job = server.become()
    else:
        sys.stdout.flush()
        sys.stderr.flush()
        # The log of the first event ends with it.
        for output in (1, 2):
            os.dup2(0, output)
        # A collection would copy the memory that the forks share.
        gc.freeze()
        job = server.serve()
    with os.fdopen(job, encoding="utf-8") as given:
        task: dict[str, Any] = json.loads(Path(json.load(given)["arguments"][1]).read_text())
    os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = task["context"]["log_stream_name"]
    return handler, task


def _has_companions() -> bool:
    """True if threads or children run besides this one, which forks would lack."""
    with suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        return True
    return threading.active_count() > 1


def _open_files() -> set[int]:
    # The listing itself has one, too.
    return {int(each.name) for each in Path("/dev/fd").iterdir()}


def _init(code: str, name: str) -> Handler | Exception:
    """The handler, or the error of its module."""
    # Lambda configures logging before it imports the function's module.
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(name)s\t%(message)s")
    sys.path[0] = code
    _forget_imported(Path(code))
    try:
        return _handler(name)
    except Exception as error:
        # Without this function.
        return error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)


def _answer(handler: Handler | Exception, task: dict[str, Any]) -> int:
    try:
        if isinstance(handler, Exception):
            raise handler
        # The timeout does not include the import. SIGALRM's default action ends the process.
        signal.setitimer(signal.ITIMER_REAL, task["timeout"])
        context = Context(task["context"], time.monotonic() + task["timeout"])
        answer = _json(handler(json.loads(Path(task["event"]).read_text()), context))
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Exception as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        document = _error_document(error)
        print(f"[ERROR] {document['errorType']}: {document['errorMessage']}", file=sys.stderr)
        print("".join(["Traceback (most recent call last):\n", *document["stackTrace"]]), end="", file=sys.stderr)
        Path(task["error"]).write_text(json.dumps(document))
        return 1
    Path(task["result"]).write_text(answer)
    return 0


def _forget_imported(code: Path) -> None:
    """Forgets libraries that the function brings along itself: its own copy comes first, as on AWS."""
    brought = {path.name.partition(".")[0] for path in code.iterdir()} - sys.stdlib_module_names - {"__main__"}
    for name in [name for name in sys.modules if name.partition(".")[0] in brought]:
        del sys.modules[name]


def _handler(name: str) -> Handler:
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise HandlerError("Runtime.ImportModuleError", message) from error
    if not hasattr(module, function_name):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise HandlerError("Runtime.HandlerNotFound", message)
    handler: Handler = getattr(module, function_name)
    return handler


def _json(result: Any) -> str:
    try:
        return json.dumps(result)
    except (TypeError, ValueError) as error:
        raise HandlerError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def _error_document(error: Exception) -> dict[str, Any]:
    # Without the first frame, which is the runtime's.
    frames = [] if isinstance(error, HandlerError) else traceback.extract_tb(error.__traceback__)[1:]
    type_name = error.type if isinstance(error, HandlerError) else type(error).__name__
    return {"errorMessage": str(error), "errorType": type_name, "stackTrace": traceback.format_list(frames)}


def _end(code: int) -> None:
    """Ends the process as Lambda freezes it: threads do not go on, and nothing is called at the exit."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
