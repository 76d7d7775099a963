"""The table of runs: what came in, what became of each row, and with which model; filtered by flow and date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeAlias
from urllib.parse import quote

from complaints.aws.objects import ObjectVersion
from complaints.models.registry import VERSIONED
from complaints.pages.documents import Documents, newest_first
from complaints.pages.formatting import NOT_KNOWN, plain
from complaints.pages.frame import Frame, document
from complaints.pages.markup import Markup, markup, section, table, tag
from complaints.pages.row_account import RowAccount
from complaints.pages.words import Words
from complaints.runs.accounting import CLASSIFICATION_FATES
from complaints.runs.costs import RECORDS
from complaints.runs.publishing import manifest_key

CLASSIFICATION, TRAINING = "classification", "training"
FLOWS = (CLASSIFICATION, TRAINING)
# Of the runs that this Airflow did not start, Step Functions started most; a make run has an Airflow of its own.
AIRFLOW, ELSEWHERE = "airflow", "elsewhere"
ORCHESTRATORS = {AIRFLOW: "this Airflow", ELSEWHERE: "Step Functions, or elsewhere"}
A_PAGE = 50
# The columns, and those that the last runs have on another page, which is not as wide.
_OF_THE_LAST = (
    "run",
    "time",
    "flow",
    "rows_in",
    "classified",
    "quarantined",
    "for_review",
    "model",
    "outcome",
    "started_by",
)
COLUMNS = (
    *("run", "time", "flow", "source", "rows_in", *CLASSIFICATION_FATES, "for_review", "model", "outcome"),
    *("cost", "duration", "started_by"),
)
_MANIFESTS = manifest_key("").removesuffix(".json")
_RECORD = "/model.json"


@dataclass(frozen=True)
class Filter:
    """What the table shows: one flow or all, who started it, of these days, both included, and which page of it."""

    flow: str = ""
    orchestrator: str = ""
    since: date | None = None
    until: date | None = None
    page: int = 1

    def takes(self, day: str) -> bool:
        """True for a day in ISO 8601 that is within the filter's days."""
        return (not self.since or day >= self.since.isoformat()) and (not self.until or day <= self.until.isoformat())

    def query(self, page: int) -> str:
        """The query of the address that shows another page of the same table."""
        of = {"flow": self.flow, "orchestrator": self.orchestrator}
        values = {**of, "since": self.since or "", "until": self.until or "", "page": page}
        return "&".join(f"{name}={value}" for name, value in values.items() if value)


@dataclass(frozen=True)
class Origin:
    """The run of Airflow that a run is of, and its duration; None while it runs."""

    dag_id: str
    dag_run_id: str
    seconds: float | None = None

    @property
    def path(self) -> str:
        """The path of its page in Airflow's UI."""
        return f"dags/{self.dag_id}/runs/{quote(self.dag_run_id, safe='')}"

    @property
    def steps(self) -> str:
        """The path of the page with its steps."""
        return f"airflow/{self.dag_id}/{quote(self.dag_run_id, safe='')}"


Origins: TypeAlias = Mapping[str, Origin]
"""The runs that this Airflow started, by the run id of their plan or by the version that they made."""


@dataclass(frozen=True)
class Run:
    """A run that left a document: a manifest, or the record of a model version; `content` is None if it is damaged."""

    flow: str
    name: str
    """The run's id, or the version that it made."""
    at: str
    content: Mapping[str, Any] | None
    cost: Mapping[str, Any] | None = None
    """Its record under `ledger/costs/`; None if there is none."""

    @property
    def run_id(self) -> str:
        """The run id; of a training, the one in the record of its version."""
        return self.name if self.flow == CLASSIFICATION else str((self.content or {}).get("run_id", ""))


@dataclass(frozen=True)
class Runs:
    """A page of the table, and how many runs the filter takes."""

    shown: Sequence[Run]
    total: int


def read(documents: Documents, wanted: Filter, origins: Origins | None = None) -> Runs:
    """The runs of one page of the table; only their documents are read."""
    listed = [each for each in _listed(documents, wanted.flow) if wanted.takes(each.last_modified[:10])]
    if wanted.orchestrator:
        listed = [each for each in listed if (_name(each) in (origins or {})) == (wanted.orchestrator == AIRFLOW)]
    first = (wanted.page - 1) * A_PAGE
    page = listed[first : first + A_PAGE]
    found = [_run(*each) for each in zip(page, documents.read(page), strict=True)]
    return Runs(_with_costs(documents, found), len(listed))


def _with_costs(documents: Documents, found: Sequence[Run]) -> list[Run]:
    records = {each.key: each for each in documents.listed(RECORDS)}
    keys = [f"{RECORDS}run_id={run.run_id}.json" for run in found]
    known = [records[key] for key in keys if key in records]
    costs = dict(zip((each.key for each in known), documents.read(known), strict=True))
    return [replace(run, cost=costs.get(key)) for run, key in zip(found, keys, strict=True)]


def _listed(documents: Documents, flow: str) -> list[ObjectVersion]:
    found = [] if flow == TRAINING else documents.listed(_MANIFESTS)
    if flow != CLASSIFICATION:
        found += documents.listed(VERSIONED, _RECORD)
    return newest_first(found)


def _run(version: ObjectVersion, content: Any) -> Run:
    flow = CLASSIFICATION if version.key.startswith(_MANIFESTS) else TRAINING
    return Run(flow, _name(version), version.last_modified, content if isinstance(content, Mapping) else None)


def _name(version: ObjectVersion) -> str:
    if version.key.startswith(_MANIFESTS):
        return version.key.removeprefix(_MANIFESTS).removesuffix(".json")
    return version.key.removesuffix(_RECORD).rpartition("/")[2]


