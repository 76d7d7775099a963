"""The table of runs: what came in, what became of each row, and with which model; filtered by flow and date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import quote

from complaints.aws.objects import ObjectVersion
from complaints.models.registry import VERSIONED
from complaints.pages.documents import Documents, newest_first
from complaints.pages.formatting import NOT_KNOWN
from complaints.pages.frame import Frame, document
from complaints.pages.markup import Markup, markup, section, table, tag
from complaints.pages.row_account import RowAccount
from complaints.runs.accounting import CLASSIFICATION_FATES
from complaints.runs.publishing import manifest_key

CLASSIFICATION, TRAINING = "classification", "training"
FLOWS = (CLASSIFICATION, TRAINING)
A_PAGE = 50
_MANIFESTS = manifest_key("").removesuffix(".json")
_RECORD = "/model.json"


@dataclass(frozen=True)
class Filter:
    """What the table shows: one flow or all, of these days, both included, and which page of it."""

    flow: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1

    def takes(self, day: str) -> bool:
        """True for a day in ISO 8601 that is within the filter's days."""
        return (not self.since or day >= self.since.isoformat()) and (not self.until or day <= self.until.isoformat())

    def query(self, page: int) -> str:
        """The query of the address that shows another page of the same table."""
        values = {"flow": self.flow, "since": self.since or "", "until": self.until or "", "page": page}
        return "&".join(f"{name}={value}" for name, value in values.items() if value)


@dataclass(frozen=True)
class Run:
    """A run that left a document: a manifest, or the record of a model version; `content` is None if it is damaged."""

    flow: str
    name: str
    """The run's id, or the version that it made."""
    at: str
    content: Mapping[str, Any] | None


@dataclass(frozen=True)
class Runs:
    """A page of the table, and how many runs the filter takes."""

    shown: Sequence[Run]
    total: int


def read(documents: Documents, wanted: Filter) -> Runs:
    """The runs of one page of the table; only their documents are read."""
    listed = [each for each in _listed(documents, wanted.flow) if wanted.takes(each.last_modified[:10])]
    first = (wanted.page - 1) * A_PAGE
    page = listed[first : first + A_PAGE]
    return Runs([_run(*each) for each in zip(page, documents.read(page), strict=True)], len(listed))


def _listed(documents: Documents, flow: str) -> list[ObjectVersion]:
    found = [] if flow == TRAINING else documents.listed(_MANIFESTS)
    if flow != CLASSIFICATION:
        found += documents.listed(VERSIONED, _RECORD)
    return newest_first(found)


def _run(version: ObjectVersion, content: Any) -> Run:
    found = content if isinstance(content, Mapping) else None
    if version.key.startswith(_MANIFESTS):
        name = version.key.removeprefix(_MANIFESTS).removesuffix(".json")
        return Run(CLASSIFICATION, name, version.last_modified, found)
    return Run(TRAINING, version.key.removesuffix(_RECORD).rpartition("/")[2], version.last_modified, found)


def render(runs: Runs, wanted: Filter, frame: Frame, origins: Mapping[str, str] | None = None) -> str:
    """The page with the filters and the table; `origins` has Airflow's id of each run that this Airflow started."""
    say = frame.say
    if runs.total:
        content: object = markup(run_table(runs.shown, frame, origins), _pages(runs, wanted, frame))
    else:
        filtered = wanted != Filter()
        nothing = say("No run matches this filter.") if filtered else say("No run has published anything yet.")
        start = frame.airflow_link("dags/complaints_training", say("Start with complaints_training"))
        content = markup(tag("p", nothing, class_="lead"), None if filtered else tag("p", start))
    return document(frame, say("Runs"), _filters(wanted, frame), content, place="runs")


def run_table(shown: Sequence[Run], frame: Frame, origins: Mapping[str, str] | None = None) -> Markup:
    """The runs as a table, a row each."""
    say = frame.say
    head = [say("run"), say("time"), say("flow"), say("source"), say("rows in"), say("classified")]
    head += [say("without narrative"), say("quarantined"), say("superseded"), say("for review"), say("model")]
    head += [say("outcome"), say("started by")]
    return table(head, ([*_row(each, frame), _origin(each, frame, origins or {})] for each in shown), class_="runs")


