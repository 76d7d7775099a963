"""The reports of `make up` as web pages: an HTTP server on 127.0.0.1 that serves `runs/<run id>/report.html`.

A browser opens no file from a page of Airflow, so the links there need a server. Their paths begin with a secret, since
other users of the machine reach the port, too.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

REPORT = "report.html"
_RUN_ID = re.compile(r"[0-9a-f]{16}")


@contextmanager
def report_pages(runs: Path, secret_file: Path, port: int) -> Iterator[str]:
    """Serves the reports below `runs` during the block; yields the address to which a run's id is added."""
    secret = kept_secret(secret_file)
    with ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, runs, secret)) as server:
        thread = Thread(target=server.serve_forever, name="report pages", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/{secret}/"
        finally:
            server.shutdown()
            thread.join()


def kept_secret(file: Path) -> str:
    """The secret in `file`, made on the first call and readable by its owner only: links stay valid."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    return file.read_text(encoding="utf-8")


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, runs: Path, secret: str, *connection: object) -> None:
        self._runs, self._secret = runs, secret
        super().__init__(*connection)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answers with the report of the run that the path names, or 404."""
        secret, _, run_id = self.path.removeprefix("/").partition("/")
        report = self._runs / run_id / REPORT
        is_known = secrets.compare_digest(secret.encode(), self._secret.encode()) and _RUN_ID.fullmatch(run_id)
        if not is_known or not report.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        page = report.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing: the paths hold the secret, and `make up` prints what a person needs."""
