"""The summary that is printed at the end of a run: steps, row accounts, scores, times and locations.

>>> text({}).splitlines()[0]
'PTMLops: complaints classified, run -'
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from complaints.pages.formatting import (
    NOT_KNOWN,
    count,
    fitted,
    largest_first,
    part,
    plain,
    rows,
    score,
    seconds,
    time_sentence,
)
from complaints.pages.row_account import RowAccount, account_of, accounts_by_source, files_set_aside
from complaints.pages.scores import seen_in_training, verdict_sentence
from complaints.runs.costs import sentence
from laptop.report.monitoring import monitoring_sentence
from laptop.terminal import printable

COLUMNS = 100
SLICES = {"test": "test slice", "newest": "newest complaints"}


def text(summary: Mapping[str, Any]) -> str:
    """The lines as one text that ends with a line break."""
    return "".join(f"{line}\n" for line in lines(summary))


def lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """The lines for the content of ``summary.json``, at most 100 columns wide, with control characters escaped."""
    for section in (_title, _steps, _rows, _skipped_files, _scores, _monitoring, _time, _cost, _places):
        for line in section(summary):
            yield fitted(printable(line), COLUMNS)


def _title(summary: Mapping[str, Any]) -> Iterator[str]:
    run_id = part(summary, "classification").get("run_id", NOT_KNOWN)
    yield f"PTMLops: complaints classified, run {run_id}"
    version = part(summary, "model").get("version", NOT_KNOWN)
    release, orchestrator = summary.get("release", NOT_KNOWN), summary.get("orchestrator", NOT_KNOWN)
    yield f"Model version {version}, release {release}, orchestrator {orchestrator}"
    if sentence := verdict_sentence(part(summary, "model")):
        yield from textwrap.wrap(sentence, COLUMNS)
    if summary.get("synthetic"):
        yield "Synthetic data: the scores show that the flows work, not how good the model is on real complaints."


def _steps(summary: Mapping[str, Any]) -> Iterator[str]:
    flows = summary.get("flows") or []
    names = [step["task_id"] for flow in flows for step in flow.get("steps") or []]
    width = max(map(len, names), default=0)
    for flow in flows:
        yield ""
        yield f"{flow['dag_id']}: {plain(flow.get('state') or 'not run')}, {seconds(flow.get('seconds'))}"
        yield from (_step(step, min(width, 50)) for step in flow.get("steps") or [])


def _step(step: Mapping[str, Any], width: int) -> str:
    job, tries, state = step.get("job_seconds"), step.get("tries") or 1, step.get("state")
    remarks = [
        f"job {seconds(job):>9}" if job is not None else " " * 13,
        f"{tries} tries" if tries > 1 else "",
        plain(state or "not run").upper() if state != "success" else "",
    ]
    name = textwrap.shorten(step["task_id"], width, placeholder="...")
    return f"  {name:<{width}}  {seconds(step.get('seconds')):>9}  {'  '.join(filter(None, remarks))}".rstrip()


def _rows(summary: Mapping[str, Any]) -> Iterator[str]:
    for title, section in (("Training", "training"), ("Classification", "classification")):
        account = account_of(part(summary, section))
        yield ""
        yield f"{title} rows" if account else f"{title} rows: none"
        if account:
            yield from _account(account)
        for key, size, reason in files_set_aside(part(summary, section)):
            line = f"set aside, {size:,} bytes: {key}: {reason}"
            yield from textwrap.wrap(line, COLUMNS, initial_indent="  ", subsequent_indent="    ")
    classification = part(summary, "classification")
    accounts = accounts_by_source(classification)
    if len(accounts) > 1:
        yield from _sources(accounts)
    for reason, number in largest_first(part(classification, "quarantined_by_reason")):
        yield f"  quarantined {number:>7,}: {reason}"
    if classification.get("unmapped"):
        yield f"  {rows(classification['unmapped'])} with a product that is not in the product map"


def _account(account: RowAccount) -> Iterator[str]:
    # Break between the terms only: a no-break space holds the words of each together.
    sentence = " ".join(term.replace(" ", "\N{NO-BREAK SPACE}") for term in account.terms())
    for line in textwrap.wrap(sentence, COLUMNS, initial_indent="  ", subsequent_indent="    "):
        yield line.replace("\N{NO-BREAK SPACE}", " ")
    yield f"  {account.verdict()}" if account.adds_up else f"  {account.verdict().upper()}"


def _sources(accounts: Sequence[tuple[str, RowAccount]]) -> Iterator[str]:
    heads = ["rows in", *(plain(fate) for fate in accounts[0][1].fates)]
    room = COLUMNS - 4 - sum(len(head) + 2 for head in heads)
    width = min(max(len("by source"), *(len(source) for source, _ in accounts)), max(room, 12))
    yield f"  {'by source':<{width}}" + "".join(f"  {head:>7}" for head in heads)
    for source, account in accounts:
        # Paths differ at their end.
        name = source if len(source) <= width else f"...{source[3 - width :]}"
        numbers = zip(heads, (account.rows_in, *account.fates.values()), strict=True)
        yield f"  {name:<{width}}" + "".join(f"  {n:>{max(7, len(head))},}" for head, n in numbers)
        if not account.adds_up:
            yield f"    {account.verdict().upper()}"


def _skipped_files(summary: Mapping[str, Any]) -> Iterator[str]:
    skipped = part(summary, "skipped_files")
    if skipped.get("count"):
        yield ""
        yield f"Skipped files (empty, or named like temporary files): {count(skipped['count'])}"
        yield from (f"  {name}" for name in skipped["first"])
        if skipped["count"] > len(skipped["first"]):
            yield f"  and {count(skipped['count'] - len(skipped['first']))} more"


def _scores(summary: Mapping[str, Any]) -> Iterator[str]:
    evaluation = part(part(summary, "model"), "evaluation")
    slices = [(name, part(evaluation, key)) for key, name in SLICES.items()]
    agreement = part(part(summary, "classification"), "labelled")
    slices.append(("consumer's choice*", agreement))
    slices = [(name, found) for name, found in slices if found]
    if not slices:
        return
    yield ""
    yield f"{'Scores':<20}  {'complaints':>10}  {'accuracy':>8}  {'majority':>8}  {'macro-F1':>8}  {'ECE':>8}"
    for name, found in slices:
        keys = ("accuracy", "majority_accuracy", "macro_f1", "expected_calibration_error")
        written = "".join(f"  {score(found.get(key)):>8}" for key in keys)
        yield f"  {name:<18}  {count(found.get('n')):>10}{written}"
    if agreement:
        yield "  * agreement with the consumer's own choice at filing, not ground truth"
        if seen := seen_in_training(agreement):
            yield f"    {seen[0].lower()}{seen[1:]}"
    yield from _by_class(part(part(evaluation, "test"), "per_class"))


def _by_class(per_class: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if not per_class:
        return
    width = min(max(18, *map(len, per_class)), 50)
    yield ""
    yield f"  {'test slice':<{width}}  {'precision':>9}  {'recall':>9}  {'f1':>9}  {'support':>9}"
    for name, scored in per_class.items():
        written = "".join(f"  {score(scored.get(key)):>9}" for key in ("precision", "recall", "f1"))
        yield f"  {fitted(name, width):<{width}}{written}  {count(scored.get('support')):>9}"


def _monitoring(summary: Mapping[str, Any]) -> Iterator[str]:
    if sentence := monitoring_sentence(part(summary, "monitoring")):
        yield ""
        yield from textwrap.wrap(f"Monitoring: {sentence}", COLUMNS)


def _time(summary: Mapping[str, Any]) -> Iterator[str]:
    split = part(summary, "seconds")
    if split:
        yield ""
        yield f"Time: {time_sentence(split)}"


def _cost(summary: Mapping[str, Any]) -> Iterator[str]:
    if estimated := part(part(summary, "classification"), "cost").get("estimated"):
        yield from textwrap.wrap(f"The classification would have cost on AWS about {sentence(estimated)}", COLUMNS)


def _places(summary: Mapping[str, Any]) -> Iterator[str]:
    places = {name: str(place) for name, place in part(summary, "results").items() if place}
    if not places:
        return
    width = max(map(len, places))
    yield ""
    yield "Results"
    for name, place in places.items():
        # Locations are for copying: they continue on the next line and are never shortened.
        first, *more = textwrap.wrap(place, COLUMNS - 4 - width, break_on_hyphens=False) or [""]
        yield f"  {plain(name):<{width}}  {first}"
        yield from (f"  {'':<{width}}  {line}" for line in more)
