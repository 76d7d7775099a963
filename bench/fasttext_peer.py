"""fastText in an environment of its own: trains and predicts as a JSON request on standard input asks."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import fasttext

_LABEL = "__label__"


def main() -> None:
    """Reads `{"learn": [texts, labels], "texts": [...]}`; writes labels, probabilities, seconds and megabytes."""
    asked = json.load(sys.stdin)
    lines = [_line(text) for text in asked["texts"]]
    with tempfile.TemporaryDirectory() as folder:
        training, stored = Path(folder) / "training.txt", Path(folder) / "model.bin"
        rows = [f"{_LABEL}{label} {_line(text)}" for text, label in zip(*asked["learn"], strict=True)]
        training.write_text("\n".join(rows), encoding="utf-8")
        start = time.perf_counter()
        model = fasttext.train_supervised(
            str(training),
            wordNgrams=2,
            epoch=25,
            lr=0.5,
            minCount=2,
            bucket=500_000,
            dim=50,
            thread=1,
            seed=13,
            verbose=0,
        )
        fitted = time.perf_counter()
        # Not model.predict(), which needs NumPy 1.
        found = [model.f.predict(f"{line}\n", 1, 0.0, "strict") for line in lines]
        answered = time.perf_counter()
        model.save_model(str(stored))
        size = stored.stat().st_size / 1e6
    best = [each[0] if each else (0.0, "") for each in found]
    answers = {
        "labels": [label.removeprefix(_LABEL) for _, label in best],
        "probabilities": [probability for probability, _ in best],
        "seconds": {"fit": fitted - start, "predict": answered - fitted},
        "megabytes": size,
    }
    json.dump(answers, sys.stdout)


def _line(text: str) -> str:
    return " ".join(text.lower().split())


if __name__ == "__main__":
    main()
