"""What changes in S3 while Glue jobs run changes in the folders that their Spark takes for S3, too, as on AWS.

A script may put an object by boto3, and read it by Spark.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock
from typing import Any

from localaws.jobs.job import InputError
from localaws.moto_patches.patch import replaced
from localaws.s3.staging import Stage
from localaws.s3.storage import Place


class RunningStages:
    """The stages of the jobs that run."""

    def __init__(self) -> None:
        self._stages: list[Stage] = []
        self._lock = Lock()

    @contextmanager
    def mends(self) -> Iterator[None]:
        """moto's S3, which tells us of each change for as long as the block lasts."""
        # Not above: this part of moto looks at the shell's AWS profile while it is imported.
        from moto.s3.models import S3Backend  # noqa: PLC0415

        put, delete = S3Backend.put_object, S3Backend.delete_object

        def put_object(backend: Any, bucket_name: str, key_name: str, *rest: Any, **more: Any) -> Any:
            key = put(backend, bucket_name, key_name, *rest, **more)
            for stage in self._concerned(Place(bucket_name, key_name)):
                stage.take_over(Place(bucket_name, key_name), key.value)
            return key

        def delete_object(backend: Any, bucket_name: str, key_name: str, *rest: Any, **more: Any) -> Any:
            answer = delete(backend, bucket_name, key_name, *rest, **more)
            if key_name not in backend.get_bucket(bucket_name).keys:
                for stage in self._concerned(Place(bucket_name, key_name)):
                    stage.take_over(Place(bucket_name, key_name), None)
            return answer

        with ExitStack() as stack:
            stack.enter_context(replaced(S3Backend, "put_object", put_object))
            stack.enter_context(replaced(S3Backend, "delete_object", delete_object))
            yield

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
