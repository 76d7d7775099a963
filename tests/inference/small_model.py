"""A small model as training leaves it, for the code that serves and evaluates it."""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import model_folder
import train
from ngram_scorer import NgramScorer
from trained_model import TrainedModel

TAUGHT = {
    "card": ["The card charged a fee.", "A fee on my card.", "My card, a charge and a fee."],
    "mortgage": ["The mortgage and its escrow.", "Escrow of my mortgage.", "My mortgage on the house."],
    "student_loan": ["A loan for college.", "My student loan for college.", "The college and its student."],
}


def fitted() -> train.TrainedModel:
    """A model of three classes."""
    options = argparse.Namespace(ngram_max=2, min_df=1, max_df=0.9, max_features=500, C=1.0, balance=0.5, seed=13)
    return train.fit(
        [text for texts in TAUGHT.values() for text in texts],
        [label for label, texts in TAUGHT.items() for _ in texts],
        options,
    )


def scorer() -> NgramScorer:
    """The model as it serves."""
    return NgramScorer(TrainedModel(*fitted()))


def save(folder: Path) -> Path:
    """The model's folder."""
    model_folder.save(fitted(), folder, training_rows=9)
    return folder


def rewrite(folder: Path, **changes: Any) -> None:
    """Changes `signature.json`, and signs the other files as they are now."""
    path = folder / "signature.json"
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("vocabulary.json", "weights.npz")
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sha256": hashes} | changes))
