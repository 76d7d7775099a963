"""The check that the committed state machines and event patterns match the settings.

`make export` writes roles, images, jobs and the bucket from the settings into these files. If the settings changed
since, a deployment would create state machines for the old account, and rules that match no event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from complaints.runs.requests import image_uri
from complaints.settings import PipelineSettings, Settings
from deploy.errors import StaleFilesError
from deploy.glue_jobs import SCRIPTS

ROOT = Path(__file__).parent.parent


def check_compiled_files(settings: PipelineSettings, root: Path = ROOT) -> None:
    """Compares every value in the compiled files that depends on the account with the settings.

    Raises:
        StaleFilesError: some differ; the message names each file, the value found and the value expected.
    """
    expected = _expected(settings)
    wrong: list[str] = []
    for path in sorted((root / "stepfunctions").glob("*.asl.json")):
        for member, value in _values(json.loads(path.read_text(encoding="utf-8"))):
            if member in expected and value not in expected[member]:
                wrong.append(_difference(path, member, value, " or ".join(map(repr, expected[member]))))
    for path in sorted((root / "stepfunctions").glob("*.trigger.json")):
        wrong += _trigger_differences(path, settings)
    if wrong:
        lines = "\n".join(f"  {line}" for line in dict.fromkeys(wrong))
        raise StaleFilesError(
            f"the compiled files do not match pipeline_config.yaml:\n{lines}\nrun `make export`, then deploy again"
        )


def _expected(settings: PipelineSettings) -> dict[str, tuple[str, ...]]:
    """The values that a member of a request may have, by its name in the AWS API."""
    image = image_uri(Settings.model_construct(pipeline=settings))  # it reads no other part of the settings
    return {
        "RoleArn": (settings.aws.sagemaker_role_arn,),
        "TrainingImage": (image,),
        "ImageUri": (image,),
        "JobName": tuple(getattr(settings.glue, name) for name in SCRIPTS.values()),
    }


def _values(value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a JSON document with the name of the member that holds it."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            if isinstance(each, str):
                yield name, each
            else:
                yield from _values(each)
    elif isinstance(value, list):
        for each in value:
            yield from _values(each)


def _trigger_differences(path: Path, settings: PipelineSettings) -> Iterator[str]:
    detail = json.loads(path.read_text(encoding="utf-8"))["detail"]
    for bucket in detail["bucket"]["name"]:
        if bucket != settings.storage.bucket:
            yield _difference(path, "bucket", bucket, repr(settings.storage.bucket))
    for key in detail["object"]["key"]:
        if not isinstance(key, str) and "prefix" in key:
            continue  # that of manifests, which is no setting
        pattern = key if isinstance(key, str) else key["wildcard"]
        if not pattern.startswith(settings.storage.raw):
            yield _difference(path, "object key", pattern, f"a key below {settings.storage.raw!r}")


def _difference(path: Path, member: str, found: str, expected: str) -> str:
    return f"stepfunctions/{path.name}: {member} is {found!r}, expected {expected}"
