"""The check that the committed event patterns match the settings.

Prefixes are compiled in by `make export`. If the settings changed since, a deployment would create rules that match no
event, and nothing would say so. What belongs to an account (roles, bucket, image, jobs) is filled in by the deployment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from complaints.settings import PipelineSettings
from deploy.errors import StaleFilesError

ROOT = Path(__file__).parent.parent


def check_compiled_files(settings: PipelineSettings, root: Path = ROOT) -> None:
    """Compares the prefixes in the compiled event patterns with those of the settings.

    Raises:
        StaleFilesError: some differ; the message names each file, the value found and the value expected.
    """
    wrong = [
        line
        for path in sorted((root / "stepfunctions").glob("*.trigger.json"))
        for line in _trigger_differences(path, settings)
    ]
    if wrong:
        lines = "\n".join(f"  {line}" for line in wrong)
        raise StaleFilesError(
            f"the compiled files do not match pipeline_config.yaml:\n{lines}\nrun `make export`, then deploy again"
        )


def _trigger_differences(path: Path, settings: PipelineSettings) -> Iterator[str]:
    for key in json.loads(path.read_text(encoding="utf-8"))["detail"]["object"]["key"]:
        if not isinstance(key, str) and "prefix" in key:
            continue  # that of manifests, which is no setting
        pattern = key if isinstance(key, str) else key["wildcard"]
        if not pattern.startswith(settings.storage.raw):
            expected = f"expected a key below {settings.storage.raw!r}"
            yield f"stepfunctions/{path.name}: object key is {pattern!r}, {expected}"
