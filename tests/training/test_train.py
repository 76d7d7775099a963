"""Training: the same data give the same bytes, and data that cannot be learned from are refused."""

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn
import train
from narrative_groups import digest, validation_rows
from trained_model import load

WORDS = {
    "card": "card charge fee annual limit reward purchase swipe",
    "mortgage": "mortgage escrow house appraisal closing lender deed",
    "student_loan": "student college tuition forbearance servicer degree campus",
}
Rows = list[tuple[str, str, str]]  # id, narrative, label


def rows_of(count: int = 30, seed: int = 1, labels: tuple[str, ...] = tuple(WORDS)) -> Rows:
    """As many complaints of each class, told in its words and in a few that all have."""
    random_words = random.Random(seed)
    return [
        (f"{place}{number:04}", " ".join(random_words.choices(f"{WORDS[label]} bank called me".split(), k=12)), label)
        for place, label in enumerate(labels)
        for number in range(count)
    ]


def write(folder: Path, *files: Rows) -> Path:
    """Parquet as Spark leaves it, a file for each part."""
    folder.mkdir(parents=True)
    for number, rows in enumerate(files):
        columns = dict(zip(("complaint_id", "narrative", "label"), map(list, zip(*rows, strict=True)), strict=True))
        pq.write_table(pa.table(columns), folder / f"part-{number:05}.parquet")
    return folder


def trained(channel: Path, model: Path, *more: str) -> dict[str, bytes]:
    """Trains as SageMaker would; the files of the model."""
    train.main(["--train", str(channel), "--model-dir", str(model), *more])
    return {path.name: path.read_bytes() for path in sorted(model.iterdir())}


def test_the_same_rows_give_the_same_bytes_in_whatever_files_they_come(tmp_path: Path) -> None:
    rows = rows_of()
    whole = trained(write(tmp_path / "whole", rows), tmp_path / "one")
    parts = trained(write(tmp_path / "parts", rows[::-2], rows[::2]), tmp_path / "other")
    assert len(whole) == 3
    assert whole == parts


def test_another_hyperparameter_gives_another_model(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of())
    assert trained(channel, tmp_path / "one") != trained(channel, tmp_path / "other", "--C", "1.0")


def test_a_model_is_json_and_arrays_and_says_what_it_takes_to_use_it(tmp_path: Path) -> None:
    files = trained(write(tmp_path / "train", rows_of()), tmp_path / "model")
    signature = json.loads(files["signature.json"])
    assert [*files] == ["signature.json", "vocabulary.json", "weights.npz"]
    assert (signature["format"], signature["scikit_learn"]) == (2, sklearn.__version__)
    assert (signature["classes"], signature["training_rows"]) == (sorted(WORDS), 90)


def test_hyperparameters_arrive_as_sagemaker_sends_them_and_its_own_are_left_alone(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of())
    files = trained(channel, tmp_path / "model", "--ngram_max", "1", "--max_features", "5", "--sagemaker_job", "x")
    assert json.loads(files["signature.json"])["vectorizer"]["ngram_range"] == [1, 1]
    assert len(json.loads(files["vocabulary.json"])) == 5


def test_the_folders_come_from_sagemakers_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SM_CHANNEL_TRAIN", str(write(tmp_path / "train", rows_of())))
    monkeypatch.setenv("SM_MODEL_DIR", str(tmp_path / "model"))
    train.main([])
    assert (tmp_path / "model" / "signature.json").is_file()


def test_the_log_says_the_numbers_that_the_training_job_looks_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = trained(write(tmp_path / "train", rows_of()), tmp_path / "model")
    assert capsys.readouterr().out.splitlines() == [
        "train_rows=90",
        f"features={len(json.loads(files['vocabulary.json']))}",
    ]


