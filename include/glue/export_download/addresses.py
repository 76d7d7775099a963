"""The URLs that may be asked: HTTPS, and plain HTTP on this very machine (a test's server)."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class DownloadRefusedError(Exception):
    """Asking again cannot help; the message says what was found and what would be right."""


def checked(url: str) -> str:
    """The URL, if it may be asked.

    Raises:
        DownloadRefusedError: it is neither HTTPS nor on this machine.
    """
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        return url
    raise DownloadRefusedError(f"{url!r} is not asked: only https:// URLs are")


def redirected(url: str, location: str | None) -> str:
    """The URL that a redirect from `url` leads to.

    Raises:
        DownloadRefusedError: it leads nowhere, or away from HTTPS.
    """
    if not location:
        raise DownloadRefusedError(f"{url} redirects, but not to any URL")
    target = checked(urljoin(url, location))
    if urlsplit(url).scheme == "https" != urlsplit(target).scheme:
        raise DownloadRefusedError(f"{url} redirects to {target!r}: only redirects to https:// are followed")
    return target
