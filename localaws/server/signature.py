"""Verification of AWS Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, quote

ALGORITHM = "AWS4-HMAC-SHA256"
AUTHORIZATION = re.compile(rf"{ALGORITHM}\s+(.+)", re.DOTALL)
# A client of a proxy sends the whole URL instead of the path.
ABSOLUTE = re.compile(r"^https?://[^/]*", re.IGNORECASE)
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
# Header names as a request's environment has them without the prefix HTTP_.
_BARE = frozenset({"content-type", "content-length"})


@dataclass(frozen=True)
class Signature:
    """The signature in a request's Authorization header, or (`presigned`) in its query."""

    access_key_id: str
    scope: str
    signed_headers: tuple[str, ...]
    time: str
    value: str
    presigned: bool

    @property
    def service(self) -> str:
        """The service that the request is for: `s3`."""
        return self.scope.split("/")[2]


def read_signature(environ: Mapping[str, Any]) -> Signature | None:
    """The signature of a request; None if it has none or an incomplete one."""
    header = AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if header:
        parts = dict(part.strip().partition("=")[::2] for part in header[1].split(","))
        time = environ.get("HTTP_X_AMZ_DATE") or ""
        return _signature(parts, time, presigned=False)
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if query.get("X-Amz-Algorithm") != ALGORITHM:
        return None
    parts = {name: query.get(f"X-Amz-{name}", "") for name in ("Credential", "SignedHeaders", "Signature")}
    return _signature(parts, query.get("X-Amz-Date", ""), presigned=True)


def has_old_signature(environ: Mapping[str, Any]) -> bool:
    """True if a request is signed with Signature Version 2, as boto3 presigns addresses of S3 unless told otherwise.

    https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
    """
    in_query = {"AWSAccessKeyId", "Signature"} <= parse_qs(environ.get("QUERY_STRING", "")).keys()
    return in_query or environ.get("HTTP_AUTHORIZATION", "").startswith("AWS ")


def _signature(parts: Mapping[str, str], time: str, *, presigned: bool) -> Signature | None:
    access_key_id, _, scope = parts.get("Credential", "").partition("/")
    if scope.count("/") != 3:
        return None
    headers = tuple(parts.get("SignedHeaders", "").split(";"))
    return Signature(access_key_id, scope, headers, time, parts.get("Signature", ""), presigned)


def is_valid(environ: dict[str, Any], signature: Signature, secret_access_key: str) -> bool:
    """True if the secret makes this signature. Reads the body if no header has its hash."""
    expected = _sign(_string_to_sign(environ, signature), signature, secret_access_key)
    return hmac.compare_digest(expected.encode(), signature.value.encode())


def _sign(text: str, signature: Signature, secret_access_key: str) -> str:
    key = f"AWS4{secret_access_key}".encode()
    for part in signature.scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _string_to_sign(environ: dict[str, Any], signature: Signature) -> str:
    path, _, query = ABSOLUTE.sub("", str(environ.get("RAW_URI", ""))).partition("?")
    request = "\n".join(
        [
            environ["REQUEST_METHOD"],
            _canonical_path(path, signature),
            _canonical_query(query),
            *(f"{name}:{_header(environ, name)}" for name in signature.signed_headers),
            "",
            ";".join(signature.signed_headers),
            _payload_hash(environ, signature),
        ]
    )
    hashed = hashlib.sha256(request.encode("latin-1", errors="replace")).hexdigest()
    return "\n".join([ALGORITHM, signature.time, signature.scope, hashed])


def _canonical_path(path: str, signature: Signature) -> str:
    # All services but S3 encode the encoded path once more.
    return path if signature.service == "s3" else quote(path or "/", safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, _, value in sorted(pairs) if name != "X-Amz-Signature")


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    return " ".join(str(environ.get(key if name in _BARE else f"HTTP_{key}", "")).split())


def content_length(environ: Mapping[str, Any]) -> int:
    """The length of the body; 0 if it is absent or invalid."""
    stated = str(environ.get("CONTENT_LENGTH") or "")
    return int(stated) if stated.isdecimal() else 0


def _payload_hash(environ: dict[str, Any], signature: Signature) -> str:
    if stated := environ.get("HTTP_X_AMZ_CONTENT_SHA256"):
        return str(stated)
    if signature.presigned and signature.service == "s3":
        return UNSIGNED_PAYLOAD
    body: bytes = environ["wsgi.input"].read(content_length(environ))
    environ["wsgi.input"] = BytesIO(body)
    return hashlib.sha256(body).hexdigest()
