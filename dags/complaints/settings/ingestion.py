"""The section `ingestion` of `pipeline_config.yaml`: where the public export is, and what of it is classified."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from complaints.settings.limits import Count

# Plain HTTP only on this very machine, for a server of a test.
EXPORT_URL = r"^(https://[^/?#@\s]+|http://(127\.0\.0\.1|localhost)(:\d+)?)/[^?#\s]*[^/?#\s]$"
ComparedColumn = Literal[
    "date_received",
    "product",
    "sub_product",
    "issue",
    "sub_issue",
    "consumer_complaint_narrative",
    "company_public_response",
    "company",
    "state",
    "zip_code",
    "tags",
    "consumer_consent_provided",
    "submitted_via",
    "date_sent_to_company",
    "company_response_to_consumer",
    "timely_response",
    "consumer_disputed",
]


class Ingestion(BaseModel, extra="forbid", frozen=True):
    """The public export: its URL, when it is fetched, and which of its complaints count as changed."""

    url: Annotated[str, Field(pattern=EXPORT_URL)]
    daily_at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    first_export: Literal["all", "none"] | date
    compared_columns: Annotated[tuple[ComparedColumn, ...], Field(min_length=1)]
    max_batch_rows: Count
    connect_timeout_seconds: Count
    stall_timeout_seconds: Count
    max_tries: Annotated[int, Field(ge=1, le=20)]

    @property
    def cron(self) -> str:
        """The schedule of the DAG: `0 11 * * *`."""
        hour, minute = self.daily_at.split(":")
        return f"{int(minute)} {int(hour)} * * *"

    @property
    def schedule_expression(self) -> str:
        """The same as an EventBridge rule has it: `cron(0 11 * * ? *)`."""
        hour, minute = self.daily_at.split(":")
        return f"cron({int(minute)} {int(hour)} * * ? *)"
