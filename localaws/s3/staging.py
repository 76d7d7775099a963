"""S3 staging: a job that opens `s3://` paths gets folders, downloaded before it runs and synchronized after.

Only objects under the URIs in the job's arguments are downloaded, changed or deleted. A directory that the job
creates becomes a directory marker, as S3A of Hadoop 3.4 leaves it: an empty object whose key ends with a slash.
https://hadoop.apache.org/docs/r3.4.1/hadoop-aws/tools/hadoop-aws/directory_markers.html
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.jobs.job import InputError
from localaws.s3.storage import Place, Storage, in_parallel, is_marker, place, within

# Directories that Hadoop leaves on a file system, but not on S3.
TRANSIENT = ("_temporary", ".spark-staging")
S3_URI = re.compile(r"s3[an]?://[^\s,;\"'<>]+")


def scopes(arguments: Mapping[str, str]) -> list[Place]:
    """The widest `s3://` prefixes in the arguments: alone, in comma-separated lists, or inside JSON.

    >>> [str(scope) for scope in scopes({"--a": "s3://b/x/,s3://b/y", "--b": '["s3://b/x/1", 2]'})]
    ['s3://b/x', 's3://b/y']
    """
    named = {_scope(uri) for value in arguments.values() for uri in _uris(value)}
    return sorted(one for one in named if not any(_covers(other, one) for other in named if other != one))


def _uris(value: str) -> Iterator[str]:
    try:
        yield from _uris_in(json.loads(value))
    except ValueError:
        # A comma separates URIs only if another URI follows; it can also be part of a key.
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
    # Spark expands glob patterns itself: stage the folder that they start from.
    fixed = re.split(r"[*?\[{]", named.key, maxsplit=1)
    folder = fixed[0].rpartition("/")[0] if len(fixed) > 1 else fixed[0]
    return Place(named.bucket, folder.rstrip("/"))


def _covers(scope: Place, other: Place) -> bool:
    inside = not scope.key or other.key == scope.key or other.key.startswith(scope.key + "/")
    return scope.bucket == other.bucket and inside


@dataclass
class S3Staging:
    """`root/<bucket>/<key>` for every object in the scopes."""

    storage: Storage
    root: Path
    scopes: list[Place]
    _fetched: dict[Place, tuple[int, int]] = field(default_factory=dict)
    # Directories that the job did not create, and directories that had markers in S3.
    _known_folders: set[Place] = field(default_factory=set)
    _markers: set[Place] = field(default_factory=set)

    @property
    def buckets(self) -> list[str]:
        """The buckets that the job can see."""
        return sorted({scope.bucket for scope in self.scopes})

    def fetch(self) -> None:
        """Download every object in the scopes. Raises InputError if a bucket does not exist."""
        listed = [
            Place(scope.bucket, key)
            for scope in self.scopes
            for key, _ in self.storage.listing(scope)
            if _covers(scope, Place(scope.bucket, key))
        ]
        found = [one for one in listed if not is_marker(one.key)]
        for bucket in self.buckets:
            (self.root / bucket).mkdir(parents=True, exist_ok=True)
        in_parallel(lambda one: self.storage.download(one, self.path(one)), found)
        self._fetched = {one: _stamp(self.path(one)) for one in found}
        self._markers = {Place(one.bucket, one.key.rstrip("/")) for one in listed if is_marker(one.key)}
        for one in self._markers:
            # S3 can also have an object of that name.
            if not self.path(one).exists():
                self.path(one).mkdir(parents=True)
        self._known_folders = set(self._folders())

    def push(self) -> None:
        """Synchronize S3 with the folders: upload what is new or changed, delete what was deleted.

        Raises InputError, after all that, if the job wrote outside of the scopes.
        """
        present = {self._place(path): _stamp(path) for path in self._files()}
        changed = [one for one, stamp in present.items() if self._fetched.get(one) != stamp]
        named = [one for one in changed if self.covers(one)]
        in_parallel(lambda one: self.storage.upload(self.path(one), one), named)
        for bucket in self.buckets:
            gone = {one.key for one in self._fetched if one.bucket == bucket and one not in present}
            self.storage.delete(bucket, gone)
        self._push_markers()
        outside = sorted(set(changed) - set(named))
        if outside:
            raise InputError(
                f"the script wrote {outside[0]} ({len(outside)} such files), which is under no s3:// URI among "
                "its arguments. Local AWS uploads only what is there: add its prefix to the arguments"
            )

    def _push_markers(self) -> None:
        present = set(self._folders())
        created = sorted(one for one in present - self._known_folders if self.covers(one))
        in_parallel(self.storage.put_marker, created)
        for bucket in self.buckets:
            gone = {f"{one.key}/" for one in self._markers - present if one.bucket == bucket}
            self.storage.delete(bucket, gone)

    def covers(self, one: Place) -> bool:
        """True if the job sees the object."""
        return any(_covers(scope, one) for scope in self.scopes)

    def update(self, one: Place, content: bytes | None) -> None:
        """Apply a change of S3 while the job runs: an object's new content, or its deletion (None)."""
        path = self.path(one)
        if content is None:
            self._fetched.pop(one, None)
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        bucket = self.root / one.bucket
        self._known_folders.update(self._place(each) for each in path.parents if each.is_relative_to(bucket))
        # Named like Spark's unfinished files, so that it is never taken for an object.
        unfinished = path.with_name(f"{TRANSIENT[0]}-{path.name}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
        self._fetched[one] = _stamp(path)

    def _files(self) -> Iterable[Path]:
        return (path for path in self._lasting() if path.suffix != ".crc" and path.is_file())

    def _folders(self) -> Iterable[Place]:
        """The directories below the buckets."""
        found = (self._place(path) for path in self._lasting() if path.is_dir())
        return (one for one in found if one.key)

    def _lasting(self) -> Iterable[Path]:
        for path in self.root.rglob("*"):
            parts = path.relative_to(self.root).parts
            if not any(part.startswith(TRANSIENT) for part in parts):
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
