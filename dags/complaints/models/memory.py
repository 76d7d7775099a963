"""Whether a training fits into the memory of its instance, before one is started that the system would kill."""

from __future__ import annotations

import re
from collections.abc import Mapping

from complaints.errors import FinalError

# `make bench-scale` (docs/benchmarks.md): the peak of a training that learns from a million narratives, and how it
# grows between 100,000 (1.9 GB) and 795,660 (11.1 GB), rounded up.
_GB_A_MILLION, _EXPONENT = 13.4, 0.83
_USABLE = 0.85  # the rest is the system's and the container's
# GB of memory for each vCPU by family, and vCPUs by size: https://aws.amazon.com/sagemaker/ai/pricing/
_GB_A_CPU = {"c": 2, "m": 4, "r": 8}
_CPUS = {"large": 2, "xlarge": 4} | {f"{n}xlarge": 4 * n for n in (2, 4, 8, 12, 16, 24)}


class TrainingTooLargeError(FinalError, MemoryError):
    """The narratives do not fit into the memory of the training's instance."""


def memory_gb(instance_type: str) -> int | None:
    """The memory of an instance of the families C, M and R in GB; None for any other."""
    found = re.fullmatch(r"ml\.([cmr])\d[a-z]*\.(\w+)", instance_type)
    return _GB_A_CPU[found[1]] * _CPUS[found[2]] if found and found[2] in _CPUS else None


def needed_gb(narratives: int) -> float:
    """The memory that a training on so many narratives takes at its peak."""
    return float(_GB_A_MILLION * (narratives / 1_000_000) ** _EXPONENT)


def check_memory(narratives: int, instances: Mapping[str, str]) -> None:
    """Refuses a training on so many narratives, after the cap of large classes, that its instance cannot hold.

    `instances` are types by the setting that names them.

    Raises:
        TrainingTooLargeError: the message says what it needs, and which type has it.
    """
    needed = needed_gb(narratives) / _USABLE
    for setting, instance_type in instances.items():
        has = memory_gb(instance_type)
        if has is not None and has < needed:
            larger = _larger(needed)
            remedy = f"set {setting} in pipeline_config.yaml to {larger}, " if larger else ""
            raise TrainingTooLargeError(
                f"{narratives:,} narratives to learn from need an instance with about {needed:,.0f} GB of memory, and "
                f"{instance_type} has {has} GB: {remedy}lower "
                "training.max_class_rows in model_config.yaml, or train on fewer years"
            )


def _larger(needed: float) -> str:
    """The smallest type of the family R5 with that much memory; empty where there is none."""
    return next((f"ml.r5.{size}" for size, cpus in _CPUS.items() if cpus * _GB_A_CPU["r"] >= needed), "")
