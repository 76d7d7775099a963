"""S3's listings: keys that XML cannot hold, and no copies of the objects.

XML 1.0 cannot hold most control characters, so that clients ask S3 to percent-encode every key, prefix and marker of a
listing; boto3 always does. moto 5.2.5 ignores that in ListObjectVersions and for some members of the other two: one key
with a control character makes the whole listing unreadable. ListObjectVersions makes a deep copy of every object of the
bucket, with its bytes: 5 seconds for one of 586 MB.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

from moto.core.responses import ActionResult
from moto.s3.models import FakeKey
from moto.s3.responses import S3Response

from localaws.moto_patches.replacement import replaced
from localaws.moto_patches.s3_concurrent_reads import BYTES_OF
from localaws.server.protocol import Json

OPERATIONS = ("list_objects", "list_objects_v2", "list_object_versions")
ENCODED = ("Prefix", "Delimiter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker", "StartAfter")
ENTRIES = {"Contents": "Key", "Versions": "Key", "DeleteMarkers": "Key", "CommonPrefixes": "Prefix"}


@contextmanager
def patches() -> Iterator[None]:
    """Listings are encoded as they were asked for, and copy no bytes."""
    encoding = {name: _encoding(getattr(S3Response, name)) for name in OPERATIONS}
    with replaced(S3Response, encoding), replaced(FakeKey, {"__deepcopy__": _copy_without_bytes}):
        yield


def _encoding(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def listing(response: Any) -> Any:
        if response.querystring.get("encoding-type", [None])[0] != "url":
            return original(response)
        # moto would encode a part of it.
        del response.querystring["encoding-type"]
        serialized = response.serialized
        response.serialized = lambda result: serialized(ActionResult(encoded(result.result)))
        return original(response)

    return listing


def encoded(listing: Mapping[str, Any]) -> Json:
    """A listing with every key, prefix and marker encoded.

    >>> encoded({"Prefix": "a b/", "Contents": [{"Key": "a b/\\x01+.csv", "Size": 1}]})
    {'Prefix': 'a+b/', 'Contents': [{'Key': 'a+b/%01%2B.csv', 'Size': 1}], 'EncodingType': 'url'}
    """
    result = dict(listing)
    for name in ENCODED:
        if result.get(name):
            result[name] = _encoded(result[name])
    for name, member in ENTRIES.items():
        if name in result:
            result[name] = [{**entry, member: _encoded(entry[member])} for entry in result[name]]
    return {**result, "EncodingType": "url"}


def _encoded(text: str) -> str:
    return quote_plus(text, safe="/*")


def _copy_without_bytes(version: Any, _memo: Any) -> Any:
    # Not FakeKey.__new__, which remembers every instance for ever.
    copied = object.__new__(type(version))
    copied.__dict__.update(version.__dict__, disposed=True, **{BYTES_OF: version})
    return copied
