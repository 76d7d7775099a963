"""A state folder that outlives its server: S3 in `<state>/s3`, the models of SageMaker in `<state>/sagemaker`."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from localaws.s3.persistence import KeptS3
from localaws.sagemaker.persistence import KeptModels
from localaws.server.state_files import locked

READING = ("GET", "HEAD", "OPTIONS")
SAID = "local AWS cannot write to its state folder: its log says why"
FAILED = f"<Error><Code>InternalError</Code><Message>{SAID}</Message></Error>".encode()
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_log = logging.getLogger(__name__)


@contextmanager
def kept(state: Path, region: str, application: Application) -> Iterator[Application]:
    """The application, which inside of the block has what the folder holds, and writes there before it answers.

    Raises:
        StateError: another server uses the folder, or a file of it cannot be read.
    """
    objects, models = KeptS3(state / "s3"), KeptModels(state / "sagemaker", region)
    with locked(state), objects.patches():
        objects.load()
        models.load()
        yield _Kept(application, objects, models)


class _Kept:
    """WSGI: what a request changed is on disk before its answer leaves."""

    def __init__(self, application: Application, objects: KeptS3, models: KeptModels) -> None:
        self._application = application
        self._objects = objects
        self._models = models
        self._saving = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        if environ["REQUEST_METHOD"] in READING:
            return self._application(environ, start_response)
        head: list[tuple[Any, ...]] = []
        answer = self._application(environ, lambda *told: head.append(told))
        try:
            self._objects.save()
            with self._saving:
                self._models.save()
        except OSError:
            _log.exception("what a request changed is not in the state folder")
            start_response("500 Internal Server Error", [("Content-Type", "application/xml")])
            return [FAILED]
        start_response(*head[-1])
        return answer
