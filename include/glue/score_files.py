"""Reads the answers of the batch transform: those to the files of records that are there now.

SageMaker answers the records file `<name>` with `<name>.out`. A transform that failed leaves the outputs of the files
that went through, and a run that was repeated finds those of its earlier attempt:
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.json
from exact_csv.inputs import Input, Opener, local_path, s3_object
from exact_csv.outputs import data_files_below
from score_audit import ScoresRefusedError

EVIDENCE = pa.list_(pa.struct([("product", pa.string()), ("ngram", pa.string()), ("weight", pa.float64())]))
ALTERNATIVES = pa.list_(pa.struct([("issue", pa.string()), ("confidence", pa.float64())]))
# What every answer may hold, and what is only read where it is published.
_SCORES = {
    "complaint_id": pa.string(),
    "predicted_product": pa.string(),
    "confidence": pa.float64(),
    "runner_up": pa.string(),
    "runner_up_confidence": pa.float64(),
    "known_ngrams": pa.int64(),
    "predicted_issue": pa.string(),
    "issue_confidence": pa.float64(),
    "error": pa.string(),
}
_PUBLISHED = {"evidence": EVIDENCE, "issue_alternatives": ALTERNATIVES}
_OUTPUT = ".out"
_NAMED = 5  # files that an error names
_READ = 8 << 20
_BEGINS_WITH_ANSWER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\{")


def score_files(records_uri: str, scores_uri: str) -> list[str]:
    """The URIs of the answers to the files of records that are there now.

    Outputs of other names are left from an earlier attempt: they are ignored, and counted in the log.

    Raises:
        ScoresRefusedError: a file of records has no output, as after a transform that failed; it is named.
    """
    asked, answered = _by_name(records_uri), _by_name(scores_uri)
    wanted = {f"{name}{_OUTPUT}" for name in asked}
    if missing := sorted(wanted - answered.keys()):
        named = ", ".join(name.removesuffix(_OUTPUT) for name in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ScoresRefusedError(
            f"{len(missing)} of {len(asked)} records files have no output in {scores_uri}: {named}{more}; "
            f"each needs one of its name and {_OUTPUT!r}: run the batch transform again"
        )
    if not wanted:
        raise ScoresRefusedError(f"{records_uri} holds no records: run the preparation again")
    print(f"outputs read: {len(wanted)}; ignored, of an earlier attempt: {len(answered) - len(wanted)}", flush=True)
    return [answered[name] for name in sorted(wanted)]


def _by_name(folder: str) -> dict[str, str]:
    """The files below a folder by what follows it in their URIs: a copy in a folder of its own answers nothing."""
    place = s3_object(folder)
    here = f"s3://{place[0]}/{place[1]}" if place else str(local_path(folder))
    return {each[len(here) :].lstrip("/"): each for each in data_files_below(folder)}


def scores_schema(published: Collection[str] = ()) -> pa.Schema:
    """The columns of the answers; `published` names those that are published of `evidence` and `issue_alternatives`."""
    return pa.schema([*_SCORES.items(), *((name, kind) for name, kind in _PUBLISHED.items() if name in published)])


def scores_in(uri: str, schema: pa.Schema) -> pa.Table:
    """The answers in one file, which has as many as its file of records; null where an answer has no such value."""
    with closing(Opener().open(Input(uri))) as stream:
        return scores_of(b"".join(iter(lambda: stream.read(_READ), b"")), schema)


def scores_of(content: bytes, schema: pa.Schema) -> pa.Table:
    """The answers in JSON Lines, a row each, of whatever is in the lines.

    A value of another type is null, and so are all values of a line that is not JSON: no complaint has the id null, so
    that such an answer is refused with the others.
    """
    try:
        content.decode()  # Arrow takes any bytes for a text
        if not _BEGINS_WITH_ANSWER.match(content):
            raise pa.ArrowInvalid("a first value that is no object: Arrow's reader crashes the process if it is null")
        return (
            pyarrow.json.read_json(
                pa.BufferReader(content),
                read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(content) + 1),
                parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
            )
            .select(schema.names)
            .combine_chunks()
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        # Something in the file is odd: its lines are read one by one, more slowly.
        found = [_as_type(each, pa.struct(schema)) for line in content.splitlines() for each in _objects(line)]
        return pa.Table.from_pylist([each or {} for each in found], schema)


class _Number(str):
    """A number as it is written."""


_DECODER = json.JSONDecoder(parse_int=_Number, parse_float=_Number, parse_constant=_Number)


def _objects(line: bytes) -> Iterator[Any]:
    """The answers in one line: one, as a rule, None where it is no JSON."""
    text = line.decode(errors="replace").strip()
    if not text:
        return
    try:
        found, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        found = None
    yield from found if isinstance(found, list) else [found]


def _as_type(value: Any, kind: pa.DataType) -> Any:
    """A value of a JSON document as one of this type; None if it is of another."""
    if pa.types.is_struct(kind):
        fields = (kind.field(place) for place in range(kind.num_fields))
        given = value if isinstance(value, dict) else None
        return given and {each.name: _as_type(given.get(each.name), each.type) for each in fields}
    if pa.types.is_list(kind):
        return [_as_type(each, kind.value_type) for each in value] if isinstance(value, list) else None
    if pa.types.is_string(kind):
        text = value if value is None or isinstance(value, str) else json.dumps(value)
        # Half of a character outside of the basic plane, as JSON may escape it, is no text.
        return text and text.encode(errors="replace").decode()
    return _number(value, kind) if isinstance(value, _Number) else None


def _number(text: str, kind: pa.DataType) -> float | int | None:
    if not pa.types.is_integer(kind):
        return float(text)
    digits = text.lstrip("-")
    return int(text) if digits.isdigit() and len(digits) < 19 else None
