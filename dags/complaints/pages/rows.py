"""The sections on row accounts; they come first, since scores mean nothing if rows were lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.pages.figures import Portion, counted_bars, stacked_bar, swatch
from complaints.pages.formatting import count, part, percent, plain, rows
from complaints.pages.markup import Markup, figure, markup, section, table, tag
from complaints.pages.row_account import RowAccount, account_of, accounts_by_source, files_set_aside

# The fates of a row, explained. The keys are also the names of the style sheet's colours.
FATES = {
    "classified": "has a narrative and a prediction",
    "train": "used to train the model",
    "test": "held out to evaluate the model",
    "newest": "the latest complaints, held out to evaluate the model on them",
    "without_narrative": "the consumer did not publish a narrative",
    "unmapped": "its product is not in the product map",
    "quarantined": "not a valid complaint; kept apart with the reason",
    "superseded": "an older copy of a complaint that was published again",
}


def classified_rows(classification: Mapping[str, Any]) -> Markup:
    """The account of the complaints to classify: in total, by source, and the reasons for quarantine."""
    account = account_of(classification)
    if account is None:
        return section("Row account", lead="Nothing was classified in this run.")
    return section(
        "Where every row went",
        _account(account),
        _sources(classification),
        _reasons(classification, account.fates.get("quarantined", 0)),
        _set_aside(classification),
        _unmapped(classification.get("unmapped") or 0),
        lead="Every row that was read has exactly one fate. Missing rows are reported here.",
    )


def training_rows(training: Mapping[str, Any]) -> Markup | None:
    """The account of the training history; None if no model was trained."""
    account = account_of(training)
    if account is None:
        return None
    lead = "The rows of the training history, by their use."
    return section("Training data", _account(account), _set_aside(training), lead=lead)


def _account(account: RowAccount) -> Markup:
    whole = max(account.rows_in, sum(account.fates.values()))
    portions = [Portion(plain(fate), n, _colour(fate), count(n)) for fate, n in account.fates.items()]
    if account.missing > 0:
        portions.append(Portion("missing", account.missing, "missing", count(account.missing)))
    body = [
        (
            markup(swatch(_colour(fate)), plain(fate)),
            count(n),
            percent(n, account.rows_in),
            FATES.get(fate, ""),
        )
        for fate, n in account.fates.items()
    ]
    if not account.adds_up:
        body.append((markup(swatch("missing"), "difference"), count(account.missing), "", "no recorded fate"))
    foot = ("rows in", count(account.rows_in), "", _verdict(account))
    written = table(("fate", "rows", "share", ""), body, foot=foot, class_="account")
    return tag("div", stacked_bar(portions, whole), written, class_="figure")


def _colour(fate: str) -> str:
    # Text from a file must not become a class name.
    return fate.replace("_", "-") if fate in FATES else "other"


def _verdict(account: RowAccount) -> Markup:
    sign, kind = ("✓", "good") if account.adds_up else ("✗", "bad")
    return tag("span", f"{sign} {account.verdict()}", class_=f"verdict {kind}")


def _sources(classification: Mapping[str, Any]) -> Markup | None:
    accounts = accounts_by_source(classification)
    if not accounts:
        return None
    fates = list(accounts[0][1].fates)
    read = RowAccount(
        sum(account.rows_in for _, account in accounts),
        {fate: sum(account.fates[fate] for _, account in accounts) for fate in fates},
    )
    head = ("source", "rows in", *(plain(fate) for fate in fates), "")
    body = [_source(tag("code", name), account) for name, account in accounts]
    foot = _source("all sources", read) if len(accounts) > 1 else ()
    return figure("By source", table(head, body, foot=foot, class_="sources"))


def _source(name: object, account: RowAccount) -> tuple[object, ...]:
    return (name, count(account.rows_in), *(count(n) for n in account.fates.values()), _verdict(account))


def _reasons(classification: Mapping[str, Any], quarantined: int) -> Markup | None:
    reasons = part(classification, "quarantined_by_reason")
    if not reasons:
        return None
    without_reason = quarantined - sum(reasons.values())
    note = f"{rows(without_reason)} of {count(quarantined)} without a recorded reason." if without_reason > 0 else None
    return figure(
        "Why rows were quarantined",
        counted_bars(("reason", "rows"), reasons, "quarantined"),
        tag("p", note, class_="note") if note else None,
    )


def _set_aside(read: Mapping[str, Any]) -> Markup | None:
    files = files_set_aside(read)
    if not files:
        return None
    body = [(tag("code", key), count(size), reason) for key, size, reason in files]
    return figure("Files set aside, since they cannot be read", table(("file", "bytes", "reason"), body))


def _unmapped(number: int) -> Markup | None:
    if not number:
        return None
    text = f"{rows(number)} with a product that is not in the product map: they are not part of the agreement below."
    return tag("p", text, class_="note")
