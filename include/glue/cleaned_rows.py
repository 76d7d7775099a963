"""Cleans rows as they are read: dates, ZIP code, label and narrative of each, and what is odd about it.

Of Arrow tables, in the task that has just read them: many rows at a time, while they are in memory anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import narratives
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, booleans, days, lists, mask, numbers, texts
from personal_data import KINDS, masked
from written_dates import Dates, dates_in

T = TypeVar("T")
UNMAPPED = "unmapped"
IDENTITY = "identity"
_NO_NAME, _LONGEST_LABEL = re.compile(r"[^a-z0-9]+"), 40
FLAGS = (
    *("date_unreadable", "sent_before_received", "received_in_future", "masked_personal_data"),
    *("control_characters", "short_narrative", "not_english"),
    *("date_ambiguous", "id_restored", "in_open_quote"),
)
# Columns that are carried as they were read.
CARRIED = (
    *("product", "sub_product", "issue", "sub_issue", "company", "company_public_response", "state", "tags"),
    *("consumer_consent_provided", "submitted_via", "company_response_to_consumer", "timely_response"),
    "consumer_disputed",
)
_AS_READ = ("part", "source", "record", "line", "reason", "raw", "in_open_quote", "complaint_id", *CARRIED)
_DIGITS = r"0*(?P<digits>[0-9]+)"
_PLAIN_ID = r"^(?:0|[1-9][0-9]*)$"
_WITH_SPACES = re.compile(r"\s*(?:0|[1-9][0-9]*)\s*")
_SHORT_ZIP = r"\A[0-9]{1,4}\z"


class Source(NamedTuple):
    """An input of the run: its ETag, its rank (0: the oldest), and the day (since 1970-01-01) on which it arrived."""

    etag: str
    rank: int
    arrived: int


@dataclass(frozen=True)
class Cleaning:
    """What it takes to clean rows: the sources by their URIs, and the label rules, pairs of text and label.

    With `IDENTITY` in the place of rules, each product is a class of its own.
    """

    sources: Mapping[str, Source]
    rules: Sequence[Sequence[str]] | str

    def __call__(self, rows: pa.Table) -> pa.Table:
        """The rows as `SCHEMA` has them, in their order; `rows` are those of `read_complaints`."""
        column = {name: rows[name].combine_chunks() for name in rows.column_names}
        received, sent = dates_in(column["date_received"]), dates_in(column["date_sent_to_company"])
        sources = [self.sources[uri] for uri in column["source"].dictionary.to_pylist()]
        places = column["source"].indices
        written = narratives.cleaned(column["consumer_complaint_narrative"])
        narrative, kinds = masked(written.texts)
        is_written = narratives.is_written(narrative)
        restored = _is_restored(column["complaint_id"])
        odd = {
            **_odd_dates(received, sent, days([each.arrived for each in sources]).take(places)),
            "id_restored": restored,
            "in_open_quote": mask(column["in_open_quote"]),
            "masked_personal_data": kinds.any(axis=1),
            **{name: getattr(written, name) for name in ("control_characters", "short_narrative", "not_english")},
        }
        made = {
            "complaint_id": published_ids(column["complaint_id"]),
            "etag": texts([each.etag for each in sources]).take(places),
            "input_rank": numbers(np.array([each.rank for each in sources], np.int32), pa.int32()).take(places),
            "received_on": received.read,
            "sent_on": sent.read,
            "zip_code": _zip_codes(column["zip_code"]),
            "label": _by_value(column["product"], self.label, texts),
            "narrative": narrative,
            "text_group": narratives.text_groups(narrative, is_written),
            "is_written": booleans(is_written),
            "flags": lists(FLAGS, np.column_stack([odd[name] for name in FLAGS])),
            "personal_data": lists(KINDS, kinds),
        }
        return pa.table([made[name] if name in made else column[name] for name in SCHEMA.names], schema=SCHEMA)

    def label(self, product: str) -> str:
        """The class of a product: the label of the first rule whose text the lower-cased name holds.

        A product that no rule knows is `unmapped`; a complaint without a product has no label (null).
        """
        name = product.lower()
        if self.rules == IDENTITY:
            return _NO_NAME.sub("_", name).strip("_")[:_LONGEST_LABEL].rstrip("_") or UNMAPPED
        return next((label for text, label in self.rules if text in name), UNMAPPED)


def _schema() -> pa.Schema:
    kinds = {"part": pa.int32(), "source": pa.dictionary(pa.int32(), pa.string()), "record": pa.int64()}
    kinds |= {"input_rank": pa.int32(), "line": pa.int64(), "in_open_quote": pa.bool_(), "is_written": pa.bool_()}
    kinds |= dict.fromkeys(("received_on", "sent_on"), pa.date32())
    kinds |= dict.fromkeys(("flags", "personal_data"), pa.list_(pa.string()))
    made = (
        *("etag", "input_rank", "received_on", "sent_on", "zip_code", "label", "narrative", "text_group"),
        *("is_written", "flags", "personal_data"),
    )
    return pa.schema([(name, kinds.get(name, pa.string())) for name in (*_AS_READ, *made)])


SCHEMA = _schema()


def _odd_dates(received: Dates, sent: Dates, arrived: pa.Array) -> dict[str, Mask]:
    return {
        "date_unreadable": received.unreadable | sent.unreadable,
        "sent_before_received": mask(pc.less(sent.read, received.read)),
        "received_in_future": mask(pc.greater(received.read, arrived)),
        "date_ambiguous": received.ambiguous | sent.ambiguous,
    }


def published_ids(written: pa.Array) -> pa.Array:
    """The digits of each Complaint ID, also where a spreadsheet wrote it as `123.0`, `8,000,001` or `00123`."""
    if mask(pc.match_substring_regex(written, _PLAIN_ID)).all():
        return written
    found = pc.extract_regex(pc.replace_substring(written, ",", ""), _DIGITS)
    return pc.if_else(found.is_valid(), found.field("digits"), pc.if_else(written.is_valid(), texts([""])[0], written))


def _is_restored(identifiers: pa.Array) -> Mask:
    """True for an id that is not written as its digits alone: `123.0`, `8,000,001`, `00123`."""
    odd = ~mask(pc.match_substring_regex(identifiers, _PLAIN_ID)) & mask(identifiers.is_valid())
    for place in np.flatnonzero(odd).tolist():
        odd[place] = not _WITH_SPACES.fullmatch(identifiers[place].as_py())
    return odd


def _zip_codes(written: pa.Array) -> pa.Array:
    """ZIP codes with the leading zeros that Excel takes for none; other ways of writing them (`021XX`) as they are."""
    codes = pc.utf8_trim(written, characters=" ")
    return pc.if_else(pc.match_substring_regex(codes, _SHORT_ZIP), pc.utf8_lpad(codes, 5, "0"), codes)


def _by_value(
    column: pa.Array, function: Callable[[str], T | None], array_of: Callable[[Sequence[T | None]], pa.Array]
) -> pa.Array:
    """The function of each text of a column, called once for each distinct one; null stays null."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return array_of([function(text) for text in encoded.dictionary.to_pylist()]).take(encoded.indices)
