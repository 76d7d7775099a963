"""Environments: what `config/<name>.yaml` says differs from `pipeline_config.yaml`, and what belongs to the account.

An environment's file is small. Its section `deployment` is for `make deploy` only: the optional stacks, and parameters
of any stack by the names in its template. All else replaces values of `pipeline_config.yaml`. Bucket, roles, topic,
queue and job names are in no file of the repository: they are outputs of the environment's stacks.

A release has exactly one active file: `environment.yaml`, written when it is deployed, from both. DAG files are parsed
where there is no environment variable to choose a file by (MWAA) and no network to ask, so the choice is made before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from complaints.settings import CONFIG, PipelineSettings, load_pipeline
from complaints.settings.loading import ENVIRONMENT, LOCAL, OF_EVERY_ENVIRONMENT, overlaid
from deploy.errors import EnvironmentFileError

PROJECT = "ptmlops"
# They cost money while nothing runs.
OPTIONAL_STACKS = ("mwaa", "quicksight")
_NAME = re.compile(r"[a-z][a-z0-9-]{1,11}")
_NO_ENVIRONMENTS = (*OF_EVERY_ENVIRONMENT, LOCAL, ENVIRONMENT)


@dataclass(frozen=True)
class Environment:
    """An environment: the values that replace those of the pipeline, and how its stacks differ."""

    name: str
    values: Mapping[str, Any]
    optional_stacks: tuple[str, ...] = ()
    parameters: Mapping[str, Mapping[str, str]] | None = None

    @property
    def prefix(self) -> str:
        """What the names of its stacks and resources begin with."""
        return f"{PROJECT}-{self.name}"

    @property
    def mwaa(self) -> str:
        """The name of its MWAA environment, by infra/mwaa.yaml; empty if it has none."""
        return self.prefix if "mwaa" in self.optional_stacks else ""

    def parameters_of(self, stack: str) -> dict[str, str]:
        """The parameters that the environment's file gives to a stack."""
        return dict((self.parameters or {}).get(stack, {}))

    def settings(self, outputs: Mapping[str, Any] | None = None, config: Path = CONFIG) -> PipelineSettings:
        """The pipeline's settings in this environment.

        `outputs`: values in the shape of `pipeline_config.yaml` that come from the stacks; what is not in them yet has
        its stand-in.

        Raises:
            SettingsError: a key or a value of the environment's file is not allowed.
        """
        made = overlaid(self.stand_ins(), outputs or {})
        return load_pipeline(config, {f"{self.name}.yaml": self.values, "the outputs of the stacks": made})

    def stand_ins(self) -> dict[str, Any]:
        """Values of no account for what the stacks will make, by which settings are valid before there are stacks."""
        account = "0" * 12
        made = {
            f"{name}_role_arn": f"arn:aws:iam::{account}:role/{self.prefix}-{name}" for name in ("glue", "sagemaker")
        }
        topic = f"arn:aws:sns:us-east-1:{account}:{self.prefix}-alerts"
        aws = {**made, "alerts_topic_arn": topic, "mwaa_environment": self.mwaa}
        return {"storage": {"bucket": f"{self.prefix}-stand-in"}, "aws": aws}

    def active_file(self, outputs: Mapping[str, Any]) -> bytes:
        """The content of `environment.yaml` in a deployed release; the same values give the same bytes."""
        text = yaml.safe_dump(overlaid(self.values, outputs), sort_keys=True)
        return f"# Written by `make deploy ENV={self.name}`.\n{text}".encode()


def environment_names(config: Path = CONFIG) -> list[str]:
    """The environments that have a file."""
    return sorted(path.stem for path in config.glob("*.yaml") if path.name not in _NO_ENVIRONMENTS)


def load_environment(name: str, config: Path = CONFIG) -> Environment:
    """The environment of `config/<name>.yaml`.

    Raises:
        EnvironmentFileError: there is no such file, or it is not what an environment's file may be.
    """
    path = config / f"{name}.yaml"
    if not _NAME.fullmatch(name) or path.name in _NO_ENVIRONMENTS or not path.exists():
        raise EnvironmentFileError(
            f"{name!r} is no environment; there are: {', '.join(environment_names(config)) or 'none'}. For a new one, "
            f"write {path.parent.name}/<name>.yaml: a lower-case letter, then up to 11 of a-z, 0-9 and -"
        )
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise EnvironmentFileError(f"{path.name}: not YAML: {error}") from error
    if not isinstance(content, Mapping):
        raise EnvironmentFileError(f"{path.name}: a mapping was expected, not {type(content).__name__}")
    deployment = content.get("deployment") or {}
    values = {key: value for key, value in content.items() if key != "deployment"}
    return Environment(name, values, *_deployment(path.name, deployment))


def _deployment(file: str, section: Any) -> tuple[tuple[str, ...], dict[str, dict[str, str]]]:
    known = ("optional_stacks", "parameters")
    if not isinstance(section, Mapping) or (unknown := sorted({*section} - {*known})):
        found = ", ".join(unknown) if isinstance(section, Mapping) else type(section).__name__
        raise EnvironmentFileError(f"{file}: deployment: {found}: it has {' and '.join(known)}")
    optional = tuple(section.get("optional_stacks") or ())
    if unknown := [each for each in optional if each not in OPTIONAL_STACKS]:
        choice = " and ".join(OPTIONAL_STACKS)
        raise EnvironmentFileError(f"{file}: deployment.optional_stacks: {', '.join(unknown)}: there are {choice}")
    parameters = {
        stack: {name: _text(value) for name, value in (values or {}).items()}
        for stack, values in (section.get("parameters") or {}).items()
    }
    return optional, parameters


def _text(value: Any) -> str:
    """A parameter as CloudFormation takes it: text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
