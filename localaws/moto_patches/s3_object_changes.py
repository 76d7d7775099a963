"""S3 reports every write and deletion, so that the staged folders of running Glue jobs can be updated.

On AWS a script can put an object by boto3 and read it by Spark. moto 5.2.5 reports writes only to the targets in the
bucket's notification configuration, which belongs to the user.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3.models import S3Backend

from localaws.moto_patches.replacement import replaced


@contextmanager
def patches(changed: Callable[[str, str, bytes | None], None]) -> Iterator[None]:
    """Calls `changed` with bucket, key and content (None: deleted) after each change."""
    put, delete = S3Backend.put_object, S3Backend.delete_object

    def put_object(backend: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        key = put(backend, bucket_name, key_name, *arguments, **named)
        changed(bucket_name, key_name, key.value)
        return key

    def delete_object(backend: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        answer = delete(backend, bucket_name, key_name, *arguments, **named)
        if key_name not in backend.get_bucket(bucket_name).keys:
            changed(bucket_name, key_name, None)
        return answer

    with replaced(S3Backend, {"put_object": put_object, "delete_object": delete_object}):
        yield