def render(runs: Runs, wanted: Filter, frame: Frame, origins: Origins | None = None) -> str:
    """The page with the filters and the table."""
    say = frame.say
    if runs.total:
        content: object = markup(run_table(runs.shown, frame, origins), _pages(runs, wanted, frame))
    else:
        filtered = wanted != Filter()
        nothing = say("No run matches this filter.") if filtered else say("No run has published anything yet.")
        start = frame.airflow_link("dags/complaints_training", say("Start with complaints_training"))
        content = markup(tag("p", nothing, class_="lead"), None if filtered else tag("p", start))
    return document(frame, say("Runs"), _filters(wanted, frame), content, place="runs")


def run_table(
    shown: Sequence[Run], frame: Frame, origins: Origins | None = None, columns: Sequence[str] = COLUMNS
) -> Markup:
    """The runs as a table, a row each."""
    rows = (_row(each, (origins or {}).get(each.name), frame) for each in shown)
    body = ([row.get(name, NOT_KNOWN) for name in columns] for row in rows)
    return table([frame.say(plain(name)) for name in columns], body, class_="runs")


def _row(run: Run, origin: Origin | None, frame: Frame) -> dict[str, object]:
    """The cells of a run by the names of their columns; a column without one has a dash."""
    say, classified = frame.say, run.flow == CLASSIFICATION
    path = f"runs/{run.name}" if classified else f"models/{run.name}"
    cells: dict[str, object] = {"run": frame.link(path, tag("code", run.name)), "time": say.time(run.at)}
    cells["flow"] = say(run.flow)
    if run.content is None:
        cells["outcome"] = tag("span", say("its document cannot be read"), class_="bad")
    else:
        cells |= _classified(run.content, frame) if classified else _trained(run.content, frame)
    cost = (run.cost or {}).get("recorded") or (run.cost or {}).get("estimated")
    if cost and cost["usd"] is not None:
        cells["cost"] = f"{cost['usd']:.2f} USD"
    if origin:
        cells["duration"] = frame.link(origin.steps, say.seconds(origin.seconds))
        cells["started_by"] = frame.airflow_link(origin.path, "Airflow")
    return cells


def _classified(manifest: Mapping[str, Any], frame: Frame) -> dict[str, object]:
    say, counts = frame.say, manifest.get("account") or {}
    fates = {fate: int(counts.get(fate, 0)) for fate in CLASSIFICATION_FATES}
    account = RowAccount(int(counts.get("rows_in", 0)), fates)
    version = str(manifest.get("model_version", NOT_KNOWN))
    adds_up = say("adds up") if account.adds_up else say("does not add up")
    return {
        "source": _source([str(each["uri"]) for each in manifest.get("inputs") or []]),
        "rows_in": say.count(account.rows_in),
        **{fate: say.count(number) for fate, number in fates.items()},
        "for_review": say.count(sum((manifest.get("needs_review") or {}).values())),
        "model": frame.link(f"models/{version}", version),
        "outcome": tag("span", adds_up, class_="good" if account.adds_up else "bad"),
    }


def _trained(record: Mapping[str, Any], frame: Frame) -> dict[str, object]:
    verdict = record.get("verdict")
    return {
        "model": frame.link(f"models/{record['version']}", record["version"]),
        "outcome": verdict.get("verdict", NOT_KNOWN) if isinstance(verdict, Mapping) else verdict or NOT_KNOWN,
    }


def _source(uris: list[str]) -> Markup | str:
    if not uris:
        return NOT_KNOWN
    key = uris[0].split("/", 3)[-1]
    more = f" +{len(uris) - 1}" if len(uris) > 1 else ""
    return tag("span", key.rpartition("/")[2], more, title="\n".join(uris))


def _filters(wanted: Filter, frame: Frame) -> Markup:
    say = frame.say
    flows = {name: say(name) for name in FLOWS}
    orchestrators = {name: say(text) for name, text in ORCHESTRATORS.items()}
    days = (("since", say("from"), wanted.since), ("until", say("to"), wanted.until))
    return tag(
        "form",
        _choice(say("flow"), "flow", flows, wanted.flow, say),
        _choice(say("started by"), "orchestrator", orchestrators, wanted.orchestrator, say),
        *(
            tag("label", label, Markup(tag("input", type="date", name=name, value=day).removesuffix("</input>")))
            for name, label, day in days
        ),
        tag("button", say("Filter")),
        method="get",
        class_="filters",
    )


def _choice(label: str, name: str, options: Mapping[str, str], chosen: str, say: Words) -> Markup:
    listed = {"": say("all"), **options}
    drawn = [
        tag("option", text, value=value, selected="" if value == chosen else None) for value, text in listed.items()
    ]
    return tag("label", label, tag("select", *drawn, name=name))


def _pages(runs: Runs, wanted: Filter, frame: Frame) -> Markup:
    say, last = frame.say, -(-runs.total // A_PAGE)
    links = []
    if wanted.page > 1:
        links.append(tag("a", say("newer"), href=f"?{wanted.query(wanted.page - 1)}", rel="prev"))
    if wanted.page < last:
        links.append(tag("a", say("older"), href=f"?{wanted.query(wanted.page + 1)}", rel="next"))
    told = say("{total} runs, page {page} of {last}", total=say.count(runs.total), page=wanted.page, last=last)
    return tag("p", tag("span", told, class_="note"), *links, class_="more")


def latest(runs: Runs, frame: Frame, origins: Origins | None = None) -> Markup:
    """The section with the newest runs, for another page."""
    return section(
        frame.say("Last runs"),
        run_table(runs.shown, frame, origins, _OF_THE_LAST),
        tag("p", frame.link("runs", frame.say("All runs"))),
    )
