"""What the flows may be told when they are started, and what somebody reads who tells them something else."""

from __future__ import annotations

from typing import Any

ETAG_PATTERN = r"^([0-9a-f]{32}(-[0-9]+)?)?$"
ETAG = "nothing, or the ETag of the one object: 32 digits of 0-9 and a-f, and -N behind them if it came in N parts"


def source(prefix: str) -> str:
    """What a run may read, in words: what `Storage.source_pattern` says."""
    return (
        f"{prefix}, or what lies below it: a folder, with / at the end, or one file, .csv, .csv.gz or .zip; "
        'without .. and none of ; $ * ? [ ] { } < > | \\ " ` ^ ~ #'
    )


def worded(pattern: str, expected: str, *, optional: bool = False) -> dict[str, Any]:
    """The JSON Schema of a string that matches `pattern`; of another Airflow says that `expected` was expected.

    What is optional may be null, too: Airflow's form makes that of a field that is left empty, and else has it filled.

    Airflow shows in its form, and answers by its API, what jsonschema says of a value; of a bare pattern that is the
    expression, which helps nobody. `const` is the one keyword of which it is a sentence of ours. The pattern stands
    there once more for who gives that very sentence.
    """
    allowed = ["string", "null"] if optional else "string"
    return {"type": allowed, "if": {"pattern": pattern}, "else": {"const": expected}, "pattern": pattern}
