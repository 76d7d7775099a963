"""SageMaker processing script: a published classification and its model's baseline in, `monitoring.json` out.

Beside it, `monitoring.parquet` has one row for each figure, for dashboards. Looks at the narratives of some fifty
thousand complaints at most: the files of records are parts at random. Labels and `seen` come from the run's account, so
they are of all complaints. Without the model's own baseline it fails: no other can be compared.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from assessment import Window, assessment
from baseline import Baseline, BaselineRefusedError, Scored, load
from delayed_accuracy import Cells, delayed_accuracy
from later_labels import later_labels, published_accuracy

_MOST_COMPLAINTS = 50_000
_FIGURES = pa.schema(
    [
        *((name, pa.string()) for name in ("run_id", "model_version", "figure", "of")),
        *((name, pa.float64()) for name in ("value", "low", "high", "threshold")),
        ("moved", pa.bool_()),
    ]
)


def main(argv: Sequence[str] | None = None) -> None:
    """Assesses the run in the folders that are named."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("model", "records", "scores", "complaints", "account", "published", "plan", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--run-id", required=True, help="the run that is monitored")
    parser.add_argument("--model-version", required=True)
    parser.add_argument("--sha256", required=True, help="the digest of the model that classified")
    parser.add_argument("--baseline-sha256", required=True, help="the digest of the fit that its evaluation was of")
    parser.add_argument("--least", type=int, required=True, help="complaints that a comparison needs")
    options = parser.parse_args(argv)

    baseline = baseline_of(options.model, options.baseline_sha256)
    (account,) = (json.loads(path.read_text(encoding="utf-8")) for path in data_files(options.account))
    window = window_of(
        dict(answered(options.records, options.scores)),
        options.complaints,
        cells_of(account),
        earlier_cells(options.plan),
    )
    is_refitted = options.sha256 != options.baseline_sha256
    found = assessment(window, baseline, least=options.least, refitted=is_refitted)
    later = later_labels(options.complaints, options.published, options.run_id)
    document = {
        "run_id": options.run_id,
        "model_version": options.model_version,
        "model_sha256": options.sha256,
        "cells": [[label, answer, count] for (label, answer), count in sorted(window.cells.items())],
        "published_accuracy": published_accuracy(later, options.model_version, baseline.document["per_class"]),
        **found,
        **issues_of(account, baseline.document),
    }
    options.output.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(figures(document), _FIGURES), options.output / "monitoring.parquet")
    text = json.dumps(document, indent=2, sort_keys=True)
    (options.output / "monitoring.json").write_text(text, encoding="utf-8")
    counts = {"complaints": found["n"], "violations": len(found["violations"])}
    print(json.dumps({"run_id": options.run_id, "step": "assess_classification", **counts}), flush=True)


def baseline_of(folder: Path, sha256: str) -> Baseline:
    """The baseline in the folder of a version.

    Raises:
        BaselineRefusedError: there is none, or it is another model's.
    """
    stored = folder / "baseline.json"
    if not stored.exists():
        raise BaselineRefusedError("the model has no baseline.json: train it again, then classify with the new version")
    return load(json.loads(stored.read_text(encoding="utf-8")), sha256)


def data_files(folder: Path) -> list[Path]:
    """The files below a folder that Spark wrote, whatever it called them, without its markers."""
    return sorted(each for each in folder.rglob("*") if each.is_file() and each.name[0] not in "_.")


def answered(records: Path, scores: Path) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """The id, the narrative and the answer of complaints that the model could score, file by file.

    Raises:
        FileNotFoundError: a file of records has no scores.
    """
    count = 0
    for path in data_files(records):
        if count >= _MOST_COMPLAINTS:
            return
        answers = {each["complaint_id"]: each for each in _lines(scores / f"{path.name}.out") if "error" not in each}
        for record in _lines(path):
            if record["complaint_id"] in answers:
                count += 1
                yield record["complaint_id"], (record["narrative"], answers[record["complaint_id"]])


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    # Never splitlines(): U+2028 and its kind may stand inside a narrative.
    return (json.loads(line) for line in path.read_bytes().split(b"\n") if line)


