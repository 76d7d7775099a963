"""What a complaints file's columns are called, and which line of it is the header that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exact_csv.input_bytes import InputRefusedError

# The columns of the CFPB export, as they are named here: lower case, words joined by "_". Exports since June 2026
# have no consumer_consent_provided and no consumer_disputed; a column that a file has not is null.
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

# What others call them: the CFPB's own API and search page, and those who renamed columns. Taken for the column only
# where a file has not the column itself, so that an "ID" beside a "Complaint ID" is what it always was: none of ours.
ALIASES = {
    "consumer_complaint_narrative": (
        *("narrative", "complaint_narrative", "consumer_narrative", "consumer_complaint"),
        *("complaint_text", "complaint_what_happened"),
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
    "consumer_disputed": ("disputed",),
}
_MOST_COLUMNS = 500
# A line that names so many columns is a header, even if the one that is required is not among them.
_SURELY_A_HEADER = 3


def columns_of(values: Sequence[str]) -> list[str] | None:
    """The columns that a header names, in its order, by our names where they are ours; None where it is no header.

    Raises:
        InputRefusedError: it is a header, and the rows below it cannot be understood.
    """
    names = [re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_") for value in values]
    ours = {alias: name for name in COLUMNS if name not in names for alias in ALIASES.get(name, ())}
    columns = [ours.get(name, name) for name in names]
    known = [name for name in COLUMNS if name in columns]
    if REQUIRED not in known and len(known) < _SURELY_A_HEADER:
        return None
    found = ", ".join(repr(value.strip()[:60]) for value in values[:30])
    if REQUIRED not in known:
        raise InputRefusedError(f"its header has no column {REQUIRED!r}, by no name that is known; it has {found}")
    if len(columns) > _MOST_COLUMNS:
        raise InputRefusedError(f"its header names {len(columns):,} columns, more than {_MOST_COLUMNS}")
    if twice := [name for name in known if columns.count(name) > 1]:
        raise InputRefusedError(f"its header names {twice[0]!r} twice; it has {found}")
    return columns
