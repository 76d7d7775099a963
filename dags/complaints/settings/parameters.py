"""The DAG parameters: their JSON Schemas, and the messages about wrong values."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from complaints.errors import FinalError

ETAG_PATTERN = r"^([0-9a-f]{32}(-[0-9]+)?)?$"
ETAG = (
    "nothing, or the ETag of the one object: 32 hex digits, followed by -N if it was uploaded in N parts; for example "
    "d41d8cd98f00b204e9800998ecf8427e"
)
LINE_PATTERN = r"^[^\x00-\x1f\x7f]{0,500}$"
LINE = "one line of at most 500 characters"


class UnknownParameterError(FinalError, ValueError):
    """A run was started with a parameter that its flow does not have."""


def check_known(given: Iterable[str], known: Iterable[str]) -> None:
    """Raises UnknownParameterError if a run was `given` parameters beyond the `known` ones of its flow."""
    names = list(known)
    for name in sorted({*given} - {*names}):
        near = get_close_matches(name, names, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownParameterError(f"unknown parameter {name!r}: this flow has {', '.join(names)}{meant}")


def source(prefix: str) -> str:
    """The sources that a run may read, in words; `Storage.source_pattern` is the pattern."""
    return (
        f"{prefix}, or a path below it: a folder that ends in /, or one .csv, .csv.gz or .zip file; "
        f'without .. and without any of ; $ * ? [ ] {{ }} < > | \\ " ` ^ ~ #; for example {prefix}2026-03.csv'
    )


def worded(pattern: str, expected: str, *, optional: bool = False) -> dict[str, Any]:
    """The JSON Schema of a string that matches `pattern`; the error for any other string says `expected was expected`.

    An optional string may be null: Airflow's form sends null for an empty field, and otherwise requires a value.

    Airflow's form and API show jsonschema's error message. For a bare pattern that is the expression, which does not
    help; for `const` it is the constant, so the constant is our sentence. The second pattern refuses that sentence
    itself as a value.
    """
    allowed = ["string", "null"] if optional else "string"
    return {"type": allowed, "if": {"pattern": pattern}, "else": {"const": expected}, "pattern": pattern}
