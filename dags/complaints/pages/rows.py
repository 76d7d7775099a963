"""The sections on row accounts; they come first, since scores mean nothing if rows were lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from complaints.pages.figures import Portion, counted_bars, stacked_bar, swatch
from complaints.pages.formatting import part, plain
from complaints.pages.markup import Markup, figure, markup, section, table, tag
from complaints.pages.row_account import RowAccount, account_of, accounts_by_source, files_set_aside
from complaints.pages.words import ENGLISH, Words

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


def classified_rows(classification: Mapping[str, Any], say: Words = ENGLISH) -> Markup:
    """The account of the complaints to classify: in total, by source, and the reasons for quarantine."""
    account = account_of(classification)
    if account is None:
        return section(say("Row account"), lead=say("Nothing was classified in this run."))
    return section(
        say("Where every row went"),
        _account(account, say),
        _sources(classification, say),
        _reasons(classification, account.fates.get("quarantined", 0), say),
        _set_aside(classification, say),
        _unmapped(classification.get("unmapped") or 0, say),
        lead=say("Every row that was read has exactly one fate. Missing rows are reported here."),
    )


def training_rows(training: Mapping[str, Any]) -> Markup | None:
    """The account of the training history; None if no model was trained."""
    account = account_of(training)
    if account is None:
        return None
    lead = "The rows of the training history, by their use."
    return section("Training data", _account(account, ENGLISH), _set_aside(training, ENGLISH), lead=lead)


def _account(account: RowAccount, say: Words) -> Markup:
    whole = max(account.rows_in, sum(account.fates.values()))
    portions = [Portion(say(plain(fate)), n, _colour(fate), say.count(n)) for fate, n in account.fates.items()]
    if account.missing > 0:
        portions.append(Portion(say("missing"), account.missing, "missing", say.count(account.missing)))
    body = [
        (
            markup(swatch(_colour(fate)), say(plain(fate))),
            say.count(n),
            say.percent(n, account.rows_in),
            say(FATES.get(fate, "")),
        )
        for fate, n in account.fates.items()
    ]
    if not account.adds_up:
        body.append(
            (markup(swatch("missing"), say("difference")), say.count(account.missing), "", say("no recorded fate"))
        )
    foot = (say("rows in"), say.count(account.rows_in), "", _verdict(account, say))
    written = table((say("fate"), say("rows"), say("share"), ""), body, foot=foot, class_="account")
    return tag("div", stacked_bar(portions, whole), written, class_="figure")


def _colour(fate: str) -> str:
    # Text from a file must not become a class name.
    return fate.replace("_", "-") if fate in FATES else "other"


def _verdict(account: RowAccount, say: Words) -> Markup:
    sign, kind = ("✓", "good") if account.adds_up else ("✗", "bad")
    return tag("span", f"{sign} {say(account.verdict())}", class_=f"verdict {kind}")


def _sources(classification: Mapping[str, Any], say: Words) -> Markup | None:
    accounts = accounts_by_source(classification)
    if not accounts:
        return None
    fates = list(accounts[0][1].fates)
    read = RowAccount(
        sum(account.rows_in for _, account in accounts),
        {fate: sum(account.fates[fate] for _, account in accounts) for fate in fates},
    )
    head = (say("source"), say("rows in"), *(say(plain(fate)) for fate in fates), "")
    body = [_source(tag("code", name), account, say) for name, account in accounts]
    foot = _source(say("all sources"), read, say) if len(accounts) > 1 else ()
    return figure(say("By source"), table(head, body, foot=foot, class_="sources"))


def _source(name: object, account: RowAccount, say: Words) -> tuple[object, ...]:
    return (name, say.count(account.rows_in), *(say.count(n) for n in account.fates.values()), _verdict(account, say))


def _reasons(classification: Mapping[str, Any], quarantined: int, say: Words) -> Markup | None:
    reasons = part(classification, "quarantined_by_reason")
    if not reasons:
        return None
    without_reason = quarantined - sum(reasons.values())
    numbers = {"some": say.count(without_reason), "all": say.count(quarantined)}
    note = say("{some} rows of {all} without a recorded reason.", **numbers) if without_reason > 0 else None
    return figure(
        say("Why rows were quarantined"),
        counted_bars((say("reason"), say("rows")), reasons, "quarantined", say),
        tag("p", note, class_="note") if note else None,
    )


def _set_aside(read: Mapping[str, Any], say: Words) -> Markup | None:
    files = files_set_aside(read)
    if not files:
        return None
    body = [(tag("code", key), say.count(size), reason) for key, size, reason in files]
    head = (say("file"), say("bytes"), say("reason"))
    return figure(say("Files set aside, since they cannot be read"), table(head, body))


def _unmapped(number: int, say: Words) -> Markup | None:
    if not number:
        return None
    text = say(
        "{number} rows with a product that is not in the product map: they are not part of the agreement below.",
        number=say.count(number),
    )
    return tag("p", text, class_="note")
