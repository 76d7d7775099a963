"""Persistence of SageMaker models, one JSON file each: a batch transform needs the model of an earlier training."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.sagemaker.models import Model, sagemaker_backends

from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json
from localaws.server.state_files import UNFINISHED, check_format, read_json, remove, unreadable, write_json

MEMBERS = ("execution_role_arn", "primary_container", "vpc_config", "containers", "tags")


class PersistentModels:
    """The models of a region, stored in a folder."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._stored: dict[str, Json] = {}

    @property
    def _models(self) -> dict[str, Any]:
        models: dict[str, Any] = sagemaker_backends[ACCOUNT][self._region]._models
        return models

    def load(self) -> None:
        """Loads the folder into moto.

        Raises:
            StateError: a file cannot be read.
        """
        check_format(self._folder)
        (self._folder / "models").mkdir(exist_ok=True)
        made: Any = Model
        for file in sorted((self._folder / "models").iterdir()):
            if file.name.endswith(UNFINISHED):
                file.unlink()
                continue
            stored = read_json(file, self._folder)
            try:
                model = made(ACCOUNT, self._region, stored["name"], **stored["model"])
                model.creation_time = datetime.fromisoformat(stored["created"])
            except (KeyError, TypeError, ValueError) as error:
                raise unreadable(file, self._folder, f"{type(error).__name__}: {error}") from None
            self._models[stored["name"]] = model
            self._stored[stored["name"]] = stored

    def save(self) -> None:
        """Writes the changes; to be called before a request is answered, by one thread at a time."""
        models = dict(self._models)
        for name, model in models.items():
            stored = {
                "name": name,
                "created": model.creation_time.isoformat(),
                "model": {each: getattr(model, each) for each in MEMBERS},
            }
            if stored != self._stored.get(name):
                write_json(self._file(name), stored)
                self._stored[name] = stored
        for name in self._stored.keys() - models.keys():
            remove(self._file(name))
            del self._stored[name]

    def _file(self, name: str) -> Path:
        # moto accepts names that a file cannot have.
        return self._folder / "models" / f"{hashlib.sha256(name.encode()).hexdigest()}.json"
