"""S3 as folders, for a job that opens `s3://` paths: fetched before it runs, and reconciled after.

Only what lies under the URIs that the job's arguments name is fetched, changed or deleted.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.jobs.job import InputError
from localaws.s3.storage import Place, Storage, in_parallel, place, within

# What Hadoop leaves on a file system, and never on S3.
TRANSIENT = ("_temporary", ".spark-staging")
S3_URI = re.compile(r"s3[an]?://[^\s,;\"'<>]+")


def scopes(arguments: Mapping[str, str]) -> list[Place]:
    """What the arguments' `s3://` URIs name, the widest only: alone, in comma lists, or inside JSON.

    >>> [str(scope) for scope in scopes({"--a": "s3://b/x/,s3://b/y", "--b": '["s3://b/x/1", 2]'})]
    ['s3://b/x', 's3://b/y']
    """
    named = {_scope(uri) for value in arguments.values() for uri in _uris(value)}
    return sorted(one for one in named if not any(_covers(other, one) for other in named if other != one))


def _uris(value: str) -> Iterator[str]:
    try:
        yield from _uris_in(json.loads(value))
    except ValueError:
        # A comma separates URIs only where a new one begins: it may be part of a key, too.
        for part in re.split(r",(?=\s*s3[an]?://)", value):
            if re.match(r"\s*s3[an]?://", part):
                yield part.strip()
            else:
                yield from S3_URI.findall(part)


def _uris_in(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield from _uris(document)
    elif isinstance(document, Mapping):
        for inner in document.values():
            yield from _uris_in(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _uris_in(inner)


def _scope(uri: str) -> Place:
    named = place(uri)
    # Spark expands patterns itself: fetch the folder that they start from.
    fixed = re.split(r"[*?\[{]", named.key, maxsplit=1)
    folder = fixed[0].rpartition("/")[0] if len(fixed) > 1 else fixed[0]
    return Place(named.bucket, folder.rstrip("/"))


def _covers(scope: Place, other: Place) -> bool:
    inside = not scope.key or other.key == scope.key or other.key.startswith(scope.key + "/")
    return scope.bucket == other.bucket and inside


@dataclass
class Stage:
    """`root/<bucket>/<key>` for every object in the scopes."""

    storage: Storage
    root: Path
    scopes: list[Place]
    _fetched: dict[Place, tuple[int, int]] = field(default_factory=dict)

    @property
    def buckets(self) -> list[str]:
        """The buckets that a job may see."""
        return sorted({scope.bucket for scope in self.scopes})

    def fetch(self) -> None:
        """Download every object in the scopes. Raises InputError where a bucket is missing."""
        found = [
            Place(scope.bucket, key)
            for scope in self.scopes
            for key, _ in self.storage.objects(scope)
            if _covers(scope, Place(scope.bucket, key))
        ]
        for bucket in self.buckets:
            (self.root / bucket).mkdir(parents=True, exist_ok=True)
        in_parallel(lambda one: self.storage.download(one, self.path(one)), found)
        self._fetched = {one: _stamp(self.path(one)) for one in found}

    def push(self) -> None:
        """Make S3 what the folders are: upload what is new or changed, delete what is gone.

        Raises InputError, after all else is done, if the job wrote where no argument had pointed.
        """
        present = {self._place(path): _stamp(path) for path in self._files()}
        changed = [one for one, stamp in present.items() if self._fetched.get(one) != stamp]
        named = [one for one in changed if self.covers(one)]
        in_parallel(lambda one: self.storage.upload(self.path(one), one), named)
        for bucket in self.buckets:
            gone = {one.key for one in self._fetched if one.bucket == bucket and one not in present}
            self.storage.delete(bucket, gone)
        astray = sorted(set(changed) - set(named))
        if astray:
            raise InputError(
                f"the script wrote {astray[0]} ({len(astray)} such files), which lies under no s3:// URI among "
                "its arguments, and local AWS keeps only what is written there: add its prefix to the arguments"
            )

    def covers(self, one: Place) -> bool:
        """Whether the job sees the object."""
        return any(_covers(scope, one) for scope in self.scopes)

    def take_over(self, one: Place, content: bytes | None) -> None:
        """Have an object that somebody has put into S3 meanwhile; None: that somebody has deleted."""
        path = self.path(one)
        if content is None:
            self._fetched.pop(one, None)
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        # Like what Spark has not finished: nothing takes it for an object.
        unfinished = path.with_name(f"{TRANSIENT[0]}-{path.name}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
        self._fetched[one] = _stamp(path)

    def _files(self) -> Iterable[Path]:
        for path in self.root.rglob("*"):
            parts = path.relative_to(self.root).parts
            transient = any(part.startswith(TRANSIENT) for part in parts)
            if not transient and path.suffix != ".crc" and path.is_file():
                yield path

    def path(self, one: Place) -> Path:
        """The object's file. Raises InputError for a key that cannot be a path."""
        return within(self.root / one.bucket, one.key)

    def _place(self, path: Path) -> Place:
        bucket, *key = path.relative_to(self.root).parts
        return Place(bucket, "/".join(key))


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
