"""moto's S3 objects with their bytes in files and their attributes as JSON."""

import secrets
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.s3.models import FakeDeleteMarker, FakeKey
from moto.s3.utils import _VersionedKeyStore

from localaws.server.protocol import Json
from localaws.server.state_files import to_disk

# Attributes of moto's versions, besides bytes, metadata and time. ACLs have no effect in local AWS.
ATTRIBUTES = (
    "_etag",
    "_version_id",
    "_is_versioned",
    "_storage_class",
    "encryption",
    "kms_key_id",
    "bucket_key_enabled",
    "website_redirect_location",
    "lock_mode",
    "lock_legal_status",
    "lock_until",
    "checksum_algorithm",
    "checksum_value",
    "checksum_type",
    "checksum_parts",
)


class FileBuffer:
    """An object's bytes, as moto reads them: a file that never changes, open only while it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._at = 0

    def seek(self, offset: int) -> None:
        """Set the position."""
        self._at = offset

    def read(self, size: int = -1) -> bytes:
        """Read from the position."""
        with self.path.open("rb") as file:
            file.seek(self._at)
            content = file.read(size)
        self._at += len(content)
        return content

    def close(self) -> None:
        """Does nothing: copies of the object share the file, which is removed with the last version."""


class PersistentKeys(_VersionedKeyStore):
    """The versions of a bucket's objects, by key. Their bytes are written to files before they are visible."""

    def __init__(self, contents: Path, touched: Callable[[str], None]) -> None:
        super().__init__()
        self._contents = contents
        self._touched = touched

    def setlist(self, key: str, list_: Any) -> Any:
        """Set all versions of a key."""
        versions = list(list_) if isinstance(list_, list | tuple) else [list_]
        for version in versions:
            if isinstance(version, FakeKey) and not isinstance(version._value_buffer, FileBuffer):
                _into_file(version, self._contents)
        super().setlist(key, versions)
        self._touched(key)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._touched(key)

    def pop(self, key: str) -> None:  # type: ignore[override]
        """Remove a key with all its versions."""
        super().pop(key)
        self._touched(key)


def _into_file(version: Any, contents: Path) -> None:
    version.etag  # noqa: B018 moto computes it at the first access, which would read the file again
    buffer = version._value_buffer
    buffer.seek(0)
    path = contents / secrets.token_hex(16)
    with path.open("wb") as file:
        shutil.copyfileobj(buffer, file, 1 << 20)
        to_disk(file)
    version._value_buffer = FileBuffer(path)
    buffer.close()


def document(version: Any, tags: dict[str, str]) -> Json:
    """A version or a delete marker as JSON."""
    at = {"last_modified": version.last_modified.isoformat()}
    if isinstance(version, FakeDeleteMarker):
        return {**at, "delete_marker": version.version_id}
    return {
        **at,
        "content": version._value_buffer.path.name,
        "size": version.size,
        "metadata": dict(version.metadata),
        "tags": tags,
        "attributes": {name: getattr(version, name) for name in ATTRIBUTES},
    }


def content_of(stored: Json) -> str | None:
    """The name of the file with a version's bytes; None for a delete marker."""
    name: str | None = stored.get("content")
    return name


def restore(stored: Json, key: str, bucket: Any, contents: Path, before: Sequence[Any]) -> Any:
    """The version that a document describes; `before` are the key's older versions. Reads no bytes."""
    at = datetime.fromisoformat(stored["last_modified"])
    if "delete_marker" in stored:
        marker: Any = object.__new__(FakeDeleteMarker)
        marker.key = before[-1] if before else None
        marker.name, marker.last_modified, marker._version_id = key, at, stored["delete_marker"]
        return marker
    version: Any = FakeKey(key, b"", bucket.account_id, bucket.region_name, bucket_name=bucket.name)
    version._value_buffer.close()
    version._value_buffer = FileBuffer(contents / stored["content"])
    version.contentsize, version.last_modified = stored["size"], at
    version._metadata.update(stored["metadata"])
    for name in ATTRIBUTES:
        setattr(version, name, stored["attributes"][name])
    return version
