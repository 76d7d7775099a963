"""The section `columns` of `pipeline_config.yaml`: what your files call the columns that the flows read."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from complaints.settings.ingestion import ComparedColumn

Column = ComparedColumn | Literal["complaint_id"]
Alias = Annotated[str, Field(min_length=1, max_length=100)]


class Columns(BaseModel, extra="forbid", frozen=True):
    """More names of columns, beside those that the reader knows; case and punctuation do not count."""

    aliases: dict[Column, tuple[Alias, ...]]

    @model_validator(mode="after")
    def _each_name_is_of_one_column(self) -> Self:
        found: dict[str, str] = {}
        for name, column in self.of_reading():
            if not name:
                raise ValueError(f"aliases.{column}: a name without a letter or a digit; write it as the header does")
            if found.setdefault(name, column) != column:
                raise ValueError(f"aliases: {name!r} stands for {found[name]} and for {column}; keep one of them")
        return self

    def of_reading(self) -> list[tuple[str, str]]:
        """Each name, as the reader compares names, and its column."""
        return [(_normalised(name), column) for column, names in self.aliases.items() for name in names]


def _normalised(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.strip().lower()).strip("_")
