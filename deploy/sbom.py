"""The software bill of materials of a release, in CycloneDX: every package of the locks, with its hashes.

What the release ships is the Lambda layer: those packages are `required`. The others are `excluded`: the environments
that the code was tested in, whose counterparts on AWS are the images of MWAA, Glue and SageMaker.
https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from deploy.layer import PACKAGES

_ENTRY = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s;\\]+)((?:.*\\\n)*.*)$", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_SHIPPED_LOCK = "airflow"


def sbom(locks: Mapping[str, str], release: str) -> bytes:
    """The document for the contents of `locks/<name>.txt` by name; the same locks give the same bytes."""
    components = [each for name in sorted(locks) for each in _components(name, locks[name])]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'ptmlops/{release}')}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "ptmlops", "version": release}},
        "components": components,
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def _components(lock: str, text: str) -> Iterator[dict[str, Any]]:
    for name, version, rest in _ENTRY.findall(text):
        purl = f"pkg:pypi/{name}@{version}"
        yield {
            "type": "library",
            "bom-ref": f"{lock}:{purl}",
            "name": name,
            "version": version,
            "purl": purl,
            "scope": "required" if lock == _SHIPPED_LOCK and name in PACKAGES else "excluded",
            # A package has a hash for each of its files; pip installs one of them.
            "properties": [
                {"name": "ptmlops:lock", "value": f"locks/{lock}.txt"},
                *({"name": "ptmlops:sha256", "value": each} for each in _HASH.findall(rest)),
            ],
        }
