"""What a failed job's log says about why it failed: one sentence for a person."""

from collections.abc import Iterable, Sequence

TRACEBACK = "Traceback (most recent call last):"
GREATEST_LENGTH = 1_000


def cause(lines: Iterable[str]) -> str:
    """The error at the end of the last Python traceback (with the Java cause below it), else the last line.

    >>> cause(["Traceback (most recent call last):", '  File "a.py", line 1', "ValueError: no rows"])
    'ValueError: no rows'
    >>> cause(["usage: a.py", "a.py: error: the following arguments are required: --input", ""])
    'a.py: error: the following arguments are required: --input'
    """
    said = [line.rstrip() for line in lines if line.strip()]
    starts = [number for number, line in enumerate(said) if line.strip() == TRACEBACK]
    if starts:
        below = said[starts[-1] + 1 :]
        indent = len(said[starts[-1]]) - len(said[starts[-1]].lstrip())
        found = _error_below(below, indent)
        if found is not None:
            return found[:GREATEST_LENGTH]
    return said[-1].strip()[:GREATEST_LENGTH] if said else ""


def _error_below(below: Sequence[str], indent: int) -> str | None:
    for number, line in enumerate(below):
        if len(line) - len(line.lstrip()) <= indent:
            error = line.strip()
            # Py4J names the Java error one line below, and what began it all in the last "Caused by".
            if "Py4JJavaError" in error:
                return f"{error} {_java_cause(below[number + 1 :])}".strip()
            return error
    return None


def _java_cause(lines: Sequence[str]) -> str:
    causes = [line for line in lines if line.startswith("Caused by: ")]
    if causes:
        return causes[-1]
    return next((line.removeprefix(": ") for line in lines if line.startswith(": ")), "")
