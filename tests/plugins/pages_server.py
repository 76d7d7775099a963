"""An API server of the installed Airflow with the plugin's pages, in this process, and a local AWS for them to read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.dags.local_aws import CREDENTIALS, local_aws

BUCKET = "ptmlops-complaints"


@dataclass(frozen=True)
class Server:
    """The application as a client sees it, the S3 that its pages read, and tokens of users by their role."""

    client: Any
    s3: Any
    token: Any

    def page(self, path: str, role: str | None = "viewer", **options: Any) -> Any:
        """What a user with this role gets for a page; with None, somebody who is not known."""
        headers = {"Authorization": f"Bearer {self.token(role)}"} if role else {}
        return self.client.get(f"/complaints{path}", headers={**headers, **options.pop("headers", {})}, **options)


@contextmanager
def pages_server(folder: Path) -> Iterator[Server]:
    """A server whose pages read an empty bucket."""
    with local_aws(folder) as aws:
        aws.s3.create_bucket(Bucket=BUCKET)
        before = dict(os.environ)
        os.environ.update({**CREDENTIALS, "AWS_ENDPOINT_URL": aws.endpoint})
        try:
            yield _server(aws.s3)
        finally:
            os.environ.clear()
            os.environ.update(before)


def _server(s3: Any) -> Server:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Airflow's own deprecations, of whichever version this is
        from airflow import settings
        from airflow.api_fastapi.app import create_app, get_auth_manager
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.models import import_all_models
        from airflow.models.base import Base
        from fastapi.testclient import TestClient
        from starlette.routing import Mount

        from plugins.complaints_pages import PREFIX, LazyPages

        import_all_models()
        Base.metadata.create_all(settings.engine)
        app = create_app(apps="core")

    # Before Airflow's own route for everything, where `init_plugins` mounts it.
    app.router.routes.insert(0, Mount(PREFIX, LazyPages()))

    def token(role: str) -> str:
        user = SimpleAuthManagerUser(username=f"a {role}", role=role)
        return str(get_auth_manager().generate_jwt(user))

    return Server(TestClient(app, follow_redirects=False, raise_server_exceptions=False), s3, token)
