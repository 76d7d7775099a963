"""Loading the settings: the YAML files, validated; DAG files do nothing else when they are parsed.

`environment.yaml` is optional and not in the repository: whoever deploys the DAGs to an environment may put it beside
`pipeline_config.yaml`, to replace some of its values there.

A wrong file raises `SettingsError`. Its message names the file, the key, the value found and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from complaints.settings.model import ModelSettings
from complaints.settings.pipeline import PipelineSettings

CONFIG = Path(__file__).parents[1] / "config"
PIPELINE, MODEL, ENVIRONMENT = "pipeline_config.yaml", "model_config.yaml", "environment.yaml"
# What looks for hyperparameters, decides about a model, or looks at it, changes no result of a model that serves.
_OF_RESULTS = {"labels", "split", "training", "review_below"}
SectionT = TypeVar("SectionT", bound=BaseModel)


class SettingsError(ValueError):
    """A configuration file that cannot be used; the message says which key is wrong, and what is allowed."""


class Settings(BaseModel, extra="forbid", frozen=True):
    """Both configuration files."""

    pipeline: PipelineSettings
    model: ModelSettings

    def fingerprint(self) -> str:
        """Sixteen hex digits that change with every setting that affects results; part of every run id.

        The machines and the waiting do not affect results, so the same input gives the same run on other machines. The
        gate is a part of the id of trainings only, and the tuning only of those with the parameter `tune`.
        """
        parts = (self.pipeline.limits.of_reading(), self.pipeline.results.model_dump())
        affecting = self.model.model_dump_json(include=_OF_RESULTS) + "".join(
            json.dumps(part, sort_keys=True) for part in parts
        )
        return hashlib.sha256(affecting.encode()).hexdigest()[:16]


def load_settings(folder: Path = CONFIG) -> Settings:
    """Both configuration files of `folder`, with the values of its `environment.yaml` in place of the pipeline's.

    Raises:
        SettingsError: a file is absent, is not YAML, or has a key or a value that is not allowed.
    """
    pipeline, name = _content(folder / PIPELINE), PIPELINE
    if (folder / ENVIRONMENT).exists():
        pipeline, name = _overlaid(pipeline, _content(folder / ENVIRONMENT)), f"{PIPELINE} with {ENVIRONMENT}"
    return Settings(
        pipeline=_section(PipelineSettings, pipeline, name),
        model=_section(ModelSettings, _content(folder / MODEL), MODEL),
    )


def _content(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path.name}: not found in {path.parent}; every environment needs one") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not YAML: {error}") from error


def _overlaid(base: Any, values: Any) -> Any:
    """`base` with each of the nested `values` in the place of its own."""
    if not (isinstance(base, Mapping) and isinstance(values, Mapping)):
        return values
    return {**base, **{key: _overlaid(base.get(key), value) for key, value in values.items()}}


def _section(kind: type[SectionT], content: Any, name: str) -> SectionT:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_explained(name, error)) from None


def _explained(name: str, error: ValidationError) -> str:
    """A line for each problem: `pipeline_config.yaml: glue.timeout_minutes: 0: Input should be ... 1`."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the whole file)"
        # A check across sections has no single value to show.
        found = "" if problem["type"] in ("missing", "value_error") else f" {problem['input']!r}:"
        problems.append(f"{name}: {key}:{found} {problem['msg']}")
    return "\n".join(problems)
