"""The columns of a complaints file: their names, their aliases, and how to recognise the header."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from exact_csv.inputs import InputRefusedError

# The columns of the CFPB export, as they are named here: lower case, words joined by "_". Exports since June 2026
# have no consumer_consent_provided and no consumer_disputed; a column that a file does not have is null.
COLUMNS = (
    "date_received",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "consumer_complaint_narrative",
    "company_public_response",
    "company",
    "state",
    "zip_code",
    "tags",
    "consumer_consent_provided",
    "submitted_via",
    "date_sent_to_company",
    "company_response_to_consumer",
    "timely_response",
    "consumer_disputed",
    "complaint_id",
)
REQUIRED = "consumer_complaint_narrative"
IDENTIFIER = "complaint_id"

# Names that the CFPB's API, its search page and published notebooks use. An alias counts only where the file has no
# column of the name itself: an "ID" beside a "Complaint ID" is some other column.
ALIASES = {
    "consumer_complaint_narrative": (
        *("narrative", "complaint_narrative", "consumer_narrative", "consumer_complaint"),
        *("complaint_text", "complaint_what_happened", "complaint"),
    ),
    "complaint_id": ("id", "complaintid", "complaint_number", "complaint_no"),
    "date_received": ("received", "received_date", "date_complaint_received"),
    "product": ("product_name",),
    "sub_product": ("subproduct",),
    "sub_issue": ("subissue",),
    "company": ("company_name",),
    "zip_code": ("zipcode", "zip", "postal_code"),
    "date_sent_to_company": ("date_sent", "sent_to_company"),
    "company_response_to_consumer": ("company_response",),
    "timely_response": ("timely",),
    "consumer_consent_provided": ("consumer_consent",),
    "consumer_disputed": ("disputed", "consumer_dispute"),
}
_COLUMN_OF = {alias: column for column, aliases in ALIASES.items() for alias in aliases}
# A column of this name often numbers the rows of its file.
_MAY_NUMBER_ROWS = "id"
_MOST_COLUMNS = 500
_LONGEST_NAME = 100
# A line that names this many columns is a header, even if the required one is not among them.
_SURELY_A_HEADER = 3
# Names of columns in a message: no text that could be a consumer's, which has digits, punctuation or many words.
_LOOKS_LIKE_A_NAME = re.compile(r"[^\W\d]+(?:[ _/()-]+[^\W\d]+){0,3}[ )]*")
_SHOWN, _LONGEST_SHOWN = 8, 40  # names, and characters of each
_ACCEPTED = f"names for the narrative: {', '.join((REQUIRED, *ALIASES[REQUIRED]))}"
_OTHER_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


# Names, normalised, that a run's own files use, each with that in `COLUMNS`.
Aliases = Sequence[tuple[str, str]]


class Header(NamedTuple):
    """The columns of one file, in the file's order.

    `columns` uses the names in `COLUMNS` where a column is one of them; `names` holds the file's own names in lower
    case, joined by "_"; `ignored` names the columns that are an alias of a column that stands further left; `aliases`
    are those that the run adds.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    ignored: tuple[str, ...] = ()
    aliases: Aliases = ()

    @property
    def id_place(self) -> int | None:
        """The place of the Complaint ID in a row; None where the file has none."""
        return self.columns.index(IDENTIFIER) if IDENTIFIER in self.columns else None

    @property
    def narrative_place(self) -> int:
        """The place of the narrative in a row."""
        return self.columns.index(REQUIRED)

    @property
    def may_number_rows(self) -> bool:
        """True where the ids come from a column that is called just "id", which may be a row number."""
        place = self.id_place
        return place is not None and self.names[place] == _MAY_NUMBER_ROWS

    def is_column_name(self, value: str) -> bool:
        """True for a value that is the name of a column, here or in other files."""
        name = _normalised(value) if len(value) < _LONGEST_NAME else ""
        return bool(name) and (name in COLUMNS or name in _column_of(self.aliases) or name in self.names)


