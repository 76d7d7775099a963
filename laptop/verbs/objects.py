"""`make ls`, `make get`, `make put` and `make rm`: the objects in the bucket of a running `make up`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from complaints.settings import load_settings
from laptop.inputs import InputError, refused_characters
from laptop.servers.aws import AwsAt, running_aws
from laptop.servers.processes import ServerError
from laptop.servers.state import State
from laptop.terminal import printable, write

_NEAR = 3  # keys in the message about one that is not there


class Objects:
    """The bucket of an environment. Names are never read by a shell: they may hold any character."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def ls(self, prefix: str = "") -> Iterator[str]:
        """A line for each object whose key begins with `prefix`: bytes, time and key; then their number and size."""
        count = size = 0
        for each in self._listed(prefix):
            count, size = count + 1, size + each["Size"]
            yield f"{each['Size']:>14,}  {each['LastModified']:%Y-%m-%d %H:%M:%S}  {each['Key']}"
        yield f"{count:,} objects, {size:,} bytes, under s3://{self._bucket}/{prefix}"

    def get(self, key: str, file: str = "") -> str:
        """Downloads an object to `file`, a path or a folder; into the current folder under its own name by default.

        Raises:
            InputError: there is no such object, or a file of that name exists already.
        """
        self._check_exists(key)
        target = Path(file) if file else Path(key.rpartition("/")[2])
        target = target / key.rpartition("/")[2] if target.is_dir() else target
        if target.exists():
            raise InputError(f"{target} exists already; name another file: FILE=")
        self._s3.download_file(self._bucket, key, str(target))
        return f"s3://{self._bucket}/{key} → {target}"

    def put(self, file: str, key: str) -> str:
        """Uploads a file as `key`, or below it if it ends in `/`.

        Raises:
            InputError: there is no such file, or no flow could read an object of that name.
        """
        path = Path(file)
        if not file or not path.is_file():
            raise InputError(f"{file or 'FILE='}: no such file; name one: make put FILE=complaints.csv KEY=raw/")
        key = f"{key}{path.name}" if key.endswith("/") else key
        if refused := refused_characters(key):
            raise InputError(f"{key}: no flow accepts a key with {' '.join(refused)}; name another one: KEY=")
        self._s3.upload_file(str(path), self._bucket, key)
        return f"{path} → s3://{self._bucket}/{key}"

    def rm(self, key: str) -> str:
        """Removes one object.

        Raises:
            InputError: there is no such object.
        """
        self._check_exists(key)
        self._s3.delete_object(Bucket=self._bucket, Key=key)
        return f"removed s3://{self._bucket}/{key}"

    def _check_exists(self, key: str) -> None:
        if not key:
            raise InputError("name an object: KEY=raw/complaints.csv; make ls lists them")
        try:
            self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise
            near = [each["Key"] for each, _ in zip(self._listed(key), range(_NEAR), strict=False)]
            hint = f"; there are {', '.join(near)}" if near else "; make ls lists all"
            raise InputError(f"s3://{self._bucket}/{key}: no such object{hint}") from None

    def _listed(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        return (each for page in pages for each in page.get("Contents", []))


def aws_of(state: State) -> AwsAt:
    """The local AWS of the running `make up`.

    Raises:
        ServerError: it is not running, or not ready yet.
    """
    running = state.holder()
    if running is None or not running.ready:
        raise ServerError(f"make up is not {'ready' if running else 'running'} with {state.folder}; start it: make up")
    return running_aws(running.endpoint, load_settings().pipeline.aws.region, state.aws)


def objects_of(state: State) -> Objects:
    """The bucket of the running `make up`.

    Raises:
        ServerError: it is not running, or not ready yet.
    """
    return Objects(aws_of(state).client("s3"), load_settings().pipeline.storage.bucket)


def objects(state: State, verb: str, key: str, file: str) -> None:
    """Runs `ls`, `get`, `put` or `rm`; by default `put` uploads to where complaints are classified."""
    found = objects_of(state)
    if verb == "ls":
        for line in found.ls(key):
            write(printable(line))
    elif verb == "get":
        write(printable(found.get(key, file)))
    elif verb == "put":
        write(printable(found.put(file, key or load_settings().pipeline.storage.raw)))
    else:
        write(printable(found.rm(key)))