@pytest.mark.parametrize("labels", [("card", "mortgage"), ("card", "mortgage", "student_loan")], ids=["two", "three"])
def test_a_saved_model_predicts_exactly_as_the_fitted_one(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows = rows_of(labels=labels)
    parsed = train.argparse.Namespace(ngram_max=2, min_df=1, max_df=0.9, max_features=500, C=1.0, balance=0.5, seed=13)
    texts = [text for _, text, _ in rows]
    fitted = train.fit(texts, [label for *_, label in rows], parsed)
    train.save(fitted, tmp_path / "model", training_rows=len(rows))
    asked = [*texts, "", "Nothing that it knows.", "CARD\nFEE\u2028card"]
    assert np.array_equal(load(tmp_path / "model").pipeline.predict_proba(asked), fitted.pipeline.predict_proba(asked))


def test_it_learns_to_tell_the_classes_apart(tmp_path: Path) -> None:
    trained(write(tmp_path / "train", rows_of()), tmp_path / "model")
    unseen = rows_of(seed=2)
    answers = load(tmp_path / "model").pipeline.predict([text for _, text, _ in unseen])
    assert np.mean(answers == [label for *_, label in unseen]) > 0.95


def test_a_class_too_rare_to_learn_is_named_with_its_number(tmp_path: Path) -> None:
    rare = [*rows_of(labels=("card", "mortgage")), *rows_of(count=4, labels=("student_loan",))]
    channel = write(tmp_path / "train", rare)
    with pytest.raises(train.TrainingDataError, match=r"\{'student_loan': 4\}; each class needs 5"):
        trained(channel, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_class_with_just_enough_complaints_is_learned(tmp_path: Path) -> None:
    rows = [*rows_of(labels=("card", "mortgage")), *rows_of(count=4, labels=("student_loan",))]
    trained(write(tmp_path / "train", rows), tmp_path / "model", "--min_class_rows", "4")
    assert "student_loan" in load(tmp_path / "model").pipeline["classifier"].classes_


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of(labels=("card",)))
    with pytest.raises(train.TrainingDataError, match=r"only one class to learn from: \{'card': 30\}"):
        trained(channel, tmp_path / "model")


def test_a_channel_without_rows_is_refused_and_named(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    with pytest.raises(train.TrainingDataError, match=r"/train holds no labelled complaints \(0 Parquet files\)"):
        trained(tmp_path / "train", tmp_path / "model")


def validated(channel: Path, model: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, float]:
    """Trains as a tuning job asks; the numbers in the log."""
    trained(channel, model, "--validation_fraction", "0.2", "--_tuning_objective_metric", "validation:macro_f1", *more)
    pairs = (line.split("=") for line in capsys.readouterr().out.splitlines())
    return {name: float(value) for name, value in pairs}


def test_a_tuning_job_gets_an_objective_on_rows_that_were_not_learned_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    channel = write(tmp_path / "train", rows_of())
    found = validated(channel, tmp_path / "model", capsys)
    assert (found["train_rows"], found["validation_rows"]) == (72, 18)
    assert 0.9 < found["validation:macro_f1"] <= 1
    signature = json.loads((tmp_path / "model" / "signature.json").read_text())
    assert signature["training_rows"] == 72
    # Other hyperparameters are compared on the same rows.
    assert validated(channel, tmp_path / "other", capsys, "--C", "0.0001")["validation_rows"] == 18


def test_the_objective_is_the_same_whatever_files_the_rows_come_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of()
    one = validated(write(tmp_path / "whole", rows), tmp_path / "one", capsys)
    assert one == validated(write(tmp_path / "parts", rows[::-2], rows[::2]), tmp_path / "other", capsys)


def test_without_being_asked_training_learns_from_every_row_and_gives_the_bytes_that_it_gave_before(
    tmp_path: Path,
) -> None:
    channel = write(tmp_path / "train", rows_of())
    assert trained(channel, tmp_path / "one") == trained(channel, tmp_path / "other", "--validation_fraction", "0")


def test_no_narrative_is_learned_from_and_validated_on() -> None:
    texts = [text for text in (f"Narrative {number}" for number in range(40)) for _ in range(3)]
    # Equal but for case and white space.
    texts = [text.upper() if number % 3 == 1 else text.replace(" ", "\n") for number, text in enumerate(texts)]
    labels = ["card" if number < 60 else "mortgage" for number in range(120)]
    chosen = validation_rows([digest(text) for text in texts], labels, 0.25)
    groups = [set(chosen[start : start + 3]) for start in range(0, 120, 3)]
    assert all(len(group) == 1 for group in groups)
    # A quarter of each class.
    assert (sum(chosen[:60]), sum(chosen[60:])) == (15, 15)
    again = validation_rows([digest(text) for text in texts[::-1]], labels[::-1], 0.25)
    assert again[::-1] == chosen


def test_a_narrative_with_two_labels_is_not_validated_on_and_a_rare_class_keeps_its_rows() -> None:
    texts = ["the same text"] * 10 + [f"text {number}" for number in range(10)] + ["rare 1", "rare 2"]
    labels = ["card", "mortgage"] * 10 + ["rare"] * 2
    chosen = validation_rows([digest(text) for text in texts], labels, 0.4)
    assert not any(chosen[:10])
    assert sum(chosen[10:20]) == 4
    assert not any(chosen[20:])


def test_too_few_rows_to_validate_on_are_refused(tmp_path: Path) -> None:
    channel = write(tmp_path / "train", rows_of(count=5))
    with pytest.raises(train.TrainingDataError, match=r"validation_fraction 0\.1 of 15 complaints leaves nothing"):
        trained(channel, tmp_path / "model", "--validation_fraction", "0.1")


def test_a_class_that_is_never_answered_counts_as_zero(tmp_path: Path) -> None:
    model = train.TrainedModel(Answers("card"), 0.0)
    # F1 of card is 2/3, of mortgage 0; a class that no row has is not counted.
    assert train.macro_f1(model, [("a", "card"), ("b", "mortgage")]) == pytest.approx(1 / 3)


class Answers:
    """A model with one answer."""

    def __init__(self, label: str) -> None:
        self.label = label

    def predict(self, texts: list[str]) -> list[str]:
        return [self.label for _ in texts]
