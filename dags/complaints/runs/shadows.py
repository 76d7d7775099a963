"""The comparison of a shadow with the model in service, on the same records: agreement, overall and by class.

Both transforms read the same files and answer each line with one line, so the answers stand in the same order.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, TypeAlias

from complaints.aws.bucket import Bucket
from complaints.errors import FinalError

# The answer of the model in service, and that of the shadow.
Pair: TypeAlias = tuple[Mapping[str, Any], Mapping[str, Any]]


class ShadowMismatchError(FinalError, RuntimeError):
    """The answers of the shadow are not to the same records as those of the model in service."""


def compared(pairs: Iterable[Pair]) -> dict[str, Any]:
    """How often both give the same class, and what the shadow says instead, by the class of the model in service.

    Records that a model could not classify are counted as `without_answer`.

    Raises:
        ShadowMismatchError: a pair is of two complaints.
    """
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    without_answer = 0
    for ours, theirs in pairs:
        if ours.get("complaint_id") != theirs.get("complaint_id"):
            found = f"{ours.get('complaint_id')!r} and {theirs.get('complaint_id')!r}"
            raise ShadowMismatchError(f"the answers are to two complaints, {found}: delete the shadow's, and clear it")
        if "error" in ours or "error" in theirs:
            without_answer += 1
        else:
            answers[ours["predicted_product"]][theirs["predicted_product"]] += 1
    total = sum(each.total() for each in answers.values())
    agree = sum(each[name] for name, each in answers.items())
    return {
        "n": total,
        "agree": agree,
        "agreement": _share(agree, total),
        "without_answer": without_answer,
        "per_class": {
            name: {
                "n": each.total(),
                "agreement": _share(each[name], each.total()),
                "shadow": dict(sorted(each.items())),
            }
            for name, each in sorted(answers.items())
        },
    }


def answers(bucket: Bucket, scores_uri: str, shadow_uri: str) -> Iterator[Pair]:
    """The answers of both models to each record, streamed, in the order of the records.

    Raises:
        ShadowMismatchError: a file has no counterpart, or another number of lines.
    """
    ours, theirs = _files(bucket, scores_uri), _files(bucket, shadow_uri)
    if ours.keys() != theirs.keys():
        lone = ", ".join(sorted(ours.keys() ^ theirs.keys())[:3])
        raise ShadowMismatchError(f"{scores_uri} and {shadow_uri} hold other files: {lone}")
    for name, key in ours.items():
        for line, other in zip_longest(_lines(bucket, key), _lines(bucket, theirs[name])):
            if line is None or other is None:
                raise ShadowMismatchError(f"{name} has more lines in one of {scores_uri} and {shadow_uri}")
            yield json.loads(line), json.loads(other)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _files(bucket: Bucket, uri: str) -> dict[str, str]:
    return {each.key.removeprefix(bucket.key(uri)): each.key for each in bucket.data_objects(uri)}


def _lines(bucket: Bucket, key: str) -> Iterator[bytes]:
    lines: Iterator[bytes] = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].iter_lines(1 << 20)
    return (line for line in lines if line)
