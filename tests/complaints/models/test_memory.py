"""A training that its instance cannot hold is refused before it starts."""

from __future__ import annotations

import pytest

from complaints.models.memory import TrainingTooLargeError, check_memory, memory_gb
from complaints.settings import load_settings


def test_a_million_narratives_fit_into_the_default_instance_and_three_million_do_not() -> None:
    check_memory(1_000_000, {"sagemaker.training.instance_type": "ml.m5.xlarge"})
    with pytest.raises(TrainingTooLargeError, match=r"has 16 GB: set sagemaker\.training.* ml\.r5\.2xlarge"):
        check_memory(3_000_000, {"sagemaker.training.instance_type": "ml.m5.xlarge"})


def test_the_instance_that_the_error_names_holds_the_training() -> None:
    check_memory(3_000_000, {"sagemaker.training.instance_type": "ml.r5.2xlarge"})


@pytest.mark.parametrize(
    ("instance_type", "gb"),
    [("ml.m5.xlarge", 16), ("ml.r5.2xlarge", 64), ("ml.c5.4xlarge", 32), ("ml.m6i.large", 8), ("ml.m5d.24xlarge", 384)],
)
def test_the_memory_of_an_instance_follows_from_its_family_and_size(instance_type: str, gb: int) -> None:
    assert memory_gb(instance_type) == gb


def test_an_instance_of_an_unknown_family_is_not_refused() -> None:
    assert memory_gb("ml.p4d.24xlarge") is None
    check_memory(100_000_000, {"sagemaker.training.instance_type": "ml.p4d.24xlarge"})


def test_narratives_that_no_instance_holds_are_refused_without_naming_one() -> None:
    with pytest.raises(TrainingTooLargeError, match="train on fewer years") as refused:
        check_memory(1_000_000_000, {"sagemaker.training.instance_type": "ml.r5.24xlarge"})
    assert "to ml." not in str(refused.value)


def test_what_a_capped_class_leaves_out_takes_no_memory() -> None:
    model = load_settings().model
    classes = len({rule.label for rule in model.labels})
    assert model.most_learned(1_000) == 1_000
    assert model.most_learned(100_000_000) == classes * model.training.max_class_rows
    assert model.model_copy(update={"labels": ()}).most_learned(100_000_000) == 100_000_000
