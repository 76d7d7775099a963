"""The section `limits` of `pipeline_config.yaml`: how much input one run accepts.

MB and kB are millions and thousands of bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

Count = Annotated[int, Field(ge=1)]

# A character takes at most two \\uXXXX in JSON; the frame is the rest of a record around its narrative.
_BYTES_A_CHARACTER, _FRAME_BYTES = 12, 200


class QuarantineLimits(BaseModel, extra="forbid", frozen=True):
    """The limits of quarantined rows: a run fails if it exceeds both, the number and the fraction."""

    tolerated_rows: Annotated[int, Field(ge=0)]
    max_fraction: Annotated[float, Field(ge=0, le=1)]


class Limits(BaseModel, extra="forbid", frozen=True):
    """The limits of one run. The plan checks the first two; the Glue job checks the others while it reads.

    `max_files`, `max_file_mb`: how many objects, and how large each may be as stored. `max_expanded_mb`,
    `max_expansion_ratio`: how far a compressed object may expand. `max_row_kb`, `max_field_characters`: the longest
    record and field. `min_rows_of_last_run`: a run that reads at most this share of the rows of its source's last run
    is refused, unless its parameter `accept_fewer_rows` accepts that. `on_unreadable_file`: a file that cannot be read
    to its end fails the run, or is set aside and reported.
    """

    max_files: Annotated[int, Field(ge=1, le=100_000)]
    max_file_mb: Count
    max_expanded_mb: Count
    max_expansion_ratio: Annotated[int, Field(ge=2)]
    max_row_kb: Annotated[int, Field(ge=1, le=100_000)]
    max_field_characters: Annotated[int, Field(ge=100)]
    on_unreadable_file: Literal["fail", "quarantine"]
    quarantine: QuarantineLimits
    min_rows_of_last_run: Annotated[float, Field(ge=0, lt=1)]

    def of_reading(self) -> dict[str, Any]:
        """The limits that affect which rows a run has, and whether it succeeds; they are part of the run's id."""
        own = self.model_dump(exclude={"max_files", "max_file_mb", "quarantine", "min_rows_of_last_run"})
        return {**own, **self.quarantine.model_dump()}

    def check_payload(self, max_payload_mb: int) -> None:
        """Raises ValueError if the longest record would not fit into one payload of the batch transform."""
        longest = _BYTES_A_CHARACTER * self.max_field_characters + _FRAME_BYTES
        if longest > max_payload_mb * 1_000_000:
            most = (max_payload_mb * 1_000_000 - _FRAME_BYTES) // _BYTES_A_CHARACTER
            raise ValueError(
                f"limits.max_field_characters: {self.max_field_characters}: a record of {longest:,} bytes would not "
                f"fit into sagemaker.transform.max_payload_mb ({max_payload_mb}): allow at most {most}, "
                "or a larger payload"
            )
