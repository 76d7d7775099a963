"""What MWAA reads from its bucket: the DAG files of a release, and plugins.zip.

Airflow takes over DAG files by itself. Another plugins.zip has its environment restarted, so the same one keeps its
version there.
"""

from __future__ import annotations

import hashlib
from typing import Any

from complaints.aws.bucket import Bucket
from complaints.settings.loading import ENVIRONMENT
from deploy.code_archives import with_environment
from deploy.package import PLUGINS, Package


def put_dags(s3: Any, bucket_name: str, package: Package, active: bytes) -> None:
    """Makes `dags/` of MWAA's bucket as in the release: writes what differs, and then removes what is not in it."""
    wanted = {name: each for name, each in package.files.items() if name.startswith("dags/")}
    wanted[f"dags/complaints/config/{ENVIRONMENT}"] = active
    there = {each.key: each.etag for each in Bucket(s3, bucket_name).objects("dags/")}
    for key, content in wanted.items():
        if not _has(there.get(key, ""), content):
            s3.put_object(Bucket=bucket_name, Key=key, Body=content)
    for key in there.keys() - wanted.keys():
        s3.delete_object(Bucket=bucket_name, Key=key)


def put_plugins(s3: Any, bucket_name: str, package: Package, active: bytes) -> str:
    """Writes plugins.zip of the release to MWAA's bucket, if it differs; returns its version there."""
    content = with_environment(package.files[PLUGINS], active)
    there = Bucket(s3, bucket_name).current_version(PLUGINS)
    if there and _has(there.etag, content):
        return there.version_id
    version: str = s3.put_object(Bucket=bucket_name, Key=PLUGINS, Body=content)["VersionId"]
    return version


def _has(etag: str, content: bytes) -> bool:
    """True if an object with this ETag has this content; in this bucket, ETags are MD5 hashes."""
    return etag.strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest()
