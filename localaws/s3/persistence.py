"""Persistence of S3: each change is written to a folder before it is answered, and loaded at the next start.

    <folder>/format.json
    <folder>/buckets/<bucket>/bucket.json            the bucket's settings
    <folder>/buckets/<bucket>/keys/<sha256>.json     a key with all its versions, oldest first
    <folder>/buckets/<bucket>/contents/<random>      the bytes of one version, never changed

A key's file is replaced in one step, after the bytes that it refers to are written. Bytes without a reference belong
to a request that was never answered, and are removed at the next start. Incomplete multipart uploads are not stored.
"""

import hashlib
import shutil
import threading
import time
from collections import deque
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.s3.models import FakeBucket, FakeKey, NotificationConfiguration, s3_backends

from localaws.moto_patches import s3_object_files
from localaws.s3.stored_objects import PersistentKeys, content_of, document, restore
from localaws.server.cloud import ACCOUNT
from localaws.server.protocol import Json
from localaws.server.state_files import UNFINISHED, check_format, read_json, remove, unreadable, write_json

# Attributes of moto's bucket. Policies, lifecycles and ACLs have no effect in local AWS, and are not stored.
SETTINGS = (
    "versioning_status",
    "encryption",
    "ownership_rule",
    "object_lock_enabled",
    "default_lock_mode",
    "default_lock_days",
    "default_lock_years",
)
# Bytes are removed only this long after their version: a request may be reading them.
READ_SECONDS = 60.0
# The targets of notifications, by moto's attribute.
TARGETS = {"topic": "Topic", "queue": "Queue", "cloud_function": "CloudFunction"}


