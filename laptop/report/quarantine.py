"""The quarantined rows of both flows as one CSV file that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# What a spreadsheet takes for a formula, even behind white space or a NUL (OWASP, CSV injection).
_FORMULA = re.compile(r"[\s\0]*[=+\-@\t\r]")


def download_quarantine(s3: Any, bucket: str, path: Path) -> int:
    """Writes file, line, reason and raw text of every quarantined row to `path`; returns the number of rows."""
    rows = list(_rows(s3, bucket))
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("file", "line", "reason", "raw"))
        table.writerows(rows)
    return len(rows)


def inert(text: str) -> str:
    """The text, with an apostrophe in front if a spreadsheet would take it for a formula.

    >>> inert("=1+1"), inert(" -2"), inert("a-b")
    ("'=1+1", "' -2", 'a-b')
    """
    return f"'{text}" if _FORMULA.match(text) else text


def _rows(s3: Any, bucket: str) -> Iterator[tuple[str, int, str, str]]:
    for entry in _quarantined(s3, bucket):
        # A file that could not be read to its end has no raw text.
        raw = entry.get("raw") or ""
        key = entry["source"].split("/", 3)[3]
        yield inert(key), entry["line"], inert(entry["reason"]), inert(raw)


def _quarantined(s3: Any, bucket: str) -> Iterable[dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="quarantine/")
    for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
        for line in s3.get_object(Bucket=bucket, Key=key)["Body"].iter_lines():
            if line:
                yield json.loads(line)
