"""Persistence: S3 in `<state>/s3` and SageMaker models in `<state>/sagemaker` outlive their server."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from localaws.s3.persistence import PersistentObjects
from localaws.sagemaker.persistence import PersistentModels
from localaws.server.state_files import locked

READING = ("GET", "HEAD", "OPTIONS")
MESSAGE = "Local AWS cannot write to its state folder; see its log."
FAILED = f"<Error><Code>InternalError</Code><Message>{MESSAGE}</Message></Error>".encode()
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


@contextmanager
def persistent(state: Path, region: str, application: Application) -> Iterator[Application]:
    """Loads the state, and wraps the application so that each change is stored before it is answered.

    Raises:
        StateError: another server uses the folder, or a file of it cannot be read.
    """
    objects, models = PersistentObjects(state / "s3"), PersistentModels(state / "sagemaker", region)
    with locked(state), objects.patches():
        objects.load()
        models.load()
        try:
            yield _Persistent(application, objects, models)
        finally:
            objects.close()


class _Persistent:
    """WSGI: the changes of a request are on disk before it is answered."""

    def __init__(self, application: Application, objects: PersistentObjects, models: PersistentModels) -> None:
        self._application = application
        self._objects = objects
        self._models = models
        self._saving = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] in READING:
            return self._application(environ, start_response)
        head: list[tuple[Any, ...]] = []
        answer = self._application(environ, lambda *started: head.append(started))
        try:
            self._objects.save()
            with self._saving:
                self._models.save()
        except OSError:
            _log.exception("the changes of a request could not be written to the state folder")
            start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [FAILED]
        start_response(*head[-1])
        return answer
