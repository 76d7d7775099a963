"""JSON documents from a bucket: read side by side, remembered by their ETags, and bounded.

A page reads at most as many documents as it shows. What was read once is read again only after it was changed.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

from botocore.config import Config

from complaints.aws.bucket import Bucket
from complaints.aws.clients import client
from complaints.aws.objects import ObjectVersion
from complaints.settings import Settings

_SIDE_BY_SIDE = 16
_MOST_KEPT = 2_000
# The largest document that any job writes has a fraction of this.
_MOST_BYTES = 8_000_000


class Documents:
    """The JSON documents of a bucket; safe to share between threads."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._kept: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._lock = Lock()

    def listed(self, prefix: str, ending: str = ".json") -> list[ObjectVersion]:
        """The objects below `prefix` whose keys have this ending, newest first."""
        found = (each for each in self.bucket.objects(prefix) if each.key.endswith(ending))
        return newest_first(found)

    def read(self, versions: Sequence[ObjectVersion]) -> list[Any | None]:
        """The documents in the order of their objects; None for one that is gone, is not JSON or is far too large."""
        if len(versions) < 2:
            return [self._one(each) for each in versions]
        with ThreadPoolExecutor(min(_SIDE_BY_SIDE, len(versions)), thread_name_prefix="documents") as pool:
            return list(pool.map(self._one, versions))

    def at(self, key: str) -> Any | None:
        """The document at `key`; None as in `read`."""
        version = self.bucket.current_version(key)
        return self._one(version) if version else None

    def _one(self, version: ObjectVersion) -> Any | None:
        name = (version.key, version.etag)
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        if version.size > _MOST_BYTES:
            return None
        try:
            document = self.bucket.read_json(version.key)
        except ValueError:
            document = None
        with self._lock:
            self._kept[name] = document
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return document


def newest_first(versions: Iterable[ObjectVersion]) -> list[ObjectVersion]:
    """The objects by the time at which they were written, the newest first; those of one second by their keys."""
    return sorted(versions, key=lambda each: (each.last_modified, each.key), reverse=True)


def environment_documents(settings: Settings) -> Documents:
    """The documents of the environment's bucket; a bucket that does not answer fails within seconds."""
    patience = Config(
        connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2}, max_pool_connections=_SIDE_BY_SIDE
    )
    return Documents(Bucket(client("s3", settings, config=patience), settings.pipeline.storage.bucket))
