"""The models that an evaluation compares: unpacked, and scored by their own serving code."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import score
from class_words import class_words
from model_archive import check_digest, content_digest, unpack
from slices import Answers, IssueAnswers

_LAST_WORDS = 2_000  # characters of what a failed process wrote


class ScoringError(RuntimeError):
    """The serving code could not score with its model; the message ends with the code's own error."""


@dataclass(frozen=True)
class Model:
    """A model's unpacked files, the folder of the code that serves it, and a folder for its answers."""

    folder: Path
    code: Path
    output: Path

    @property
    def content_sha256(self) -> str:
        """The digest of the files in the archive."""
        return content_digest(self.folder)

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of the probabilities."""
        found: list[str] = self._signature["classes"]
        return found

    @property
    def issues(self) -> dict[str, Any] | None:
        """The issues that it knows (`classes`, `other`); None where it does not answer the second question."""
        found: dict[str, Any] | None = self._signature.get("issues")
        return found

    @property
    def words(self) -> dict[str, list[str]]:
        """The n-grams that speak most for each class."""
        return class_words(self.folder, self._signature)

    @property
    def _signature(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "signature.json").read_text(encoding="utf-8"))
        return found

    def answers(self, records: Path) -> Answers:
        """The answers to the records of a JSON Lines file, in order.

        Raises:
            ScoringError: the code failed, or did not answer each record.
        """
        folders = {"--code": self.code, "--model": self.folder, "--records": records, "--output": self.output}
        arguments = [str(each) for pair in folders.items() for each in pair]
        with TemporaryFile() as errors:
            # A fork has imported what both need, scikit-learn above all.
            process = get_context("fork").Process(target=_score, args=(arguments, self.code, errors.fileno()))
            process.start()
            process.join()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
        if process.exitcode:
            raise ScoringError(said[-_LAST_WORDS:] or f"score.py ended with {process.exitcode}")
        return _read(records, self.output)


def _score(arguments: Sequence[str], code: Path, errors: int) -> None:
    """Scores in a process of its own, in which the serving code finds its own modules, and none of this folder."""
    os.dup2(errors, sys.stderr.fileno())
    # What the transform of a run asks for; code of an earlier release does not know it.
    os.environ["ISSUES"] = "true"
    here = Path(__file__).resolve().parent
    sys.path[:] = [each for each in sys.path if Path(each).resolve() != here]
    names = {path.name.partition(".")[0] for folder in (here, code) for path in folder.iterdir()}
    for name in [name for name in sys.modules if name.partition(".")[0] in names - sys.stdlib_module_names]:
        del sys.modules[name]
    score.main(arguments)


def opened(archive: Path, sha256: str, code: Path, work: Path) -> Model:
    """The model whose archive lies in the folder `archive`, unpacked below `work`.

    Raises:
        ModelRefusedError: the archive has another SHA-256, or holds what no model has.
        FileNotFoundError: there is no archive.
    """
    found = sorted(archive.glob("*.tar.gz"))
    if len(found) != 1:
        raise FileNotFoundError(f"{archive} holds {len(found)} files where one model.tar.gz was expected")
    check_digest(found[0], sha256)
    unpack(found[0], work / "model")
    return Model(work / "model", code, work / "answers")


def _read(records: Path, output: Path) -> Answers:
    products, confidences, issues = [], [], []
    with records.open("rb") as asked, (output / "answers.jsonl").open("rb") as answered:
        for number, (record, line) in enumerate(zip_longest(asked, answered, fillvalue=b"{}"), start=1):
            answer: dict[str, Any] = json.loads(line)
            wanted, confidence = json.loads(record).get("complaint_id"), answer.get("confidence")
            if answer.get("complaint_id") != wanted or not isinstance(confidence, float) or not 0 <= confidence <= 1:
                raise ScoringError(f"answer {number} should give complaint {wanted!r} a confidence, but is {answer}")
            products.append(str(answer["predicted_product"]))
            confidences.append(confidence)
            if "predicted_issue" in answer:
                others = [each["issue"] for each in answer["issue_alternatives"]]
                issues.append(([answer["predicted_issue"], *others], answer["issue_confidence"]))
    path = output / "probabilities.npy"
    probabilities = np.load(path, allow_pickle=False) if path.exists() else None
    return Answers(products, np.array(confidences, dtype=np.float64), probabilities, _issues(issues, len(products)))


def _issues(found: list[tuple[list[str], float]], count: int) -> IssueAnswers | None:
    """The answers to the second question, if each of the records has one."""
    if not found or len(found) < count:
        return None
    return IssueAnswers([names for names, _ in found], np.array([chance for _, chance in found], dtype=np.float64))
