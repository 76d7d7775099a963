"""The section `monitoring` of `model_config.yaml`: when a change is more than chance, and what may follow by itself."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from complaints.settings.limits import Count

Share = Annotated[float, Field(gt=0, lt=1)]


class Monitoring(BaseModel, extra="forbid", frozen=True):
    """The limits of the decision table, and the guard of automatic retraining."""

    false_alarms: Annotated[float, Field(ge=0.001, le=0.1)]
    min_complaints: Annotated[int, Field(ge=200)]
    drifted_windows: Count
    of_windows: Annotated[int, Field(ge=1, le=20)]
    max_drop: Share
    min_labelled: Annotated[int, Field(ge=50)]
    max_unknown_products: Share
    retrain: bool
    cool_down_days: Annotated[int, Field(ge=1, le=365)]
    min_new_labels: Count
    labels_look_back: Annotated[int, Field(ge=0, le=100)]

    @model_validator(mode="after")
    def _the_windows_suffice(self) -> Self:
        if self.drifted_windows > self.of_windows:
            raise ValueError(
                f"drifted_windows is {self.drifted_windows}; make it at most of_windows, {self.of_windows}"
            )
        return self
