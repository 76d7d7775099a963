"""The results of a run: its rows, the predicted classes beside the evaluation's, confidence, review, and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from complaints.aws.console import object_url
from complaints.models.registry import VERSIONED
from complaints.pages import monitoring, window
from complaints.pages.documents import Documents
from complaints.pages.figures import bar, counted_bars, histogram
from complaints.pages.formatting import largest_first
from complaints.pages.frame import Frame, document
from complaints.pages.markup import DRAWN, Markup, columns, figure, markup, section, table, tag
from complaints.pages.rows import classified_rows
from complaints.pages.runs import Origin
from complaints.pages.scores import LABELLED, scores
from complaints.pages.words import Words
from complaints.runs.costs import RECORDS, sentence
from complaints.runs.metrics import confidence_histogram
from complaints.runs.publishing import manifest_key

_FATES = ("classified", "without_narrative", "quarantined", "superseded")


@dataclass(frozen=True)
class Results:
    """The manifest of a run, and what else it left; None for what is absent."""

    bucket: str
    run_id: str
    published_at: str
    manifest: Mapping[str, Any]
    account: Mapping[str, Any] | None
    record: Mapping[str, Any] | None
    monitored: window.Monitored
    cost: Mapping[str, Any] | None
    console: Mapping[str, str]
    """The page of AWS's console for each file, by its key; empty behind any other endpoint."""


def read(documents: Documents, run_id: str) -> Results | None:
    """What the run left; None if it has published nothing."""
    published = documents.bucket.current_version(manifest_key(run_id))
    manifest = documents.at(manifest_key(run_id)) if published else None
    if not published or not isinstance(manifest, Mapping):
        return None
    account = documents.listed(f"processed/run_id={run_id}/results_account/", "")
    written = [each for each in account if each.size and each.key.rpartition("/")[2][0] not in "_."]
    client, bucket = documents.bucket.client, documents.bucket.name
    links = {each["key"]: object_url(client, bucket, each["key"]) for each in manifest.get("results") or []}
    return Results(
        bucket,
        run_id,
        published.last_modified,
        manifest,
        documents.read(written)[0] if len(written) == 1 else None,
        documents.at(f"{VERSIONED}{manifest.get('model_version')}/model.json"),
        monitoring.of_run(documents, run_id),
        documents.at(f"{RECORDS}run_id={run_id}.json"),
        {key: url for key, url in links.items() if url},
    )


def render(found: Results, frame: Frame, origin: Origin | None = None) -> str:
    """The page; `origin` is the run of Airflow that published the results, if this Airflow did."""
    say, manifest = frame.say, found.manifest
    version = str(manifest.get("model_version", ""))
    told = tag(
        "p",
        say("Published {time}, classified by ", time=say.time(found.published_at)),
        frame.link(f"models/{version}", version),
        ".",
        class_="lead",
    )
    return document(
        frame,
        say("Run {run_id}", run_id=found.run_id),
        told,
        _steps(origin, frame) if origin else None,
        *_costs(found.cost or {}, say),
        classified_rows(_account(found), say),
        _predictions(found, frame),
        _issues(found, say),
        _review(manifest, frame),
        _places(found.account or {}, say),
        window.section_of(found.monitored, say),
        scores(manifest.get("scores"), LABELLED, say),
        _files(found, frame),
        place="runs",
    )


def _steps(origin: Origin, frame: Frame) -> Markup:
    say = frame.say
    link = frame.link(origin.steps, say("Steps of this run"))
    return tag("p", link, ", ", say.seconds(origin.seconds), " · ", frame.airflow_link(origin.path, "Airflow"))


def _costs(record: Mapping[str, Any], say: Words) -> Iterator[Markup]:
    """What the run was estimated to cost, and what its jobs cost by the time that AWS has of them."""
    named = ((say("Cost, estimated before"), "estimated"), (say("Cost, by the time of its jobs"), "recorded"))
    yield from (tag("p", name, ": ", sentence(record[key]), class_="note") for name, key in named if record.get(key))


def _account(found: Results) -> dict[str, Any]:
    manifest = found.manifest
    counts = manifest.get("account") or {}
    by_source = (found.account or {}).get("by_source") or []
    return {
        "rows_in": counts.get("rows_in"),
        "account": {fate: counts.get(fate, 0) for fate in _FATES},
        "by_source": [{**each, "source": str(each["source"]).split("/", 3)[-1]} for each in by_source],
        "quarantined_by_reason": manifest.get("quarantined_by_reason"),
        "unreadable_files": manifest.get("unreadable_files"),
        "unmapped": manifest.get("unmapped"),
    }


def _predictions(found: Results, frame: Frame) -> Markup | None:
    say, predicted = frame.say, found.manifest.get("predicted_products") or {}
    if not predicted:
        return None
    blocks = [figure(say("Predicted products"), _mix(predicted, found.record, frame))]
    if counts := (found.account or {}).get("scores"):
        blocks.append(_confidence(say("Confidence of the predictions"), counts, say))
    return section(say("Predictions"), columns(*blocks))


