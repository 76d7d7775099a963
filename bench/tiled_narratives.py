"""Labelled narratives in any number: real ones if there are any, otherwise the sample, repeated with changes."""

from __future__ import annotations

import math
import random
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.labelled_narratives import DATA, complaints_of, label_of
from complaints.settings import load_settings
from laptop.sample import write_sample

Labelled = tuple[str, str]
_PART_ROWS = 50_000
_REPLACED, _NEW = 0.1, 0.002  # fractions of the words in a copy


def labelled(paths: Sequence[Path] = ()) -> tuple[str, list[Labelled]]:
    """The source of the narratives, and each distinct narrative with its class."""
    if not paths and not DATA.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            return "the synthetic sample", list(_labelled(list(write_sample(Path(folder)).training)))
    files = [file for path in paths or [DATA] for file in (sorted(path.glob("*.csv")) if path.is_dir() else [path])]
    return ", ".join(file.name for file in files), list(_labelled(files))


def _labelled(files: Sequence[Path]) -> Iterator[Labelled]:
    rules = load_settings().model.labels
    seen: set[str] = set()
    for file in files:
        for _, fields in complaints_of(file):
            narrative = fields.get("consumer_complaint_narrative", "")
            label = label_of(fields.get("product", ""), rules)
            if label and narrative.strip() and narrative not in seen:
                seen.add(narrative)
                yield narrative, label


def tiled(rows: Sequence[Labelled], count: int, seed: int = 13) -> Iterator[Labelled]:
    """`count` narratives: the given ones, then copies of them with a tenth of the words replaced.

    Two words in a thousand are new, like names and typing errors, so the vocabulary grows with the rows.
    """
    chance = random.Random(seed)
    # Each narrative in turns: what is between its words, and its words.
    pieces = [re.split(r"(\w+)", narrative) for narrative, _ in rows]
    words = [word for piece in pieces for word in piece[1::2]]
    for number in range(count):
        narrative, label = rows[number % len(rows)]
        if number >= len(rows):
            narrative = "".join(_changed(pieces[number % len(rows)], words, chance))
        yield narrative, label


def _changed(pieces: Sequence[str], words: Sequence[str], chance: random.Random) -> list[str]:
    """The pieces with some words replaced; the gaps between those are drawn, so that the others cost nothing."""
    copy, place = list(pieces), 1
    while (place := place + 2 * int(math.log(1 - chance.random()) / math.log(1 - _REPLACED))) < len(copy):
        if chance.random() < _NEW / _REPLACED:
            copy[place] += "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=3))
        else:
            copy[place] = words[int(chance.random() * len(words))]
        place += 2
    return copy


def write_rows(rows: Iterator[Labelled], folder: Path) -> None:
    """Writes Parquet files like those that `prepare_history` writes for the training."""
    folder.mkdir(parents=True)
    number, part = 0, []
    for row in rows:
        part.append(row)
        if len(part) == _PART_ROWS:
            _write(part, number, folder)
            number, part = number + len(part), []
    if part:
        _write(part, number, folder)


def _write(part: Sequence[Labelled], number: int, folder: Path) -> None:
    columns = {
        "complaint_id": [str(number + each) for each in range(len(part))],
        "narrative": [narrative for narrative, _ in part],
        "label": [label for _, label in part],
    }
    pq.write_table(pa.table(columns), folder / f"part-{number:09}.parquet")
