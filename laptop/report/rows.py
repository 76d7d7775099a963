"""What became of every row: first in the report, because scores of lost rows mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from laptop.report.figures import Portion, counted_bars, stacked_bar, swatch
from laptop.report.formatting import count, part, percent, plain, rows
from laptop.report.markup import Markup, figure, markup, section, table, tag
from laptop.report.row_account import RowAccount, account_of, accounts_by_source

# What became of a row, in a person's words. The keys also name the colours of the style sheet.
FATES = {
    "classified": "had a narrative, and has a prediction",
    "train": "taught the model",
    "test": "held out, to score the model",
    "newest": "held out by time, to score the model on the latest complaints",
    "without_narrative": "nothing to read: the consumer published no narrative",
    "unmapped": "a product that the product map does not know",
    "quarantined": "could not be read as a complaint; set aside, with the reason",
    "superseded": "an older copy of a complaint that was published again",
}


def classified_rows(classification: Mapping[str, Any]) -> Markup:
    """The account of the complaints to classify: all of them, by source, and why some were set aside."""
    account = account_of(classification)
    if account is None:
        return section("Where every row went", lead="Nothing was classified in this run.")
    return section(
        "Where every row went",
        _account(account),
        _sources(classification),
        _reasons(classification, account.fates.get("quarantined", 0)),
        _unmapped(classification.get("unmapped") or 0),
        lead="Each row that was read has exactly one fate, and no row is lost without being said.",
    )


def training_rows(training: Mapping[str, Any]) -> Markup | None:
    """The account of the training history; None where no model was trained."""
    account = account_of(training)
    if account is None:
        return None
    return section("What the model learned from", _account(account), lead="The rows of the training history.")


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
        body.append((markup(swatch("missing"), "difference"), count(account.missing), "", "no fate on record"))
    foot = ("rows in", count(account.rows_in), "", _verdict(account))
    written = table(("fate", "rows", "share", ""), body, foot=foot, class_="account")
    return tag("div", stacked_bar(portions, whole), written, class_="figure")


def _colour(fate: str) -> str:
    # A class name is no place for text from a file.
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
    unsaid = quarantined - sum(reasons.values())
    note = f"{rows(unsaid)} of {count(quarantined)} without a reason on record." if unsaid > 0 else None
    return figure(
        "Why rows were quarantined",
        counted_bars(("reason", "rows"), reasons, "quarantined"),
        tag("p", note, class_="note") if note else None,
    )


def _unmapped(number: int) -> Markup | None:
    if not number:
        return None
    text = f"{rows(number)} with a product that the product map does not know: no agreement is counted for them."
    return tag("p", text, class_="note")
