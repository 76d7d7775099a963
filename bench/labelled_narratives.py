"""Real labelled narratives, read and labelled as in the flows, and splits that keep identical texts together."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from exact_csv.limits import reader_limits
from exact_csv.tolerant_reader import records
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
from sklearn.model_selection import GroupKFold

from complaints.settings import LabelRule, load_settings

ROOT = Path(__file__).parents[1]
# Real complaints, if there are any beside the project.
DATA = ROOT.parent / "shared" / "data" / "raw"
# Copies of another file's complaints, after a round trip through Excel.
COPIES = ("complaints-2020-03-excel.csv",)
_FOLDS, _NEWEST, _SEED = 3, 0.2, 13
_SHORT_WORDS = 60

Places = npt.NDArray[np.intp]


class Labelled(NamedTuple):
    """Arrays with one entry per narrative: text, class, date received (ISO 8601 or empty), number of its group."""

    narratives: npt.NDArray[np.object_]
    labels: npt.NDArray[np.str_]
    dates: npt.NDArray[np.str_]
    groups: Places


def labelled(folder: Path = DATA) -> Labelled:
    """Every complaint in the folder with a narrative and a known product; the first of those with the same id.

    Raises:
        FileNotFoundError: the folder holds no CSV file.
    """
    files = sorted(path for path in folder.glob("*.csv") if path.name not in COPIES)
    if not files:
        raise FileNotFoundError(f"{folder} has no CSV file; put exports of the CFPB database there")
    rules = load_settings().model.labels
    rows: dict[str, tuple[str, str, str]] = {}
    for path in files:
        for number, fields in complaints_of(path):
            text, label = fields.get("consumer_complaint_narrative", ""), label_of(fields.get("product", ""), rules)
            if text.strip() and label:
                key = fields.get("complaint_id", f"{path.name}#{number}")
                rows.setdefault(key, (text, label, fields.get("date_received", "")[:10]))
    texts, labels, dates = zip(*rows.values(), strict=True)
    # Not np.unique: NumPy strings have a fixed length, so each would take the memory of the longest.
    order: dict[str, int] = {}
    groups = np.array([order.setdefault(" ".join(text.lower().split()), len(order)) for text in texts])
    return Labelled(np.array(texts, dtype=object), np.array(labels), np.array(dates), groups)


def complaints_of(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The number and the fields by column of each readable complaint in a file."""
    limits = reader_limits(json.dumps(load_settings().pipeline.limits.of_reading()))
    for record in records(iter([path.read_bytes()]), limits):
        if record.reason is None:
            yield record.record, record.fields


def label_of(product: str, rules: Sequence[LabelRule]) -> str | None:
    """The class of a product by the first rule that matches."""
    return next((rule.label for rule in rules if rule.contains in product.lower()), None)


def splits(data: Labelled) -> Iterator[tuple[str, Places, Places]]:
    """The name, training rows and test rows of each split.

    Random folds of groups; `time`, the newest fifth by date, by all others; and `earlier`, the fifth before it, by what
    is older than that.
    """
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=_SEED)
    for learn, test in folds.split(data.narratives, data.labels, data.groups):
        yield "random", learn, test
    dated = np.sort(data.dates[data.dates != ""])
    cut, before = (dated[int(len(dated) * (1 - parts * _NEWEST))] for parts in (1, 2))
    newest = (data.dates != "") & (data.dates > cut)
    yield "time", _apart(data, newest), np.flatnonzero(newest)
    earlier = (data.dates > before) & ~newest
    yield "earlier", _apart(data, newest | earlier), np.flatnonzero(earlier)


def _apart(data: Labelled, left_out: npt.NDArray[np.bool_]) -> Places:
    """The rows that share no narrative with those that are left out."""
    return np.flatnonzero(~np.isin(data.groups, data.groups[left_out]))


def shortened(text: str) -> str:
    """The text as in published sets: lower case, at most 60 words, no stop words, digits, punctuation or redactions."""
    words = re.findall(r"[a-z]{3,}", text.lower())
    kept = [word for word in words if word not in ENGLISH_STOP_WORDS and not word.startswith("xx")]
    return " ".join(kept[:_SHORT_WORDS])
