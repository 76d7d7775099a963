"""Lambda's Python runtime for one event: import the handler, call it, write its result or error to a file.

Started as `run_function.py TASK`; TASK is a JSON file with the paths of code, event and answer.
https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
"""

import importlib
import json
import logging
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


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
    task = json.loads(Path(sys.argv[1]).read_text())
    # Lambda configures logging before it imports the function's module.
    logging.basicConfig(stream=sys.stdout, format="[%(levelname)s]\t%(asctime)s\t%(name)s\t%(message)s")
    sys.path[0] = task["code"]
    _forget_imported(Path(task["code"]))
    try:
        handler = _handler(task["handler"])
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


def _handler(name: str) -> Callable[[Any, Context], Any]:
    module_name, _, function_name = name.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise HandlerError("Runtime.ImportModuleError", message) from error
    if not hasattr(module, function_name):
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise HandlerError("Runtime.HandlerNotFound", message)
    handler: Callable[[Any, Context], Any] = getattr(module, function_name)
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


if __name__ == "__main__":
    sys.exit(main())
