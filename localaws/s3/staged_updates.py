"""What changes in S3 while Glue jobs run changes in the folders that their Spark takes for S3, too, as on AWS.

A script may put an object by boto3, and read it by Spark.
"""

from threading import Lock

from localaws.jobs.job import InputError
from localaws.s3.staging import Stage
from localaws.s3.storage import Place


class RunningStages:
    """The stages of the jobs that run."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []
        self._lock = Lock()

    def object_changed(self, bucket: str, key: str, content: bytes | None) -> None:
        """Take an object's new content, or its deletion (None), over into the stages that see it."""
        one = Place(bucket, key)
        for stage in self._concerned(one):
            stage.take_over(one, content)

    def add(self, stage: Stage) -> None:
        """From now on the stage is kept up to date."""
        with self._lock:
            self._stages.append(stage)

    def remove(self, stage: Stage) -> None:
        """From now on it is not, if it was."""
        with self._lock:
            self._stages = [each for each in self._stages if each is not stage]

    def _concerned(self, one: Place) -> list[Stage]:
        with self._lock:
            # A job that was given up has taken its folder along.
            self._stages = [stage for stage in self._stages if stage.root.exists()]
            return [stage for stage in self._stages if stage.covers(one) and _can_be_a_path(stage, one)]


def _can_be_a_path(stage: Stage, one: Place) -> bool:
    try:
        path = stage.path(one)
    except InputError:
        return False
    return not one.key.endswith("/") and not path.is_dir()
