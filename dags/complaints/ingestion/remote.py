"""The version of the export that the server has now: one conditional HEAD request over verified HTTPS.

The Glue job that downloads the export asks the same way (`include/glue/export_download`); the two share no code, since
each is uploaded without the other.
"""

from __future__ import annotations

import logging
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from complaints.errors import FinalError

log = logging.getLogger(__name__)

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_TRIES, _LONGEST_PAUSE_SECONDS = 3, 60.0
_LOOPBACK = ("127.0.0.1", "localhost")


class SourceRefusedError(FinalError, RuntimeError):
    """The server refuses, or answers in a way that no export can be told by; a retry changes nothing."""


class SourceUnavailableError(RuntimeError):
    """The server cannot be reached or is busy; a retry may help."""


class SourceVersion(NamedTuple):
    """What identifies the export that the server has: ETag and Last-Modified as it writes them, "" without one."""

    etag: str
    last_modified: str


@dataclass(frozen=True)
class Asked:
    """How the server is asked: the seconds for a connection and for an answer, the certificates, the pauses."""

    connect_seconds: float
    answer_seconds: float
    context: ssl.SSLContext | None = None
    sleep: Callable[[float], object] = time.sleep


class _Answer(NamedTuple):
    status: int
    reason: str
    headers: Message


def version_unless(url: str, known: SourceVersion | None, asked: Asked) -> SourceVersion | None:
    """The version that the server has; None if it still is the `known` one (304, or the same ETag).

    Raises:
        SourceRefusedError: the server refuses, redirects away from HTTPS, or does not say which version it has.
        SourceUnavailableError: it cannot be reached or was busy, several times.
    """
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified} if known else {}
    answer = _patient(url, {name: value for name, value in conditions.items() if value}, asked)
    if answer.status == 304 and known:
        return None
    if answer.status != 200:
        raise SourceRefusedError(f"{url} answered {answer.status} {answer.reason} to HEAD: expected 200 or 304")
    found = SourceVersion(answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
    if not any(found):
        raise SourceRefusedError(f"{url} sends neither ETag nor Last-Modified: one export cannot be told from the next")
    return None if found == known else found


def _patient(url: str, headers: Mapping[str, str], asked: Asked) -> _Answer:
    """The first answer of a server that is not busy."""
    pause, reason = 1.0, ""
    for attempt in range(1, _TRIES + 1):
        try:
            answer = _followed(url, headers, asked)
        except ssl.SSLCertVerificationError as error:
            raise SourceRefusedError(f"{url}: its certificate is not trusted: {error.verify_message}") from None
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
        else:
            if answer.status not in _BUSY:
                return answer
            reason, after = f"{answer.status} {answer.reason}", answer.headers.get("Retry-After", "")
            pause = max(pause, float(after)) if after.isdecimal() else pause
        log.warning("try %s of %s: %s: %s", attempt, _TRIES, url, reason)
        if attempt < _TRIES:
            asked.sleep(min(pause, _LONGEST_PAUSE_SECONDS))
            pause *= 2
    raise SourceUnavailableError(f"{url} gave no answer in {_TRIES} tries; the last: {reason}")


def _followed(url: str, headers: Mapping[str, str], asked: Asked) -> _Answer:
    """The answer behind all redirects."""
    place = url
    for _ in range(_MOST_REDIRECTS + 1):
        answer = _head(place, headers, asked)
        if answer.status not in _REDIRECTS:
            return answer
        place = _redirected(place, answer.headers.get("Location", ""))
    raise SourceRefusedError(f"{url} redirects more than {_MOST_REDIRECTS} times")


def _redirected(url: str, location: str) -> str:
    target = urljoin(url, location)
    parts = urlsplit(target)
    here = urlsplit(url).scheme == "http" == parts.scheme and parts.hostname in _LOOPBACK
    if not location or not parts.hostname or not (parts.scheme == "https" or here):
        raise SourceRefusedError(f"{url} redirects to {target!r}: only redirects to https:// are followed")
    return target


def _head(url: str, headers: Mapping[str, str], asked: Asked) -> _Answer:
    parts = urlsplit(url)
    host, seconds = parts.hostname or "", asked.connect_seconds
    if parts.scheme == "https":
        context = asked.context or ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(host, parts.port, timeout=seconds, context=context)
    else:
        connection = HTTPConnection(host, parts.port, timeout=seconds)
    try:
        connection.connect()
        connection.sock.settimeout(asked.answer_seconds)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("HEAD", path, headers={"User-Agent": "PTMLops", "Accept-Encoding": "identity", **headers})
        answer = connection.getresponse()
        return _Answer(answer.status, answer.reason, answer.headers)
    finally:
        connection.close()
