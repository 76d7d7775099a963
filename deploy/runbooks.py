"""The runbook pages in S3 that notifications link to."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def put_runbooks(s3: Any, bucket: str, pages: Path) -> None:
    """Uploads each Markdown page of the folder `pages` to `runbooks/`."""
    for page in sorted(pages.glob("*.md")):
        s3.put_object(Bucket=bucket, Key=f"runbooks/{page.name}", Body=page.read_bytes(), ContentType="text/markdown")
