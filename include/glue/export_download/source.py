"""A resource on the web: what it is now, and its bytes from any offset on, however often the connection breaks.

Certificates are verified. A request is repeated after a broken connection, a stall, 429 and 5xx, with growing pauses
and after the server's `Retry-After`; the bytes go on where they broke off, in the same version (`Range`, `If-Range`).
"""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from export_download.addresses import DownloadRefusedError, checked, redirected

__all__ = ["ChangedError", "DownloadRefusedError", "Patience", "Source", "Version"]

_PIECE = 1 << 18
_PROGRESS = 1 << 20  # bytes after which a connection counts as one that works
_FEWEST_BYTES = 1 << 14  # in the seconds of a stall: less is a stall, too
_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_HEADERS = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "PTMLops"}


class ChangedError(Exception):
    """The resource is no longer the version that was asked for."""


class _BrokenError(Exception):
    """A request that may be repeated, after `wait` seconds at least."""

    def __init__(self, reason: str, wait: float = 0) -> None:
        self.wait = wait
        super().__init__(reason)


@dataclass(frozen=True)
class Patience:
    """How long one waits: for a connection, for bytes, and how often in a row without any progress."""

    connect_seconds: float
    stall_seconds: float
    tries: int
    longest_pause_seconds: float = 300


@dataclass(frozen=True)
class Version:
    """One version of the resource; `etag` is as the server writes it, with its quotes."""

    etag: str
    last_modified: str
    length: int

    @property
    def validator(self) -> str:
        """The value for `If-Range`, which takes no weak ETag (RFC 9110, 13.1.5); empty if there is none."""
        return self.last_modified if not self.etag or self.etag.startswith("W/") else self.etag

    def is_that_of(self, headers: Message) -> bool:
        """True if an answer with these headers is about this version."""
        etag, modified = headers.get("ETag"), headers.get("Last-Modified")
        return (etag or self.etag) == self.etag and (modified or self.last_modified) == self.last_modified