def _issues(found: Results, say: Words) -> Markup | None:
    """The answers to the second question, where it was asked."""
    predicted = found.manifest.get("predicted_issues") or {}
    if not predicted:
        return None
    blocks = [figure(say("Predicted issues"), counted_bars((say("issue"), say("complaints")), predicted, "one", say))]
    if counts := (found.account or {}).get("issue_scores"):
        blocks.append(_confidence(say("Confidence of the issues"), counts, say))
    return section(say("Issues"), columns(*blocks))


def _confidence(title: str, counts: Sequence[Mapping[str, Any]], say: Words) -> Markup:
    confidence = confidence_histogram(counts)
    drawn = histogram(confidence["edges"], [int(each) for each in confidence["counts"]], say)
    note = say("Probability of the predicted class. Below each bar: the lower edge of its interval.")
    return figure(title, drawn, tag("p", note, class_="note"))


def _mix(predicted: Mapping[str, int], record: Mapping[str, Any] | None, frame: Frame) -> Markup:
    """The classes, largest first; beside each its share of the complaints that the model was evaluated on."""
    say = frame.say
    overall = ((record or {}).get("evaluation") or {}).get("overall") or {}
    before = {name: each.get("support", 0) for name, each in (overall.get("per_class") or {}).items()}
    if not before:
        return counted_bars((say("product"), say("complaints")), predicted, "one", say)
    total, whole, longest = sum(predicted.values()), sum(before.values()), max(predicted.values())
    body = [
        (
            name,
            tag("td", bar(number, longest), class_="drawn"),
            say.count(number),
            say.percent(number, total),
            say.percent(before.get(name, 0), whole),
        )
        for name, number in largest_first({**dict.fromkeys(before, 0), **predicted})
    ]
    head = (say("product"), DRAWN, say("complaints"), say("share"), say("share at the evaluation"))
    return table(head, body, class_="bars")


def _review(manifest: Mapping[str, Any], frame: Frame) -> Markup | None:
    say, reasons = frame.say, manifest.get("needs_review") or {}
    classified = (manifest.get("account") or {}).get("classified", 0)
    if not classified:
        return None
    number = sum(reasons.values())
    lead = say(
        "{number} of {all} classified complaints ({share}) should be looked at by a person.",
        number=say.count(number),
        all=say.count(classified),
        share=say.percent(number, classified),
    )
    bars = counted_bars((say("reason"), say("complaints")), reasons, "quarantined", say) if number else None
    return section(say("For review"), bars, lead=lead)


def _places(account: Mapping[str, Any], say: Words) -> Markup | None:
    """By company and state, as far as the columns are published; None if neither is."""
    named = ((say("company"), "by_company"), (say("state of the consumer"), "by_state"))
    blocks = [
        figure(say("By {name}", name=name), _counted(name, account[key], say))
        for name, key in named
        if account.get(key)
    ]
    return section(say("Companies and states"), columns(*blocks)) if blocks else None


def _counted(head: str, counts: Sequence[Mapping[str, Any]], say: Words) -> Markup:
    """The largest values with their complaints, and how many of these are for review."""
    longest, total = max(each["rows"] for each in counts), sum(each["rows"] for each in counts)
    body = [
        (
            tag("em", say("all others, or not stated")) if each["name"] is None else each["name"],
            tag("td", bar(each["rows"], longest), class_="drawn"),
            say.count(each["rows"]),
            say.percent(each["rows"], total),
            say.count(each["for_review"]),
        )
        for each in counts
    ]
    return table((head, DRAWN, say("complaints"), say("share"), say("for review")), body, class_="bars")


def _files(found: Results, frame: Frame) -> Markup:
    say, files = frame.say, found.manifest.get("results") or []
    body = [
        (_file(each["key"], found.console), say.count(each.get("rows")), say.count(each.get("size"))) for each in files
    ]
    head = (say("file"), say("rows"), say("bytes"))
    lead = say("They are read with your own rights in AWS: from the console, or with the AWS CLI.")
    return section(
        say("Files"),
        markup(table(head, body), _command(found))
        if body
        else tag("p", say("This run has published no file: no row was classified.")),
        tag("ul", *_inputs(found.manifest), class_="inputs") if found.manifest.get("inputs") else None,
        lead=lead if body else None,
    )


def _command(found: Results) -> Markup:
    """What downloads all files of the run."""
    folder = found.manifest["results"][0]["key"].rpartition("/")[0]
    only = f"--exclude '*' --include '{found.run_id}*'"
    return tag("pre", f"aws s3 cp s3://{found.bucket}/{folder}/ . --recursive {only}")


def _file(key: str, console: Mapping[str, str]) -> Markup:
    named = tag("code", key)
    return tag("a", named, href=console[key], target="_blank", rel="noopener noreferrer") if key in console else named


def _inputs(manifest: Mapping[str, Any]) -> Iterator[Markup]:
    yield from (tag("li", tag("code", each["uri"])) for each in manifest["inputs"])


def nothing_published(run_id: str, frame: Frame) -> str:
    """The page of a run without a manifest."""
    say = frame.say
    told = say("This run has published nothing: it is still running, it failed, or there is no such run.")
    return document(
        frame, say("Run {run_id}", run_id=run_id), tag("p", told, class_="lead"), markup(None), place="runs"
    )