def header_from(values: Sequence[str], aliases: Aliases = ()) -> Header | None:
    """The header that a record is; None where the record is no header. `aliases` are those that the run adds.

    Raises:
        InputRefusedError: the record is a header, but lacks the narrative, names a column twice, or is too wide.
    """
    names = tuple(_normalised(value) for value in values)
    columns, ignored = _columns(names, aliases)
    known = [name for name in COLUMNS if name in columns]
    if REQUIRED not in known and len(known) < _SURELY_A_HEADER:
        return None
    found = ", ".join(repr(value.strip()[:60]) for value in values[:30])
    if REQUIRED not in known:
        lacking = f"its header has no column {REQUIRED!r}{_nearest(names, columns)}"
        raise InputRefusedError(f"{lacking}; it has {found}; {_ACCEPTED}")
    if len(columns) > _MOST_COLUMNS:
        raise InputRefusedError(f"its header names {len(columns):,} columns, more than {_MOST_COLUMNS}")
    if twice := [name for name in known if columns.count(name) > 1]:
        raise InputRefusedError(f"its header names {twice[0]!r} twice; it has {found}")
    return Header(tuple(columns), names, tuple(values[place].strip() for place in ignored), aliases)


def other_separator(line: str, aliases: Aliases = ()) -> str | None:
    """The plural name of the character that separates the columns of a header line, where that is not a comma."""
    for separator, name in _OTHER_SEPARATORS.items():
        if separator not in line:
            continue
        try:
            if header_from([value.strip('" ') for value in line.split(separator)], aliases):
                return name
        except InputRefusedError:
            return name
    return None


def no_header(first_line: str, within: int) -> str:
    """The reason to refuse a file in which no header was found, with the columns that its first line may name.

    The line is quoted only where all of it looks like names of columns: the file may begin with a complaint.
    """
    separator = max(",", *_OTHER_SEPARATORS, key=first_line.count)
    by = _OTHER_SEPARATORS.get(separator, "commas")
    fields = [field.strip('" ') for field in first_line.split(separator)]
    if all(len(field) <= _LONGEST_SHOWN and _LOOKS_LIKE_A_NAME.fullmatch(field) for field in fields):
        more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
        found = f"its first line has, separated by {by}, {', '.join(map(repr, fields[:_SHOWN]))}{more}"
    else:
        found = f"its first line has {len(fields)} fields, separated by {by}, that do not look like names"
    return f"no header with a column {REQUIRED!r} in its first {within} records; {found}; {_ACCEPTED}"


def _columns(names: Sequence[str], aliases: Aliases) -> tuple[list[str], list[int]]:
    """Each column by its name in `COLUMNS` where it is one, and the places of the aliases that are not used."""
    columns, ignored, column_of = list(names), [], _column_of(aliases)
    taken = {name: name for name in names if name in COLUMNS}
    for place, name in enumerate(names):
        column = column_of.get(name)
        if column is None:
            continue
        if taken.setdefault(column, name) == name:
            columns[place] = column
        elif taken[column] != column:
            ignored.append(place)
    return columns, ignored


def _column_of(aliases: Aliases) -> Mapping[str, str]:
    """The column of each alias; what a run adds goes before what is known anyway."""
    return {**_COLUMN_OF, **dict(aliases)} if aliases else _COLUMN_OF


def _normalised(value: str) -> str:
    # pandas.json_normalize names the columns of the CFPB's API "_source.product".
    name = value.strip().lower().removeprefix("_source.")
    return re.sub(r"[^a-z0-9]+", "_", name).strip("_")


def _nearest(names: Sequence[str], columns: Sequence[str]) -> str:
    spellings = (REQUIRED, *ALIASES[REQUIRED])
    free = [name for name in names if name and name not in COLUMNS and name in columns]
    for spelling in spellings:
        if near := get_close_matches(spelling, free, 1):
            return f" (rename {near[0]!r} if it holds the narratives)"
    return ""
