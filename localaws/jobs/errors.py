"""Error parsing: the error in the log of a failed job, in one line."""

import re
from collections.abc import Iterable, Sequence

TRACEBACK = "Traceback (most recent call last):"
# A long list of files fits, with its reasons.
MAX_LENGTH = 2_000
# `KeyError`, or `package.module.Name: message`. Spark's JVM may write log lines between those of a traceback.
_RAISED = re.compile(r"[A-Za-z_][\w.<>]*(?::.*)?")


def error_in(*streams: Iterable[str]) -> str:
    """The error at the end of the last Python traceback (with the Java error below it), else the last line.

    `streams` are the outputs of a job; an earlier one comes first where several have an error.

    >>> error_in(["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: no rows"], ["0 rows"])
    'ValueError: no rows'
    >>> error_in(["usage: a.py", "a.py: error: the following arguments are required: --input", ""])
    'a.py: error: the following arguments are required: --input'
    """
    written = [[line.rstrip() for line in lines if line.strip()] for lines in streams]
    raised = next(filter(None, map(_raised, written)), "")
    last = next((lines[-1].strip() for lines in written if lines), "")
    return (raised or last)[:MAX_LENGTH]


def _raised(lines: Sequence[str]) -> str:
    """The error below the last traceback; empty where there is none."""
    starts = [number for number, line in enumerate(lines) if line.strip() == TRACEBACK]
    if not starts:
        return ""
    below = lines[starts[-1] + 1 :]
    indent = len(lines[starts[-1]]) - len(lines[starts[-1]].lstrip())
    for number, line in enumerate(below):
        error = line.strip()
        if len(line) - len(line.lstrip()) <= indent and _RAISED.fullmatch(error):
            # Py4J writes the Java error one line below, and its root cause in the last "Caused by".
            return f"{error} {_java_cause(below[number + 1 :])}".strip() if "Py4JJavaError" in error else error
    return ""


def _java_cause(lines: Sequence[str]) -> str:
    causes = [line for line in lines if line.startswith("Caused by: ")]
    if causes:
        return causes[-1]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), "")
