"""Changes in S3 while Glue jobs run, applied to their staged folders: a script can put by boto3 and read by Spark."""

from threading import Lock

from localaws.jobs.job import InputError
from localaws.s3.staging import S3Staging
from localaws.s3.storage import Place


class StagedUpdates:
    """The staging of every running job."""

    def __init__(self) -> None:
        self._running: list[S3Staging] = []
        self._lock = Lock()

    def object_changed(self, bucket: str, key: str, content: bytes | None) -> None:
        """Apply an object's new content, or its deletion (None), for the jobs that see it."""
        one = Place(bucket, key)
        for staging in self._affected(one):
            staging.update(one, content)

    def add(self, staging: S3Staging) -> None:
        """Keep a job's staging up to date from now on."""
        with self._lock:
            self._running.append(staging)

    def remove(self, staging: S3Staging) -> None:
        """Stop updating a job's staging."""
        with self._lock:
            self._running = [each for each in self._running if each is not staging]

    def _affected(self, one: Place) -> list[S3Staging]:
        with self._lock:
            # The folder of an abandoned job is gone.
            self._running = [each for each in self._running if each.root.exists()]
            return [each for each in self._running if each.covers(one) and _can_be_a_file(each, one)]


def _can_be_a_file(staging: S3Staging, one: Place) -> bool:
    try:
        path = staging.path(one)
    except InputError:
        return False
    return not one.key.endswith("/") and not path.is_dir()
