"""The section `prices` of `pipeline_config.yaml`: list prices, by which runs are estimated and recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field

Dollars = Annotated[float, Field(ge=0)]


class Prices(BaseModel, extra="forbid", frozen=True):
    """List prices in USD, without tax, discounts and free tiers, as they were on a day in a region."""

    as_of: date
    region: str
    # One price counts for every Glue version.
    glue_dpu_hour: Dollars | dict[Annotated[str, Field(pattern=r"^\d+\.\d+$")], Dollars]
    instance_hour: dict[Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")], Dollars]
    state_transitions_1000: Dollars
    s3_writes_1000: Dollars
    s3_reads_1000: Dollars
    mwaa_hour: Dollars
    nat_gateway_hour: Dollars
    vpc_endpoint_hour: Dollars
    alarm_month: Dollars
    dashboard_month: Dollars
    kms_key_month: Dollars
    s3_gb_month: Dollars

    def dpu_hours(self, versions: Iterable[str]) -> dict[str, float]:
        """The price of a DPU-hour by Glue version, of those that have one."""
        if isinstance(self.glue_dpu_hour, float):
            return dict.fromkeys(versions, self.glue_dpu_hour)
        return {each: self.glue_dpu_hour[each] for each in versions if each in self.glue_dpu_hour}