def issues_of(account: Mapping[str, Any], baseline: Mapping[str, Any]) -> dict[str, Any]:
    """The part `issues`: the mix of the answers to the second question, and their accuracy.

    Empty where it was not asked. The drop is measured as that of the products, against the recall by issue on the
    held-out complaints.
    """
    if "issue_scores" not in account:
        return {}
    mix: Counter[str] = Counter()
    for row in account["issue_scores"]:
        mix[row["predicted_product"]] += row["rows"]
    accuracy = delayed_accuracy(cells_of(account, "issue_scores"), baseline.get("issues", {}))
    return {"issues": {"predicted": dict(mix.most_common()), "delayed_accuracy": accuracy}}


def cells_of(account: Mapping[str, Any], scores: str = "scores") -> Cells:
    """The labelled complaints of the run's account that the model was not trained on, by label and answer."""
    found: Cells = Counter()
    for row in account[scores]:
        if row["label"] not in (None, "unmapped") and not row.get("seen"):
            found[row["label"], row["predicted_product"]] += row["rows"]
    return found


def earlier_cells(plan: Path) -> Cells:
    """The labelled complaints of the windows before, by label and answer, from the document of the plan."""
    document = json.loads((plan / "plan.json").read_text(encoding="utf-8"))
    return Counter({(label, answer): count for label, answer, count in document["recent_cells"]})


def window_of(
    found: Mapping[str, tuple[str, Mapping[str, Any]]], complaints: Path, cells: Cells, earlier: Cells
) -> Window:
    """The window of the complaints that were answered, with product and label of those in the Parquet files."""
    known = {row["complaint_id"]: row for row in _asked_about(complaints, [*found])}
    answers = [answer for _, answer in found.values()]
    scored = Scored(
        [narrative for narrative, _ in found.values()],
        [str(answer["predicted_product"]) for answer in answers],
        np.array([answer["confidence"] for answer in answers], float),
        # Given its own product, as the held-out complaints: that of a predicted one has another mix.
        [
            str(answer["predicted_issue"])
            for each, (_, answer) in found.items()
            if "predicted_issue" in answer and known.get(each, {}).get("label") not in (None, "unmapped")
        ],
    )
    return Window(
        scored,
        np.array([answer["known_ngrams"] for answer in answers], np.int64),
        [known.get(each, {}).get("product") for each in found],
        [known.get(each, {}).get("label") for each in found],
        cells,
        earlier,
    )


def _asked_about(complaints: Path, ids: list[str]) -> list[dict[str, Any]]:
    """Product and label of those complaints; of several copies, of the one that was classified."""
    files = [str(path) for path in sorted(complaints.rglob("*.parquet"))]
    if not files:
        return []
    wanted = (pc.field("fate") == "with_narrative") & pc.field("complaint_id").isin(pa.array(ids, pa.string()))
    found = ds.dataset(files, format="parquet").to_table(columns=["complaint_id", "product", "label"], filter=wanted)
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def figures(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the table: the figure, what it is of, its value, interval or threshold."""
    rows: list[dict[str, Any]] = [{"figure": "complaints", "value": float(document["n"])}]
    for name, signal in (document["signals"] or {}).items():
        rows.append({"figure": "signal", "of": name, **signal})
    rows += [
        {"figure": "violation", "of": each["check"], "value": each["value"], "threshold": each["limit"]}
        for each in document["violations"]
    ]
    measured = {
        "estimated_accuracy": document["estimated_accuracy"],
        **{name: document["delayed_accuracy"].get(name) for name in ("accuracy", "macro_f1", "drop")},
    }
    issues = document.get("issues", {}).get("delayed_accuracy", {})
    measured |= {f"issue_{name}": issues[name] for name in ("accuracy", "macro_f1", "drop") if name in issues}
    rows += [{"figure": name, **_interval(each)} for name, each in measured.items() if each]
    rows += [
        {"figure": "published_accuracy", "of": version, **_interval(each["accuracy"])}
        for version, each in document["published_accuracy"].items()
    ]
    named = {"run_id": document["run_id"], "model_version": document["model_version"]}
    return [{**dict.fromkeys(_FIGURES.names), **named, **row} for row in rows]


def _interval(measured: Mapping[str, float]) -> dict[str, float]:
    return {"value": measured["estimate"], "low": measured["low"], "high": measured["high"]}


if __name__ == "__main__":
    main()