@dataclass(frozen=True)
class Source:
    """The resource at `url`. `context` verifies the server's certificate; `sleep` waits between tries."""

    url: str
    patience: Patience
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    sleep: Callable[[float], object] = time.sleep

    def version(self) -> Version:
        """The version that the server has now.

        Raises:
            DownloadRefusedError: the server refuses, or does not say which version it has, or how long that is.
        """
        failures = 0
        while True:
            try:
                with closing(self._answer("HEAD", {})) as answer:
                    return _version_of(self.url, answer)
            except (_BrokenError, OSError, HTTPException) as error:
                failures = self._pause(failures + 1, error)

    def pieces(self, version: Version, offset: int) -> Iterator[bytes]:
        """The bytes of the version from `offset` to its end.

        Raises:
            ChangedError: the server has another version by now.
            DownloadRefusedError: the server refuses, or there was no progress for as many tries as patience allows.
        """
        failures = 0
        while offset < version.length:
            begun = offset
            try:
                with closing(self._body(version, offset)) as body:
                    for piece in self._read(body, version.length - offset):
                        offset += len(piece)
                        yield piece
            except (_BrokenError, OSError, HTTPException) as error:
                failures = 1 if offset - begun >= _PROGRESS else failures + 1
                print(
                    f"broke off at byte {offset:,} of {version.length:,}: {error or type(error).__name__}", flush=True
                )
                self._pause(failures, error)

    def _body(self, version: Version, offset: int) -> HTTPResponse:
        """An answer whose next byte is that at `offset`."""
        ranged = {"Range": f"bytes={offset}-", "If-Range": version.validator} if offset else {}
        answer = self._answer("GET", ranged)
        if answer.status == 416 or not version.is_that_of(answer.headers):
            answer.close()
            raise ChangedError(f"{self.url} is no longer the version {version.validator}")
        if answer.status == 200:
            if int(answer.headers.get("Content-Length") or version.length) != version.length:
                answer.close()
                raise ChangedError(f"{self.url} no longer has {version.length:,} bytes")
            # The server ignores ranges.
            for _ in self._read(answer, offset):
                pass
            return answer
        expected = f"bytes {offset}-{version.length - 1}/{version.length}"
        if answer.status == 206 and (found := answer.headers.get("Content-Range")) == expected:
            return answer
        answer.close()
        found = f"{answer.status}, Content-Range {answer.headers.get('Content-Range')!r}"
        raise DownloadRefusedError(f"{self.url} answered {found} where 206 and {expected!r} were expected")

    def _read(self, body: HTTPResponse, size: int) -> Iterator[bytes]:
        """The next `size` bytes of a body, as they come."""
        since, came = time.monotonic(), 0
        while size:
            piece = body.read1(min(_PIECE, size))
            if not piece:
                raise _BrokenError(f"the connection ended {size:,} bytes too early")
            size -= len(piece)
            came += len(piece)
            yield piece
            if (passed := time.monotonic() - since) > self.patience.stall_seconds:
                if came < _FEWEST_BYTES and size:
                    raise _BrokenError(f"only {came:,} bytes came in {passed:.0f} s")
                since, came = time.monotonic(), 0

    def _answer(self, method: str, headers: Mapping[str, str]) -> HTTPResponse:
        """The answer behind all redirects: 200, 206 or 416.

        Raises:
            _BrokenError: the server is busy.
            DownloadRefusedError: it refuses, or redirects too often or to where nobody should go.
        """
        url = checked(self.url)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._asked(method, url, headers)
            if answer.status not in _REDIRECTS:
                break
            answer.close()
            url = redirected(url, answer.headers.get("Location"))
        else:
            raise DownloadRefusedError(f"{self.url} redirects more than {_MOST_REDIRECTS} times")
        if answer.status in (200, 206, 416):
            return answer
        answer.close()
        if answer.status in _BUSY:
            wait = seconds_of(answer.headers.get("Retry-After", ""), now=time.time())
            raise _BrokenError(f"{url} answered {answer.status} {answer.reason}", wait)
        raise DownloadRefusedError(f"{url} answered {answer.status} {answer.reason} to {method}")

    def _asked(self, method: str, url: str, headers: Mapping[str, str]) -> HTTPResponse:
        parts = urlsplit(url)
        host, patience = parts.hostname or "", self.patience
        if parts.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                host, parts.port, timeout=patience.connect_seconds, context=self.context
            )
        else:
            connection = HTTPConnection(host, parts.port, timeout=patience.connect_seconds)
        try:
            connection.connect()
            connection.sock.settimeout(patience.stall_seconds)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request(method, path, headers={**_HEADERS, **headers})
            # Since the connection is to be closed, the answer owns its socket.
            return connection.getresponse()
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise DownloadRefusedError(f"{url}: its certificate is not trusted: {error.verify_message}") from None
        except BaseException:
            connection.close()
            raise

    def _pause(self, failures: int, error: Exception) -> int:
        """Waits before the next try; returns the number of failures in a row."""
        reason = str(error) or type(error).__name__
        if failures >= self.patience.tries:
            raise DownloadRefusedError(f"{self.url}: no progress in {failures} tries; the last: {reason}") from error
        pause = max(getattr(error, "wait", 0), random.uniform(0.5, 1) * 2 ** (failures - 1))
        pause = min(pause, self.patience.longest_pause_seconds)
        print(f"try {failures} of {self.patience.tries} failed ({reason}); the next in {pause:.0f} s", flush=True)
        self.sleep(pause)
        return failures


def seconds_of(retry_after: str, *, now: float) -> float:
    """The seconds in a `Retry-After`, which holds a number or a date (RFC 9110, 10.2.3); 0 for anything else."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - now, 0)
    except (TypeError, ValueError, OverflowError):
        return 0


def _version_of(url: str, answer: HTTPResponse) -> Version:
    headers = answer.headers
    length = headers.get("Content-Length", "")
    if answer.status != 200 or not length.isdecimal():
        raise DownloadRefusedError(f"{url} answered {answer.status} and no Content-Length: it must say how long it is")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadRefusedError(f"{url} answers in Content-Encoding {headers['Content-Encoding']!r}, not identity")
    version = Version(headers.get("ETag", ""), headers.get("Last-Modified", ""), int(length))
    if not version.validator:
        raise DownloadRefusedError(
            f"{url} answers without Last-Modified, and with the ETag {version.etag!r}: it must send Last-Modified or a "
            "strong ETag, or one version cannot be told from the next"
        )
    return version
