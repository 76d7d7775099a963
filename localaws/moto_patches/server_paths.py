"""S3 keys with line breaks: moto 5.2.5's server finds no operation for their paths, and answers 404.

Its routes are regular expressions whose `.` is any character but a line feed. S3 accepts any UTF-8 in a key.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.moto_server import werkzeug_app
from moto.moto_server.utilities import RegexConverter

from localaws.moto_patches.replacement import replaced


@contextmanager
def patches() -> Iterator[None]:
    """Lets a path hold line feeds; for servers that are made inside the block."""

    class AnyCharacter(RegexConverter):
        def __init__(self, url_map: Any, *items: Any) -> None:
            super().__init__(url_map, *items)
            self.regex = f"(?s:{self.regex})"

    with replaced(werkzeug_app, {"RegexConverter": AnyCharacter}):
        yield
