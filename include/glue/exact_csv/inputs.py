"""Opens an input by its URI's scheme, as one stream of bytes: `s3://` through boto3, `file://` and paths as files.

The one module of `include/` that knows boto3, which every Glue worker has. Spark's own sources cannot say which version
of an object they read, and split, join or guess at what is not plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as AwsConnectionError

# The errors of a connection that breaks in the middle of an object, botocore's and Python's.
_BROKEN = (HTTPClientError, IncompleteReadError, AwsConnectionError, ConnectionError, TimeoutError)
_TRIES = 20  # of one object: even 12 GB through a bad line come to an end


class InputRefusedError(Exception):
    """An input cannot be read to its end, however often it is tried; the message is the reason."""


@dataclass(frozen=True)
class Input:
    """One input of the plan. `etag` is what it must still have, `version` its VersionId where the bucket keeps any.

    `size` is that of the plan, in bytes; 0 where it is not known.
    """

    uri: str
    etag: str = ""
    version: str = ""
    size: int = 0


class ByteStream(Protocol):
    """Bytes that come in order; `size` is how many are stored."""

    size: int

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end."""

    def tail(self, size: int, /) -> bytes:
        """The last `size` bytes, whatever was read."""

    def close(self) -> None:
        """Ends it."""


class Opener:
    """Opens inputs; its S3 client is made when the first object is."""

    def open(self, given: Input, start: int = 0, end: int | None = None) -> ByteStream:
        """The input's bytes, from the one at `start` to that before `end`.

        Raises:
            InputRefusedError: the object is gone, or no longer is what the plan is about.
        """
        place = s3_object(given.uri)
        if not place:
            return _FileBytes(given.uri, start, end)
        which = dict(zip(("Bucket", "Key"), place, strict=True))
        if given.version:
            which["VersionId"] = given.version
        if given.etag:
            which["IfMatch"] = f'"{given.etag}"'
        return _ObjectBytes(self._s3, which, given, start, end)

    def part(self, given: Input, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, fewer where the input ends before.

        Raises:
            InputRefusedError: as `open`.
        """
        with closing(self.open(given, start, end)) as stream:
            return b"".join(iter(lambda: stream.read(end - start), b"")) if end > start else b""

    @cached_property
    def _s3(self) -> Any:
        return s3_client()


def s3_client() -> Any:
    """A client that tries again what S3 could not answer."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 10}))


def s3_object(uri: str) -> tuple[str, str] | None:
    """Bucket and key of an `s3://` URI; None for any other."""
    found = re.fullmatch(r"s3[an]?://([^/]+)/(.+)", uri, re.DOTALL)
    return (found[1], found[2]) if found else None


def local_path(uri: str) -> Path:
    """The path of a `file://` URI, or of what is a path already."""
    # Not percent-decoded: the plan names what is there, as S3 does, character by character.
    return Path(re.sub("^file:(//)?(?=/)", "", uri))


class _FileBytes:
    def __init__(self, uri: str, start: int, end: int | None) -> None:
        path = local_path(uri)
        try:
            self._file: BinaryIO = path.open("rb")
        except FileNotFoundError:
            raise InputRefusedError("it is not there any more") from None
        self.size = path.stat().st_size
        self._file.seek(start)
        self._end = self.size if end is None else end

    def read(self, size: int, /) -> bytes:
        return self._file.read(max(min(size, self._end - self._file.tell()), 0))

    def tail(self, size: int, /) -> bytes:
        place = self._file.tell()
        self._file.seek(max(self.size - size, 0))
        found = self._file.read(size)
        self._file.seek(place)
        return found

    def close(self) -> None:
        self._file.close()


class _ObjectBytes:
    """One object in one sequential request; what breaks off is taken up where it broke, in the same version."""

    def __init__(self, s3: Any, which: Mapping[str, str], given: Input, start: int, end: int | None) -> None:
        self._s3, self._which, self._given = s3, which, given
        self._offset, self._last, self._breaks = start, "" if end is None else str(end - 1), 0
        # An empty object has no range that could be asked for.
        answer = self._get(**self._range() if start or self._last else {})
        self._body = answer["Body"]
        self._end: int = start + answer["ContentLength"]
        self.size = int(answer.get("ContentRange", f"/{self._end}").rpartition("/")[2])

    def read(self, size: int, /) -> bytes:
        while self._offset < self._end:
            try:
                found = cast(bytes, self._body.read(size))
            except _BROKEN as error:
                self._take_up_again(error)
            else:
                self._offset += len(found)
                return found
        return b""

    def tail(self, size: int, /) -> bytes:
        if not self.size:
            return b""
        with self._get(Range=f"bytes={max(self.size - size, 0)}-")["Body"] as body:
            return cast(bytes, body.read())

    def close(self) -> None:
        self._body.close()

    def _take_up_again(self, error: Exception) -> None:
        self._breaks += 1
        if self._breaks > _TRIES:
            raise error
        print(f"{self._given.uri}: broke off at byte {self._offset:,}, and is taken up there: {error}", flush=True)
        self._body.close()
        self._body = self._get(**self._range())["Body"]

    def _range(self) -> dict[str, str]:
        return {"Range": f"bytes={self._offset}-{self._last}"}

    def _get(self, **more: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._s3.get_object(**self._which, **more)
        except ClientError as error:
            if reason := self._why_another(error.response["Error"]["Code"]):
                raise InputRefusedError(reason) from error
            raise
        return answer

    def _why_another(self, code: str) -> str | None:
        """The reason why the planned object cannot be read any more; None for other errors."""
        if code in ("NoSuchKey", "NoSuchVersion"):
            version = f", not in version {self._given.version}" if self._given.version else ""
            return f"it is not there any more{version}; the plan is about ETag {self._given.etag}"
        if code not in ("PreconditionFailed", "412"):
            return None
        found = self._s3.head_object(**{name: text for name, text in self._which.items() if name != "IfMatch"})["ETag"]
        return f"it was changed: its ETag is {found.strip(chr(34))}, and the plan is about {self._given.etag}"
