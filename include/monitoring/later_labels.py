"""Labels that come with a later export, joined by complaint id to what was published before there were any.

A complaint that was published without a product, and comes again with one, says whether the answer of then was right:
the accuracy of what readers saw, by version, whichever model classifies today. No version can have been trained on a
label that came after its answer. The run that brings the label classifies the complaint again, and counts the answer of
today by itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from delayed_accuracy import Cells, delayed_accuracy

_KEY = "complaint_id"
_ANSWERS = [_KEY, "model_version", "predicted_product"]


def later_labels(complaints: Path, published: Path, run_id: str) -> dict[str, Cells]:
    """The complaints by label and the answer that was published before the label was known, by version.

    `complaints` has the rows of the run `run_id` with their labels, `published` the results of runs before it. A
    complaint counts once for each version.
    """
    results = sorted(published.rglob("*.parquet"))
    labels = _labels(complaints) if results else None
    if labels is None or not labels.num_rows:
        return {}
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for path in results:
        for row in _unlabelled(path, run_id).join(labels, _KEY, join_type="inner").to_pylist():
            found.setdefault(row["model_version"], {})[row[_KEY]] = (row["label"], row["predicted_product"])
    return {version: Counter(cells.values()) for version, cells in sorted(found.items())}


def published_accuracy(
    counts: Mapping[str, Cells], version: str, baseline: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """The delayed accuracy of each version; only the drop of `version` is known, since the baseline is of that one."""
    return {each: delayed_accuracy(cells, baseline if each == version else {}) for each, cells in counts.items()}


def _labels(complaints: Path) -> pa.Table:
    files = [str(path) for path in sorted(complaints.rglob("*.parquet"))]
    label = pc.field("label")
    # An older copy may have another label.
    wanted = label.is_valid() & (label != "unmapped") & (pc.field("fate") != "superseded")
    rows = ds.dataset(files, format="parquet").to_table(columns=[_KEY, "label"], filter=wanted)
    return rows.group_by(_KEY, use_threads=False).aggregate([("label", "first")]).rename_columns([_KEY, "label"])


def _unlabelled(path: Path, run_id: str) -> pa.Table:
    """The answers in a published file to complaints without a product; none of the run that is looked at."""
    product = pc.field("product")
    wanted = (product.is_null() | (product == "")) & (pc.field("run_id") != run_id)
    return ds.dataset(str(path), format="parquet").to_table(columns=_ANSWERS, filter=wanted)
