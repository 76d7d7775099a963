"""`model_config.yaml`: what the model learns, and how."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, ValidationError, field_validator, model_validator

from complaints.settings.issues import Issues
from complaints.settings.limits import Count
from complaints.settings.monitoring import Monitoring
from complaints.settings.tuning import Tuning

_IDENTITY = "identity"
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Fraction = Annotated[float, Field(ge=0, le=0.5)]
Share = Annotated[float, Field(ge=0, le=1)]


class LabelRule(BaseModel, extra="forbid", frozen=True):
    """A rule: a product whose lower-cased name contains `contains` belongs to the class `label`."""

    contains: Annotated[str, Field(pattern=r"^[^A-Z]+$", description="lower-case text")]
    label: Label


class Split(BaseModel, extra="forbid", frozen=True):
    """The parts of the labelled complaints that training does not see."""

    newest_fraction: Fraction
    test_fraction: Fraction


class Hyperparameters(BaseModel, extra="forbid", frozen=True):
    """The hyperparameters, passed to the training script unchanged."""

    ngram_max: Annotated[int, Field(ge=1, le=3)]
    min_df: Count
    max_df: Annotated[float, Field(gt=0, le=1)]
    max_features: Count
    C: Annotated[float, Field(gt=0)]
    balance: Annotated[float, Field(ge=0, le=1)]
    seed: Annotated[int, Field(ge=0)]


class Training(BaseModel, extra="forbid", frozen=True):
    """The hyperparameters, the fewest rows that a class needs, and the most that it is learned from."""

    hyperparameters: Hyperparameters
    min_class_rows: Count
    max_class_rows: Annotated[int, Field(ge=1_000)]


class Gate(BaseModel, extra="forbid", frozen=True):
    """What a trained model must show before it goes into service, declared before there is one."""

    margin: Fraction
    max_class_drop: Share
    min_class_recall: Share
    class_floors: dict[Label, Share]
    min_class_rows: Count
    max_calibration_error: Share
    refit: bool
    approval: Literal["none", "person"]


class ModelSettings(BaseModel, extra="forbid", frozen=True):
    """The content of `model_config.yaml`."""

    labels: tuple[LabelRule, ...]
    split: Split
    training: Training
    tuning: Tuning
    gate: Gate
    review_below: Share
    issues: Issues
    monitoring: Monitoring

    @field_validator("labels", mode="before")
    @classmethod
    def _rules_or_identity(cls, labels: Any) -> Any:
        """No rules stand for `identity`: each product is a class of its own."""
        if labels == _IDENTITY:
            return ()
        if isinstance(labels, list) and len(labels) < 2:
            raise ValueError(f"write at least 2 rules, not {len(labels)}, or {_IDENTITY}")
        return labels

    def most_learned(self, narratives: int) -> int:
        """The most of these narratives that a training learns from; each product may be a class with `identity`."""
        return min(narratives, len({rule.label for rule in self.labels}) * self.training.max_class_rows or narratives)

    def of_labels(self) -> list[list[str]] | str:
        """What the jobs are told: the rules as `[[text, label], ...]`, or `identity`."""
        return [[rule.contains, rule.label] for rule in self.labels] or _IDENTITY

    @model_validator(mode="after")
    def _ranges_hold_what_hyperparameters_may_be(self) -> Self:
        own = self.training.hyperparameters.model_dump()
        for name, values in self.tuning.bounds().items():
            for value in values:
                try:
                    Hyperparameters.model_validate({**own, name: value})
                except ValidationError as error:
                    raise ValueError(f"tuning.ranges.{name}: {value!r}: {error.errors()[0]['msg']}") from None
        return self
