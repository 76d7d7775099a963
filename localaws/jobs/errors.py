"""Error parsing: the error in the log of a failed job, in one line."""

from collections.abc import Iterable, Sequence

TRACEBACK = "Traceback (most recent call last):"
MAX_LENGTH = 1_000


def error_in(lines: Iterable[str]) -> str:
    """The error at the end of the last Python traceback (with the Java error_in below it), else the last line.

    >>> error_in(["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: no rows"])
    'ValueError: no rows'
    >>> error_in(["usage: a.py", "a.py: error: the following arguments are required: --input", ""])
    'a.py: error: the following arguments are required: --input'
    """
    written = [line.rstrip() for line in lines if line.strip()]
    starts = [number for number, line in enumerate(written) if line.strip() == TRACEBACK]
    if starts:
        below = written[starts[-1] + 1 :]
        indent = len(written[starts[-1]]) - len(written[starts[-1]].lstrip())
        found = _error_below(below, indent)
        if found is not None:
            return found[:MAX_LENGTH]
    return written[-1].strip()[:MAX_LENGTH] if written else ""


def _error_below(below: Sequence[str], indent: int) -> str | None:
    for number, line in enumerate(below):
        if len(line) - len(line.lstrip()) <= indent:
            error = line.strip()
            # Py4J writes the Java error one line below, and its root cause in the last "Caused by".
            if "Py4JJavaError" in error:
                return f"{error} {_java_cause(below[number + 1 :])}".strip()
            return error
    return None


def _java_cause(lines: Sequence[str]) -> str:
    causes = [line for line in lines if line.startswith("Caused by: ")]
    if causes:
        return causes[-1]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), "")
