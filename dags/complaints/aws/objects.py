"""One version of one S3 object: the type that listings, plans, arrivals and the ledger share."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ObjectVersion:
    """A version of an object in an environment's bucket.

    `last_modified` is S3's clock in ISO 8601 and UTC, or empty if it is unknown. `version_id` is empty if the bucket
    keeps no versions.
    """

    key: str
    etag: str
    size: int
    last_modified: str = ""
    version_id: str = ""

    @classmethod
    def listed(cls, entry: Mapping[str, Any]) -> ObjectVersion:
        """The version in an entry of ListObjectsV2 or ListObjectVersions."""
        return cls._answered(entry["Key"], entry["Size"], entry)

    @classmethod
    def headed(cls, key: str, answer: Mapping[str, Any]) -> ObjectVersion:
        """The version in an answer of HeadObject."""
        return cls._answered(key, answer["ContentLength"], answer)

    @classmethod
    def _answered(cls, key: str, size: int, answer: Mapping[str, Any]) -> ObjectVersion:
        modified = answer["LastModified"].isoformat()
        return cls(key, answer["ETag"].strip('"'), size, modified, known_version(answer.get("VersionId")))

    def is_the_same_as(self, other: ObjectVersion) -> bool:
        """True if both are the same version of the same object; their times and sizes do not count."""
        return (self.key, self.version_id, self.etag) == (other.key, other.version_id, other.etag)


def known_version(version_id: str | None) -> str:
    """The id of a version, or "" where there is none: S3 calls a version "null" while the bucket keeps none."""
    return "" if version_id in (None, "null") else str(version_id)


def oldest_first(version: ObjectVersion) -> tuple[str, str]:
    """The sort key that puts the oldest object first, and orders objects of the same second by their keys."""
    return version.last_modified, version.key


def has_control_characters(key: str) -> bool:
    """True if a key holds a character such as a newline or ESC, which S3 takes and no log or terminal should."""
    return any(unicodedata.category(character) == "Cc" for character in key)
