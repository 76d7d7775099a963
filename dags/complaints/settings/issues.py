"""The section `issues` of `model_config.yaml`: the second question, which issue a complaint has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class RenamedIssue(BaseModel, extra="forbid", frozen=True):
    """A name of an earlier taxonomy, and the one that it has now; with `until`, only of complaints up to that day."""

    old: Name
    new: Name
    until: date | None = None


class IssueFloors(BaseModel, extra="forbid", frozen=True):
    """The least that the answers to held-out complaints must reach."""

    accuracy: Share
    macro_f1: Share


class Issues(BaseModel, extra="forbid", frozen=True):
    """Whether issues are predicted, which of them, and what is asked of the predictions."""

    predict: bool
    top: Annotated[int, Field(ge=1, le=200)]
    other: Name
    review_below: Share
    floors: IssueFloors
    renamed: tuple[RenamedIssue, ...]

    def of_history(self) -> str:
        """What the preparation of the history is told: `null`, or the renamed issues as `[[old, new, until], ...]`."""
        return json.dumps(self._rules() if self.predict else None)

    def of_training(self) -> dict[str, int | str]:
        """The hyperparameters of the second question; none where it is not asked."""
        return {"issues_top": self.top, "issues_other": self.other} if self.predict else {}

    def of_results(self, classes: Sequence[str]) -> str:
        """What the audit is told: `null`, or how issues are reviewed, and scored by the model's `classes`."""
        told = {"review_below": self.review_below, "classes": [*classes], "other": self.other, "renamed": self._rules()}
        return json.dumps(told if self.predict else None)

    def _rules(self) -> list[list[str | None]]:
        return [[each.old, each.new, each.until.isoformat() if each.until else None] for each in self.renamed]
