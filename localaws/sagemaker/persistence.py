"""Persistence of SageMaker models and the Model Registry, one JSON file each: later runs need those of earlier ones."""

import hashlib
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.sagemaker.models import Model, ModelPackage, ModelPackageGroup, sagemaker_backends

from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json
from localaws.server.state_files import UNFINISHED, check_format, read_json, remove, unreadable, write_json

MODEL = ("execution_role_arn", "primary_container", "vpc_config", "containers", "tags")
GROUP = ("model_package_group_description", "tags")
# What ModelPackage is made from, besides account and region.
PACKAGE = (
    "model_package_name",
    "model_package_group_name",
    "model_package_version",
    "model_package_description",
    "inference_specification",
    "source_algorithm_specification",
    "validation_specification",
    "certify_for_marketplace",
    "model_approval_status",
    "metadata_properties",
    "model_metrics",
    "approval_description",
    "customer_metadata_properties",
    "drift_check_baselines",
    "domain",
    "task",
    "sample_payload_url",
    "additional_inference_specifications",
    "client_token",
    "model_package_type",
    "tags",
)


@dataclass(frozen=True)
class Kind:
    """A kind of resources: its folder, its members, the constructor of one, and all of them in moto's backend."""

    folder: str
    members: tuple[str, ...]
    made: Callable[[str, str, Json], Any]
    all_of: Callable[[Any], dict[str, Any]]
    is_updated: bool = False


def _model(region: str, name: str, members: Json) -> Any:
    make: Any = Model
    return make(ACCOUNT, region, name, **members)


def _group(region: str, name: str, members: Json) -> Any:
    make: Any = ModelPackageGroup
    return make(name, account_id=ACCOUNT, region_name=region, **members)


def _package(region: str, name: str, members: Json) -> Any:
    make: Any = ModelPackage
    made = make(account_id=ACCOUNT, region_name=region, **members)
    if made.arn != name:
        raise ValueError(f"a package with the ARN {made.arn}, not {name}")
    return made


KINDS = (
    Kind("models", MODEL, _model, lambda backend: backend._models),
    Kind("model_package_groups", GROUP, _group, lambda backend: backend.model_package_groups),
    Kind("model_packages", PACKAGE, _package, lambda backend: backend.model_packages, is_updated=True),
)


class PersistentModels:
    """The models and model packages of a region, stored in a folder."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._stored: dict[Path, Json] = {}

    def load(self) -> None:
        """Loads the folder into moto.

        Raises:
            StateError: a file cannot be read.
        """
        check_format(self._folder)
        for kind in KINDS:
            (self._folder / kind.folder).mkdir(exist_ok=True)
            for file in sorted((self._folder / kind.folder).iterdir()):
                if file.name.endswith(UNFINISHED):
                    file.unlink()
                else:
                    self._load(kind, file)
        # moto finds a package by its ARN, and the newest of a group by the group's name.
        packages = sorted(self._backend.model_packages.values(), key=lambda package: package.creation_time)
        for package in packages:
            self._backend.model_package_name_mapping |= dict.fromkeys(
                (package.model_package_name, package.arn), package.arn
            )

    def save(self) -> None:
        """Writes the changes; to be called before a request is answered, by one thread at a time."""
        found = {self._file(kind, name): _record(kind, name, each) for kind, name, each in self._all()}
        for file, record in found.items():
            if record != self._stored.get(file):
                write_json(file, record)
                self._stored[file] = record
        for file in self._stored.keys() - found.keys():
            remove(file)
            del self._stored[file]

    @property
    def _backend(self) -> Any:
        return sagemaker_backends[ACCOUNT][self._region]

    def _all(self) -> list[tuple[Kind, str, Any]]:
        return [(kind, name, each) for kind in KINDS for name, each in dict(kind.all_of(self._backend)).items()]

    def _load(self, kind: Kind, file: Path) -> None:
        stored = read_json(file, self._folder)
        try:
            # The member is called "model" for every kind, as in the files of earlier releases.
            made = kind.made(self._region, stored["name"], stored["model"])
            made.creation_time = datetime.fromisoformat(stored["created"])
            if changed := stored.get("changed"):
                made.modifications_done()
                made.last_modified_time = datetime.fromisoformat(changed)
        except (KeyError, TypeError, ValueError) as error:
            raise unreadable(file, self._folder, f"{type(error).__name__}: {error}") from None
        kind.all_of(self._backend)[stored["name"]] = made
        self._stored[file] = stored

    def _file(self, kind: Kind, name: str) -> Path:
        # moto accepts names that a file cannot have.
        return self._folder / kind.folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def _record(kind: Kind, name: str, resource: Any) -> Json:
    changed = resource.last_modified_time if kind.is_updated else None
    return {
        "name": name,
        "created": resource.creation_time.isoformat(),
        # A copy: moto changes some of them in place.
        "model": deepcopy({each: getattr(resource, each) for each in kind.members}),
    } | ({"changed": changed.isoformat()} if changed else {})