def _origin(run: Run, frame: Frame, origins: Mapping[str, str]) -> Markup | str:
    """A link to the run of Airflow; one that it does not know was started elsewhere, as by Step Functions."""
    if run.name not in origins:
        return NOT_KNOWN
    path = f"dags/complaints_classification/runs/{quote(origins[run.name], safe='')}"
    return frame.airflow_link(path, "Airflow")


def _row(run: Run, frame: Frame) -> list[object]:
    say = frame.say
    path = f"runs/{run.name}" if run.flow == CLASSIFICATION else f"models/{run.name}"
    start = [frame.link(path, tag("code", run.name)), say.time(run.at), say(run.flow)]
    if run.content is None:
        unreadable = tag("span", say("its document cannot be read"), class_="bad")
        return [*start, *[NOT_KNOWN] * 8, unreadable]
    row = _classified if run.flow == CLASSIFICATION else _trained
    return [*start, *row(run.content, frame)]


def _classified(manifest: Mapping[str, Any], frame: Frame) -> Iterator[object]:
    say, counts = frame.say, manifest.get("account") or {}
    fates = {fate: int(counts.get(fate, 0)) for fate in CLASSIFICATION_FATES}
    account = RowAccount(int(counts.get("rows_in", 0)), fates)
    yield _source([str(each["uri"]) for each in manifest.get("inputs") or []])
    yield say.count(account.rows_in)
    yield from (say.count(number) for number in fates.values())
    yield say.count(sum((manifest.get("needs_review") or {}).values()))
    version = str(manifest.get("model_version", NOT_KNOWN))
    yield frame.link(f"models/{version}", version)
    adds_up = say("adds up") if account.adds_up else say("does not add up")
    yield tag("span", adds_up, class_="good" if account.adds_up else "bad")


def _trained(record: Mapping[str, Any], frame: Frame) -> Iterator[object]:
    verdict = record.get("verdict")
    yield from [NOT_KNOWN] * 7
    yield frame.link(f"models/{record['version']}", record["version"])
    yield verdict.get("verdict", NOT_KNOWN) if isinstance(verdict, Mapping) else verdict or NOT_KNOWN


def _source(uris: list[str]) -> Markup | str:
    if not uris:
        return NOT_KNOWN
    key = uris[0].split("/", 3)[-1]
    more = f" +{len(uris) - 1}" if len(uris) > 1 else ""
    return tag("span", key.rpartition("/")[2], more, title="\n".join(uris))


def _filters(wanted: Filter, frame: Frame) -> Markup:
    say = frame.say
    options = [
        tag("option", say(name) if name else say("all"), value=name, selected="" if name == wanted.flow else None)
        for name in ("", *FLOWS)
    ]
    days = (("since", say("from"), wanted.since), ("until", say("to"), wanted.until))
    return tag(
        "form",
        tag("label", say("flow"), tag("select", *options, name="flow")),
        *(
            tag("label", label, Markup(tag("input", type="date", name=name, value=day).removesuffix("</input>")))
            for name, label, day in days
        ),
        tag("button", say("Filter")),
        method="get",
        class_="filters",
    )


def _pages(runs: Runs, wanted: Filter, frame: Frame) -> Markup:
    say, last = frame.say, -(-runs.total // A_PAGE)
    links = []
    if wanted.page > 1:
        links.append(tag("a", say("newer"), href=f"?{wanted.query(wanted.page - 1)}", rel="prev"))
    if wanted.page < last:
        links.append(tag("a", say("older"), href=f"?{wanted.query(wanted.page + 1)}", rel="next"))
    told = say("{total} runs, page {page} of {last}", total=say.count(runs.total), page=wanted.page, last=last)
    return tag("p", tag("span", told, class_="note"), *links, class_="more")


def latest(runs: Runs, frame: Frame, origins: Mapping[str, str] | None = None) -> Markup:
    """The section with the newest runs, for another page."""
    return section(
        frame.say("Last runs"),
        run_table(runs.shown, frame, origins),
        tag("p", frame.link("runs", frame.say("All runs"))),
    )
