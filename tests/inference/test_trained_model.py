"""A model folder that is not what its signature says is refused, and nothing in it is executed."""

import io
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ngram_scorer import NgramScorer
from trained_model import ModelRefusedError, load

from tests.inference.small_model import rewrite, save


class Trap:
    """Leaves a trace wherever it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save(tmp_path / "model")


def arrays(**changes: Any) -> bytes:
    """A `weights.npz` of 3 classes and 2 terms, but for the changes."""
    usual = {"idf": np.ones(2), "coef": np.ones((3, 2)), "intercept": np.ones(3)} | changes
    packed = io.BytesIO()
    np.savez(packed, **{name: each for name, each in usual.items() if each is not None})
    return packed.getvalue()


@pytest.mark.parametrize("name", ["signature.json", "vocabulary.json", "weights.npz"])
def test_a_folder_that_lacks_a_file_is_refused_and_the_file_is_named(model: Path, name: str) -> None:
    (model / name).unlink()
    with pytest.raises(ModelRefusedError, match=f"^{name} is missing in the model folder$"):
        load(model)


@pytest.mark.parametrize("name", ["vocabulary.json", "weights.npz"])
def test_a_file_that_was_changed_is_refused(model: Path, name: str) -> None:
    content = bytearray((model / name).read_bytes())
    content[len(content) // 2] ^= 1
    (model / name).write_bytes(content)
    with pytest.raises(
        ModelRefusedError, match=f"^{name}: SHA-256 is [0-9a-f]{{64}}, the signature says [0-9a-f]{{64}}$"
    ):
        load(model)


@pytest.mark.parametrize("name", ["vocabulary.json", "weights.npz"])
def test_a_file_that_the_signature_does_not_vouch_for_is_refused(model: Path, name: str) -> None:
    signed = json.loads((model / "signature.json").read_text())["sha256"]
    rewrite(model, sha256={other: digest for other, digest in signed.items() if other != name})
    with pytest.raises(ModelRefusedError, match=f"^{name}: SHA-256 is .*, the signature says None$"):
        load(model)


def test_another_format_is_refused(model: Path) -> None:
    rewrite(model, format=3)
    with pytest.raises(ModelRefusedError, match=r"^signature\.json: format 3; this code reads 2$"):
        load(model)


def test_another_scikit_learn_is_refused_with_both_versions(model: Path) -> None:
    rewrite(model, scikit_learn="0.1")
    with pytest.raises(ModelRefusedError, match=r"made by scikit-learn 0\.1, but 1\..* is here: .*serve with 0\.1"):
        load(model)


@pytest.mark.parametrize("name", ["signature.json", "vocabulary.json"])
def test_a_file_that_is_no_json_is_refused(model: Path, name: str) -> None:
    (model / name).write_text("{")
    if name != "signature.json":
        rewrite(model)
    with pytest.raises(ModelRefusedError, match=f"^{name}: not JSON: "):
        load(model)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"idf": np.ones(3)}, r"idf is \(3,\); 3 classes and 2 terms need \(2,\)"),
        ({"coef": np.ones((2, 2))}, r"coef is \(2, 2\); 3 classes and 2 terms need \(3, 2\)"),
        ({"intercept": np.ones(1)}, r"intercept is \(1,\); 3 classes and 2 terms need \(3,\)"),
        ({"idf": None}, "not the arrays of a model, or pickled: 'idf is not a file in the archive'"),
    ],
)
def test_weights_that_do_not_fit_the_classes_and_terms_are_refused(
    model: Path, changes: dict[str, Any], complaint: str
) -> None:
    (model / "vocabulary.json").write_text('["card", "fee"]')
    (model / "weights.npz").write_bytes(arrays(**changes))
    rewrite(model)
    with pytest.raises(ModelRefusedError, match=rf"^weights\.npz: {complaint}$"):
        load(model)


def test_weights_that_fit_are_loaded(model: Path) -> None:
    (model / "vocabulary.json").write_text('["card", "fee"]')
    (model / "weights.npz").write_bytes(arrays())
    rewrite(model)
    assert load(model).pipeline.predict_proba(["card fee"]).shape == (1, 3)


def test_a_pickle_among_the_weights_is_refused_and_not_executed(model: Path, tmp_path: Path) -> None:
    trap = np.array([Trap(tmp_path / "trace")], dtype=object)
    (model / "weights.npz").write_bytes(arrays(idf=trap))
    rewrite(model)
    with pytest.raises(ModelRefusedError, match=r"^weights\.npz: not the arrays of a model, or pickled: "):
        load(model)
    assert not (tmp_path / "trace").exists()


def test_the_trap_of_these_tests_would_have_shut(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Trap(tmp_path / "trace")))
    assert (tmp_path / "trace").exists()


@pytest.mark.parametrize("kind", ["pickle", "bare array", "cut archive", "nothing"])
def test_a_file_that_is_no_archive_of_arrays_is_refused(model: Path, tmp_path: Path, kind: str) -> None:
    bare = io.BytesIO()
    np.save(bare, np.ones(3))
    contents = {"pickle": pickle.dumps(Trap(tmp_path / "trace")), "bare array": bare.getvalue(), "nothing": b""}
    (model / "weights.npz").write_bytes(contents.get(kind, arrays()[:-30]))
    rewrite(model)
    with pytest.raises(ModelRefusedError, match=r"^weights\.npz: not the arrays of a model, or pickled: "):
        load(model)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("doubt", [None, "0.1", -0.1, 1.0, float("nan")])
def test_a_doubt_that_is_no_part_of_a_probability_is_refused(model: Path, doubt: Any) -> None:
    rewrite(model, doubt=doubt)
    with pytest.raises(ModelRefusedError, match=r"^signature\.json: doubt .*; a part of all probabilities is from 0"):
        load(model)


def test_a_vocabulary_that_signs_for_words_of_another_kind_is_refused(model: Path) -> None:
    terms = json.loads((model / "vocabulary.json").read_text())
    (model / "vocabulary.json").write_text(json.dumps(["12", *terms[1:]]))
    rewrite(model)
    with pytest.raises(ModelRefusedError, match=r"^'12' is no n-gram of words as this code finds them$"):
        NgramScorer(load(model))


def test_a_vectoriser_that_finds_words_in_another_way_is_refused(model: Path) -> None:
    vectorizer = json.loads((model / "signature.json").read_text())["vectorizer"]
    rewrite(model, vectorizer=vectorizer | {"token_pattern": "[a-z]+"})
    with pytest.raises(ModelRefusedError, match=r"^the vectoriser has .'token_pattern': '.a-z.\+'.; this code serves"):
        NgramScorer(load(model))
