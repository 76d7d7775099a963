"""The section `backfill` of `pipeline_config.yaml`: how much is classified again, and how much of it at a time."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field


class Backfill(BaseModel, extra="forbid", frozen=True):
    """The bounds of a backfill."""

    max_concurrency: Annotated[int, Field(ge=1, le=40)]
    max_runs: Annotated[int, Field(ge=1, le=1000)]
