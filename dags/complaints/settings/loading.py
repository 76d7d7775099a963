"""Loading the settings: the YAML files, validated; DAG files do nothing else when they are parsed.

`pipeline_config.yaml` names no account. What belongs to one (bucket, roles, topic, queue) comes from a second file: a
deployed release has `environment.yaml`, and the repository `local.yaml`, for local AWS. Where both are, as in the copy
of the DAGs that `make run` makes, `environment.yaml` has the last word.

A wrong file raises `SettingsError`. Its message names the file, the key, the value found and what is allowed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from complaints.settings.model import ModelSettings
from complaints.settings.pipeline import PipelineSettings

CONFIG = Path(__file__).parents[1] / "config"
PIPELINE, MODEL = "pipeline_config.yaml", "model_config.yaml"
LOCAL, ENVIRONMENT = "local.yaml", "environment.yaml"
IMAGES = "images.yaml"
# What every release has, whatever its environment.
OF_EVERY_ENVIRONMENT = (PIPELINE, MODEL, IMAGES)
# What looks for hyperparameters, decides about a model, or looks at it, changes no result of a model that serves.
_OF_RESULTS = {"labels", "split", "training", "review_below"}
# libyaml, which PyYAML's wheels have, is eight times as fast.
_YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
        parts = (self.pipeline.of_reading(), self.pipeline.results.model_dump())
        asked = _OF_RESULTS | ({"issues"} if self.model.issues.predict else set())
        affecting = self.model.model_dump_json(include=asked) + "".join(
            json.dumps(part, sort_keys=True) for part in parts
        )
        return hashlib.sha256(affecting.encode()).hexdigest()[:16]


def load_settings(folder: Path = CONFIG) -> Settings:
    """The settings in `folder`.

    Raises:
        SettingsError: a file is absent, is not YAML, or has a key or a value that is not allowed.
    """
    return Settings(
        pipeline=load_pipeline(folder),
        model=_section(ModelSettings, {MODEL: _content(folder / MODEL)}),
    )


def load_pipeline(folder: Path = CONFIG, active: Mapping[str, Any] | None = None) -> PipelineSettings:
    """The settings of the pipeline in the environment that is active in `folder`, or in another one.

    `active`: the values of that other one on top of one another, each with a name for messages. Nothing of the active
    files of `folder`, such as local AWS's, is in its settings.

    Raises:
        SettingsError: as `load_settings`.
    """
    if active is None:
        active = {name: _content(folder / name) for name in (LOCAL, ENVIRONMENT) if (folder / name).exists()}
    if not active:
        raise SettingsError(f"{ENVIRONMENT}: not found in {folder}; a deployment writes it")
    return _section(PipelineSettings, {PIPELINE: _content(folder / PIPELINE), **active})


def _content(path: Path) -> Any:
    try:
        return _parsed(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path.name}: not found in {path.parent}; every environment needs one") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path.name}: not YAML: {error}") from error


@lru_cache(maxsize=16)
def _parsed(text: str) -> Any:
    """The content of a YAML file, for reading only: a parse of a DAG file loads the settings several times."""
    return yaml.load(text, _YAML)


def overlaid(base: Any, values: Any) -> Any:
    """`base` with each of the nested `values` in the place of its own."""
    if not (isinstance(base, Mapping) and isinstance(values, Mapping)):
        return values
    return {**base, **{key: overlaid(base.get(key), value) for key, value in values.items()}}


def _section(kind: type[SectionT], layers: Mapping[str, Any]) -> SectionT:
    """The content of these files on top of one another, validated."""
    content: Any = {}
    for values in layers.values():
        content = overlaid(content, values)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise SettingsError(_explained(layers, error)) from None


def _explained(layers: Mapping[str, Any], error: ValidationError) -> str:
    """A line for each problem: `pipeline_config.yaml: glue.timeout_minutes: 0: Input should be ... 1`."""
    problems = []
    for problem in error.errors():
        key = ".".join(str(part) for part in problem["loc"]) or "(the whole file)"
        # A check across sections has no single value to show.
        found = "" if problem["type"] in ("missing", "value_error") else f" {problem['input']!r}:"
        problems.append(f"{_origin(layers, problem['loc'])}: {key}:{found} {problem['msg']}")
    return "\n".join(problems)


def _origin(layers: Mapping[str, Any], place: Sequence[int | str]) -> str:
    """The last file that has something at this place; the first one, if none has."""
    names = list(layers)
    return next((name for name in reversed(names) if place and _has(layers[name], place)), names[0])


def _has(content: Any, place: Sequence[int | str]) -> bool:
    for part in place:
        if isinstance(content, Sequence) and isinstance(part, int):
            content = dict(enumerate(content))
        if not isinstance(content, Mapping) or part not in content:
            return False
        content = content[part]
    return True
