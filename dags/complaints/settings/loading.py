"""Loading the settings: both YAML files, validated; DAG files do nothing else when they are parsed.

A wrong file raises `SettingsError`. Its message names the file, the key, the value found and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from complaints.settings.model import ModelSettings
from complaints.settings.pipeline import PipelineSettings

CONFIG = Path(__file__).parents[1] / "config"
SectionT = TypeVar("SectionT", bound=BaseModel)


class SettingsError(ValueError):
    """A configuration file that cannot be used; the message says which key is wrong, and what is allowed."""


class Settings(BaseModel, extra="forbid", frozen=True):
    """Both configuration files."""

    pipeline: PipelineSettings
    model: ModelSettings

    def fingerprint(self) -> str:
        """Sixteen hex digits that change with every setting that affects results; part of every run id.

        The machines and the waiting do not affect results, so the same input gives the same run on other machines.
        """
        affecting = self.model.model_dump_json() + json.dumps(self.pipeline.limits.of_reading(), sort_keys=True)
        return hashlib.sha256(affecting.encode()).hexdigest()[:16]


def load_settings(folder: Path = CONFIG) -> Settings:
    """Both configuration files of `folder`.

    Raises:
        SettingsError: a file is absent, is not YAML, or has a key or a value that is not allowed.
    """
    pipeline = _section(PipelineSettings, folder / "pipeline_config.yaml")
    model = _section(ModelSettings, folder / "model_config.yaml")
    return Settings(pipeline=pipeline, model=model)


def _section(kind: type[SectionT], path: Path) -> SectionT:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path.name}: not found in {path.parent}; every environment needs one") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not YAML: {error}") from error
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_explained(path.name, error)) from None


def _explained(name: str, error: ValidationError) -> str:
    """A line for each problem: `pipeline_config.yaml: glue.timeout_minutes: 0: Input should be ... 1`."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the whole file)"
        # A check across sections has no single value to show.
        found = "" if problem["type"] in ("missing", "value_error") else f" {problem['input']!r}:"
        problems.append(f"{name}: {key}:{found} {problem['msg']}")
    return "\n".join(problems)