class PersistentObjects:
    """The buckets of an account, stored in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._buckets: dict[str, Json] = {}
        self._contents: dict[tuple[str, str], set[str]] = {}
        self._discarded: deque[tuple[float, Path]] = deque()
        self._touched = threading.local()
        self._writing = threading.Lock()

    @property
    def _backend(self) -> Any:
        return s3_backends[ACCOUNT]["aws"]

    def patches(self) -> AbstractContextManager[None]:
        """Patches moto's S3 to hold objects in files."""
        return s3_object_files.patches(self._keys_of, self._touch)

    def load(self) -> None:
        """Loads the folder into moto.

        Raises:
            StateError: a file cannot be read.
        """
        check_format(self._folder)
        for folder in sorted((self._folder / "buckets").glob("*/")):
            if (folder / "bucket.json").exists():
                self._load_bucket(folder)
            else:  # its creation or removal was interrupted
                shutil.rmtree(folder)
        self._changed_here().clear()

    def save(self) -> None:
        """Writes the changes of this thread's request; to be called before the request is answered."""
        touched = self._changed_here()
        with self._writing:
            buckets = dict(self._backend.buckets)
            for name, bucket in buckets.items():
                self._save_bucket(name, bucket)
            for name in self._buckets.keys() - buckets.keys():
                self._forget_bucket(name)
            for name, key in list(touched):
                if name in buckets:
                    self._save_key(buckets[name], key)
        touched.clear()

    def close(self) -> None:
        """Removes the bytes that no version has any more; to be called after the last request."""
        for _, content in self._discarded:
            content.unlink(missing_ok=True)

    def _changed_here(self) -> dict[tuple[str, str], None]:
        if not hasattr(self._touched, "keys"):
            self._touched.keys = {}
        keys: dict[tuple[str, str], None] = self._touched.keys
        return keys

    def _touch(self, bucket: str, key: str) -> None:
        self._changed_here()[bucket, key] = None

    def _keys_of(self, bucket: Any) -> PersistentKeys:
        contents = self._folder_of(bucket.name) / "contents"
        contents.mkdir(parents=True, exist_ok=True)
        return PersistentKeys(contents, lambda key: self._touch(bucket.name, key))

    def _folder_of(self, bucket: str) -> Path:
        return self._folder / "buckets" / bucket

    def _file_of(self, bucket: str, key: str) -> Path:
        # A key can be longer than a file name, and contain characters that a file name cannot.
        return self._folder_of(bucket) / "keys" / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _save_bucket(self, name: str, bucket: Any) -> None:
        stored = {
            "name": name,
            "region": bucket.region_name,
            "created": bucket.creation_date.isoformat(),
            "settings": {each: getattr(bucket, each) for each in SETTINGS},
            "notifications": _notifications(bucket.notification_configuration),
            "tags": self._backend.tagger.get_tag_dict_for_resource(bucket.arn),
        }
        if stored != self._buckets.get(name):
            (self._folder_of(name) / "keys").mkdir(parents=True, exist_ok=True)
            write_json(self._folder_of(name) / "bucket.json", stored)
            self._buckets[name] = stored

    def _forget_bucket(self, name: str) -> None:
        remove(self._folder_of(name) / "bucket.json")
        shutil.rmtree(self._folder_of(name))
        del self._buckets[name]
        self._contents = {place: names for place, names in self._contents.items() if place[0] != name}

    def _save_key(self, bucket: Any, key: str) -> None:
        file = self._file_of(bucket.name, key)
        tags = self._backend.tagger.get_tag_dict_for_resource
        versions = [
            document(each, tags(each.arn) if isinstance(each, FakeKey) else {})
            for each in list(bucket.keys.getlist(key, []))
        ]
        if versions:
            write_json(file, {"key": key, "versions": versions})
        else:
            remove(file)
        now = {name for each in versions if (name := content_of(each))}
        for name in self._contents.pop((bucket.name, key), set()) - now:
            self._discard(self._folder_of(bucket.name) / "contents" / name)
        if now:
            self._contents[bucket.name, key] = now

    def _discard(self, content: Path) -> None:
        now = time.monotonic()
        self._discarded.append((now, content))
        while self._discarded[0][0] < now - READ_SECONDS:
            self._discarded.popleft()[1].unlink(missing_ok=True)

    def _load_bucket(self, folder: Path) -> None:
        file = folder / "bucket.json"
        stored = self._buckets[folder.name] = read_json(file, self._folder)
        made: Any = FakeBucket
        try:
            bucket = made(folder.name, ACCOUNT, stored["region"])
            bucket.creation_date = datetime.fromisoformat(stored["created"])
            for name, value in stored["settings"].items():
                setattr(bucket, name, value)
            if stored["notifications"] is not None:
                # Not moto's setter: it sends a test event to each target.
                bucket.notification_configuration = NotificationConfiguration(**stored["notifications"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(file, self._folder, f"{type(error).__name__}: {error}") from None
        self._backend.buckets[folder.name] = bucket
        self._backend.tagger.tag_resource(bucket.arn, _tags(stored["tags"]))
        for path in (folder / "keys").iterdir():
            if path.name.endswith(UNFINISHED):
                path.unlink()
            else:
                self._load_key(bucket, path)
        known = {name for (owner, _), names in self._contents.items() if owner == folder.name for name in names}
        for path in (folder / "contents").iterdir():
            if path.name not in known:
                path.unlink()

    def _load_key(self, bucket: Any, file: Path) -> None:
        stored, contents = read_json(file, self._folder), self._folder_of(bucket.name) / "contents"
        versions: list[Any] = []
        try:
            key = stored["key"]
            for each in stored["versions"]:
                self._check_content(each, contents)
                version = restore(each, key, bucket, contents, versions)
                versions.append(version)
                if tags := each.get("tags"):
                    self._backend.tagger.tag_resource(version.arn, _tags(tags))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(file, self._folder, f"{type(error).__name__}: {error}") from None
        bucket.keys.setlist(key, versions)
        self._contents[bucket.name, key] = {name for each in stored["versions"] if (name := content_of(each))}

    def _check_content(self, stored: Json, contents: Path) -> None:
        if (name := content_of(stored)) is None:
            return
        file = contents / name
        size = file.stat().st_size if file.exists() else None
        if size != stored["size"]:
            found = "it is missing" if size is None else f"it has {size} bytes"
            raise unreadable(file, self._folder, f"{found}, and should have {stored['size']}")


def _notifications(configuration: Any) -> Json | None:
    """The arguments of moto's NotificationConfiguration, with the ids that moto generated."""
    if configuration is None:
        return None
    stored: Json = {
        kind: [
            {name: each.arn, "Event": each.events, "Filter": each.filters, "Id": each.id}
            for each in getattr(configuration, kind)
        ]
        for kind, name in TARGETS.items()
    }
    return {**stored, "event_bridge": configuration.event_bridge}


def _tags(tags: dict[str, str]) -> list[Json]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]
