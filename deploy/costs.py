"""`python -m deploy.costs`: what runs cost on AWS by size, and each stack by the month, as Markdown.

By the prices and machines of `pipeline_config.yaml`; `--write` puts the tables into `docs/costs.md`, where the comments
are that begin and end them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from complaints.runs import costs
from complaints.settings import PipelineSettings, Prices, load_settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "costs.md"
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
TRAINING_SIZES = (10_000, 100_000, 1_000_000)
_HOURS_A_MONTH = 730
# Each interface endpoint is in both subnets.
_ZONES = 2
_BEGIN, _END = "<!-- costs -->\n", "<!-- end: costs -->"


class UnknownCostError(ValueError):
    """The settings have no price for their own machines; the message names it."""


def tables(settings: PipelineSettings) -> str:
    """The tables, and the line that says by which prices and machines.

    Raises:
        UnknownCostError: a price is missing.
    """
    glue, transform = settings.glue, settings.sagemaker.transform
    machines = f"{glue.number_of_workers} x {glue.worker_type}, {transform.instance_count} x {transform.instance_type}"
    prices = f"list prices of {settings.prices.region} on {settings.prices.as_of.isoformat()}"
    return "\n".join(
        [f"{machines}; {prices}.", "", *_runs(settings), "", *_trainings(settings), "", *_months(settings.prices), ""]
    )


def _runs(settings: PipelineSettings) -> Iterator[str]:
    yield "| complaints | Glue | batch transform | transitions and requests | a run, USD |"
    yield "|---|---|---|---|---|"
    for size in SIZES:
        usage = costs.of_classification(size, settings)
        cost = _cost(usage, settings.prices)
        parts, instances = cost["parts"], settings.sagemaker.transform.instance_count
        workers = settings.glue.number_of_workers * costs.DPU_A_WORKER[settings.glue.worker_type]
        glue = sum(usage.dpu_seconds.values()) / workers / 60
        transform = sum(usage.instance_seconds.values()) / instances / 60
        rest = parts["step_functions"] + parts["s3_requests"]
        yield (
            f"| {size:,} | {glue:.1f} min, {parts['glue']:.3f} | {transform:.1f} min, {parts['sagemaker']:.3f} "
            f"| {rest:.3f} | **{cost['usd']:.2f}** |"
        )


def _trainings(settings: PipelineSettings) -> Iterator[str]:
    yield "| complaints | Glue, USD | two fits and the evaluation, USD | a training, USD |"
    yield "|---|---|---|---|"
    for size in TRAINING_SIZES:
        cost = _cost(costs.of_training(size, settings), settings.prices)
        parts = cost["parts"]
        yield f"| {size:,} | {parts['glue']:.3f} | {parts['sagemaker']:.3f} | **{cost['usd']:.2f}** |"


def _cost(usage: costs.Usage, prices: Prices) -> dict[str, Any]:
    """The cost of a usage.

    Raises:
        UnknownCostError: a price is missing.
    """
    cost = costs.cost_of(usage, prices)
    if cost["without_price"]:
        raise UnknownCostError(f"the cost is {costs.sentence(cost)}")
    return cost


def _months(prices: Prices) -> Iterator[str]:
    alarms, dashboards = (
        _declared("monitoring", f"Type: AWS::CloudWatch::{kind}\n") for kind in ("Alarm", "Dashboard")
    )
    # CloudWatch charges for each metric that an alarm looks at.
    metrics = _declared("monitoring", "MetricName: ")
    endpoints = _ZONES * _declared("mwaa", "VpcEndpointType: Interface\n")
    hours = {name: getattr(prices, f"{name}_hour") * _HOURS_A_MONTH for name in ("mwaa", "nat_gateway", "vpc_endpoint")}
    yield "| stack, while nothing runs | USD a month |"
    yield "|---|---|"
    yield f"| `data` | {prices.s3_gb_month:g} a GB; {prices.kms_key_month:g} for the key, on request |"
    yield "| `roles`, `jobs`, `pipeline` | 0 |"
    yield (
        f"| `monitoring` | {metrics * prices.alarm_month:.2f} for {metrics} metrics of {alarms} alarms, "
        f"{dashboards * prices.dashboard_month:g} for the dashboard |"
    )
    yield f"| `dags`, with `mwaa` | {prices.s3_gb_month:g} a GB |"
    yield (
        f"| `mwaa`, on request | {hours['mwaa']:,.0f} for the environment, and {hours['nat_gateway']:,.0f} for its NAT "
        f"gateway or {endpoints * hours['vpc_endpoint']:,.0f} for {endpoints} endpoints |"
    )
    yield "| `quicksight`, on request | QuickSight's prices a user |"


def _declared(stack: str, text: str) -> int:
    """How often the template of a stack has this line."""
    return (ROOT / "infra" / f"{stack}.yaml").read_text(encoding="utf-8").count(text)


def written(page: str, content: str) -> str:
    """The page with this content between its two comments."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}{content}{_END}{rest.partition(_END)[2]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the tables, or writes them into the page."""
    parser = argparse.ArgumentParser(prog="python -m deploy.costs", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write them to {PAGE.name}")
    content = tables(load_settings().pipeline)
    if parser.parse_args(arguments).write:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), content), encoding="utf-8")
    else:
        print(content, end="")


if __name__ == "__main__":
    main()
