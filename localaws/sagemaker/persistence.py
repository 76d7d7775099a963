"""SageMaker's models in a folder, one JSON file each: a batch transform needs the model that a training registered."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.sagemaker.models import Model, sagemaker_backends

from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json
from localaws.server.state_files import UNFINISHED, check_format, read_json, remove, unreadable, write_json

MEMBERS = ("execution_role_arn", "primary_container", "vpc_config", "containers", "tags")


class KeptModels:
    """The models of a region, and the folder that they are kept in."""

    def __init__(self, folder: Path, region: str) -> None:
        self._folder = folder
        self._region = region
        self._kept: dict[str, Json] = {}

    @property
    def _models(self) -> dict[str, Any]:
        models: dict[str, Any] = sagemaker_backends[ACCOUNT][self._region]._models
        return models

    def load(self) -> None:
        """Gives moto what the folder holds.

        Raises:
            StateError: a file of it cannot be read.
        """
        check_format(self._folder)
        (self._folder / "models").mkdir(exist_ok=True)
        made: Any = Model
        for file in sorted((self._folder / "models").iterdir()):
            if file.name.endswith(UNFINISHED):
                file.unlink()
                continue
            told = read_json(file, self._folder)
            try:
                model = made(ACCOUNT, self._region, told["name"], **told["model"])
                model.creation_time = datetime.fromisoformat(told["created"])
            except (KeyError, TypeError, ValueError) as error:
                raise unreadable(file, self._folder, f"{type(error).__name__}: {error}") from None
            self._models[told["name"]] = model
            self._kept[told["name"]] = told

    def save(self) -> None:
        """Writes what has changed: to be called before a request is answered, by one thread at a time."""
        models = dict(self._models)
        for name, model in models.items():
            told = {
                "name": name,
                "created": model.creation_time.isoformat(),
                "model": {each: getattr(model, each) for each in MEMBERS},
            }
            if told != self._kept.get(name):
                write_json(self._file(name), told)
                self._kept[name] = told
        for name in self._kept.keys() - models.keys():
            remove(self._file(name))
            del self._kept[name]

    def _file(self, name: str) -> Path:
        # moto takes names that no file may have.
        return self._folder / "models" / f"{hashlib.sha256(name.encode()).hexdigest()}.json"
