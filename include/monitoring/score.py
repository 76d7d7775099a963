"""Scores records with a model's own serving code, as the container calls it: a process of its own for each model.

Two models may be served by two releases of the code, whose modules have the same names. In: JSON Lines of
`{"complaint_id", "narrative"}`. Out: `answers.jsonl`, an answer a line in the same order, and `probabilities.npy`
(records, classes), if the model has scikit-learn's `predict_proba`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

_JSON_LINES = "application/jsonlines"
_BATCH = 5_000  # records scored at a time


def main(argv: Sequence[str] | None = None) -> None:
    """Scores `--records` with the model in the folder `--model` and the code in the folder `--code`."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("--code", "--model", "--records", "--output"):
        parser.add_argument(name, type=Path, required=True)
    options = parser.parse_args(argv)

    sys.path.insert(0, str(options.code))
    # By its name at run time: each model brings the module of its own release.
    serving = importlib.import_module("inference")
    model = serving.model_fn(str(options.model))
    options.output.mkdir(parents=True, exist_ok=True)
    probabilities, scored = [], 0
    with options.records.open("rb") as records, (options.output / "answers.jsonl").open("wb") as answers:
        for lines in _batches(records):
            given = serving.input_fn(b"".join(lines), _JSON_LINES)
            body = serving.output_fn(serving.predict_fn(given, model), _JSON_LINES)
            text = body[0] if isinstance(body, tuple) else body
            answers.write((text.encode() if isinstance(text, str) else text).rstrip(b"\n") + b"\n")
            if hasattr(model, "predict_proba"):
                found = model.predict_proba([json.loads(line)["narrative"] for line in lines])
                probabilities.append(np.asarray(found, dtype=np.float32))
            scored += len(lines)
            print(f"{scored:,} scored", flush=True)
    if probabilities:
        np.save(options.output / "probabilities.npy", np.concatenate(probabilities))


def _batches(lines: Any) -> Iterator[list[bytes]]:
    while batch := list(islice(lines, _BATCH)):
        yield batch


if __name__ == "__main__":
    main()
