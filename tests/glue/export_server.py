"""A web server that holds one export, and misbehaves as it is asked to: each GET takes the next of its `faults`."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

MODIFIED = "Fri, 27 Nov 2026 05:00:00 GMT"
Fault = Callable[["Answer"], bool]


@dataclass
class Export:
    """What the server has now. `headers` replace those of an answer; a value of None takes one away."""

    content: bytes
    etag: str = '"v1"'
    last_modified: str = MODIFIED
    headers: dict[str, str | None] = field(default_factory=dict)
    with_ranges: bool = True
    faults: list[Fault] = field(default_factory=list)
    head_faults: list[Fault] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def ranges(self) -> list[str | None]:
        """The `Range` of each GET, in order."""
        return [headers.get("Range") for method, _, headers in self.asked if method == "GET"]


class Answer(BaseHTTPRequestHandler):
    """Answers one request; the connection is closed after it."""

    protocol_version = "HTTP/1.1"
    server: Any

    @property
    def export(self) -> Export:
        """What the server has."""
        found: Export = self.server.export
        return found

    def do_HEAD(self) -> None:
        """What the export is now; 304 where the one who asks knows it."""
        self._remember()
        if self.export.head_faults and self.export.head_faults.pop(0)(self):
            return
        known = self.headers.get("If-None-Match"), self.headers.get("If-Modified-Since")
        if known[0] == self.export.etag or (not known[0] and known[1] == self.export.last_modified):
            self.begin(304, 0)
            return
        self.begin(200, len(self.export.content))

    def do_GET(self) -> None:
        """The export, or a part of it."""
        self._remember()
        if self.export.faults and self.export.faults.pop(0)(self):
            return
        self.send(*self.ranged())

    def ranged(self) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers of a sound answer."""
        export = self.export
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        known = self.headers.get("If-Range", export.etag) in (export.etag, export.last_modified)
        if not (asked and known and export.with_ranges):
            return 200, export.content, {}
        start, size = int(asked[1]), len(export.content)
        if start >= size:
            return 416, b"", {"Content-Range": f"bytes */{size}"}
        return 206, export.content[start:], {"Content-Range": f"bytes {start}-{size - 1}/{size}"}

    def begin(self, status: int, length: int, more: dict[str, str] | None = None) -> None:
        """The status and the headers."""
        export = self.export
        headers: dict[str, str | None] = {"ETag": export.etag, "Last-Modified": export.last_modified}
        headers |= {"Content-Length": str(length), "Connection": "close", **(more or {}), **export.headers}
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self.close_connection = True

    def send(self, status: int, body: bytes, more: dict[str, str] | None = None, first: int | None = None) -> None:
        """The answer, or the first bytes of its body."""
        self.begin(status, len(body), more)
        self.wfile.write(body if first is None else body[:first])
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the tests read `asked`."""

    def _remember(self) -> None:
        self.export.asked.append((self.command, urlsplit(self.path).path, dict(self.headers.items())))


def fine(answer: Answer) -> bool:
    """No fault."""
    return False


def cut(first: int) -> Fault:
    """The connection ends after so many bytes of the body."""

    def fault(answer: Answer) -> bool:
        answer.send(*answer.ranged(), first=first)
        return True

    return fault


def stall(first: int) -> Fault:
    """Nothing comes after so many bytes of the body, for as long as the test takes."""

    def fault(answer: Answer) -> bool:
        answer.send(*answer.ranged(), first=first)
        answer.export.over.wait()
        return True

    return fault


def drip(answer: Answer) -> bool:
    """A byte now and then, so that no read ever times out."""
    status, body, more = answer.ranged()
    answer.begin(status, len(body), more)
    for place in range(len(body)):
        try:
            answer.wfile.write(body[place : place + 1])
        except OSError:
            break
        if answer.export.over.wait(0.05):
            break
    return True


def says(status: int, **headers: str) -> Fault:
    """Another status, without a body."""

    def fault(answer: Answer) -> bool:
        answer.begin(status, 0, {name.replace("_", "-"): value for name, value in headers.items()})
        return True

    return fault


def changes_to(content: bytes, etag: str, first: int = 0) -> Fault:
    """So many bytes of what was there, and then another version is."""

    def fault(answer: Answer) -> bool:
        answer.send(*answer.ranged(), first=first)
        answer.export.content, answer.export.etag = content, etag
        return True

    return fault


@contextmanager
def serving(export: Export, context: Any = None) -> Iterator[Export]:
    """Serves the export at its `url` on this machine; by HTTPS with a server's SSLContext."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    server.daemon_threads = True
    server.export = export  # type: ignore[attr-defined]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    export.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/ccdb/complaints.csv.zip"
    try:
        yield export
    finally:
        export.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
