"""Turns tables of cleaned rows into tables of complaints: each with its id and one fate, in the task that has them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from arrow_arrays import Mask, booleans, integers, lists, mask, numbers, texts
from cleaned_rows import CARRIED, FLAGS, UNMAPPED
from cleaned_rows import SCHEMA as CLEANED
from personal_data import KINDS

FATES = ("with_narrative", "without_narrative", "quarantined", "superseded")
# A row that may be a line of a narrative takes no other's place.
IN_OPEN_QUOTE = "found behind a quote that is not closed, with the Complaint ID of another row"
_COLUMNS = (
    *("source", "record", "line", "complaint_id", "received_on", "sent_on", *CARRIED, "zip_code", "label"),
    *("narrative", "text_group", "fate", "flags", "personal_data", "reason", "raw"),
)
_NAME = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    [pa.field("fate", _NAME, nullable=False) if name == "fate" else CLEANED.field(name) for name in _COLUMNS]
)
# The columns by which rows are counted.
COUNTING = ("source", "record", "label", "fate", "flags", "personal_data")
_ETAG_CHARACTERS, _RECORD_DIGITS = 12, 9  # of an id that is made up
_RESTORED = "id_restored"


def ids_of(rows: pa.Table, without_ids: Collection[str] = ()) -> pa.Array:
    """The id of each complaint: the published one, or one made of the file's content and the record's place.

    Null for a row that could not be read. `without_ids` are the sources whose ids are not used.
    """
    published, reason = (rows[name].combine_chunks() for name in ("complaint_id", "reason"))
    unnumbered = mask(published.is_valid()) & ~from_sources(rows, without_ids)
    readable = mask(reason.is_null())
    if not (readable & ~unnumbered).any():
        return published if readable.all() else _where(readable, published)
    etags = pc.utf8_slice_codeunits(rows["etag"].combine_chunks(), 0, _ETAG_CHARACTERS)
    records = pc.utf8_lpad(pc.cast(rows["record"].combine_chunks(), pa.string()), _RECORD_DIGITS, "0")
    made_up = pc.binary_join_element_wise(etags, records, texts(["-"])[0])
    return _where(readable, pc.if_else(booleans(unnumbered), published, made_up))


def complaints_of(rows: pa.Table, ids: pa.Array, older: Mask, without_ids: Collection[str] = ()) -> pa.Table:
    """The rows as complaints, as `SCHEMA` has them; `older` is True for a copy of a complaint that has a newer one."""
    in_open_quote = mask(rows["in_open_quote"].combine_chunks())
    reason = rows["reason"].combine_chunks()
    forged = in_open_quote & older & mask(reason.is_null())
    if forged.any():
        reason = pc.if_else(booleans(forged), texts([IN_OPEN_QUOTE])[0], reason)
    unreadable = mask(reason.is_valid())
    is_written = mask(rows["is_written"].combine_chunks())
    # The first condition that applies decides.
    conditions = {"quarantined": unreadable, "superseded": older, "without_narrative": ~is_written}
    places = [FATES.index(fate) for fate in conditions]
    fates = np.select([*conditions.values()], places, FATES.index("with_narrative")).astype(np.int32)
    made = {
        "complaint_id": _where(~unreadable, ids),
        "fate": pa.DictionaryArray.from_arrays(numbers(fates, pa.int32()), texts(FATES)),
        "flags": _flags(rows, from_sources(rows, without_ids)),
        "reason": reason,
        "raw": _where(unreadable, rows["raw"].combine_chunks()),
    }
    return pa.table([made[name] if name in made else rows[name] for name in SCHEMA.names], schema=SCHEMA)


def from_sources(rows: pa.Table, sources: Collection[str]) -> Mask:
    """True for the rows of these sources."""
    if not sources:
        return np.zeros(len(rows), np.bool_)
    source = rows["source"].combine_chunks()
    among = np.array([uri in sources for uri in source.dictionary.to_pylist()], np.bool_)
    found: Mask = among[integers(source.indices)]
    return found


def counts_of(rows: pa.Table) -> dict[str, dict[str, int]]:
    """By source: the number of its last record, of its rows by fate, and of what is odd about those that are kept."""
    source = rows["source"].combine_chunks()
    places, record = integers(source.indices), integers(rows["record"].combine_chunks(), np.int64)
    fate = rows["fate"].combine_chunks()
    named = {name: place for place, name in enumerate(fate.dictionary.to_pylist())}
    of_fate = {name: integers(fate.indices) == named.get(name, -1) for name in FATES}
    unmapped = mask(_is(rows["label"].combine_chunks(), UNMAPPED)) & of_fate["with_narrative"]
    kept = of_fate["with_narrative"] | of_fate["without_narrative"]
    found: dict[str, dict[str, int]] = {}
    for place, uri in enumerate(source.dictionary.to_pylist()):
        here = places == place
        if not here.any():
            continue
        counted = {name: int((here & holds).sum()) for name, holds in of_fate.items()}
        counted |= {"rows": int(here.sum()), "rows_in": int(record[here].max()), UNMAPPED: int((here & unmapped).sum())}
        counted["unreadable_files"] = int((here & (record == 0)).sum())
        found[uri] = counted | _odd(rows, here & kept)
    return found


def _odd(rows: pa.Table, kept: Mask) -> dict[str, int]:
    """The number of these rows with each flag, and with each kind of personal data."""
    found = dict.fromkeys((*FLAGS, *KINDS), 0)
    for name in ("flags", "personal_data"):
        values = pc.list_flatten(rows[name].combine_chunks().filter(booleans(kept)))
        for each in pc.value_counts(values).to_pylist():
            found[each["values"]] += each["counts"]
    return found


def _flags(rows: pa.Table, without_ids: Mask) -> pa.Array:
    """The flags; none says that an id was restored where that id is not used."""
    flags = rows["flags"].combine_chunks()
    if not without_ids.any():
        return flags
    holds = np.array([[name in each for name in FLAGS] for each in flags.to_pylist()], np.bool_)
    holds[:, FLAGS.index(_RESTORED)] &= ~without_ids
    return lists(FLAGS, holds)


def _where(condition: Mask, column: pa.Array) -> pa.Array:
    """The column, and null where the condition does not hold."""
    return column if condition.all() else pc.if_else(booleans(condition), column, pa.nulls(1, column.type)[0])


def _is(column: pa.Array, text: str) -> pa.Array:
    return pc.equal(column, texts([text])[0])
