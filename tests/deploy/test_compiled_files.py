"""A serverless deployment is refused if the compiled event patterns were made for other prefixes."""

from __future__ import annotations

from typing import Any

import pytest

from complaints.settings import PipelineSettings, load_settings
from deploy.compiled_files import check_compiled_files
from deploy.errors import StaleFilesError
from deploy.pipeline import deploy_pipeline
from localaws import LocalAWS

SETTINGS = load_settings().pipeline
FOUND = (
    "stepfunctions/complaints_classification.trigger.json: object key is 'raw/*.*', expected a key below 'incoming/'"
)


def changed(section: str, **values: Any) -> PipelineSettings:
    """The settings with other values in one section."""
    return SETTINGS.model_copy(update={section: getattr(SETTINGS, section).model_copy(update=values)})


def test_the_committed_files_match_the_committed_settings() -> None:
    check_compiled_files(SETTINGS)


def test_another_bucket_needs_no_other_files() -> None:
    check_compiled_files(changed("storage", bucket="acme-complaints"))


def test_another_prefix_is_refused_with_file_found_and_expected() -> None:
    with pytest.raises(StaleFilesError) as caught:
        check_compiled_files(changed("storage", raw="incoming/"))
    assert str(caught.value).splitlines() == [
        "the compiled files do not match pipeline_config.yaml:",
        f"  {FOUND}",
        "run `make export`, then deploy again",
    ]


def test_nothing_is_deployed_from_files_for_another_prefix(aws: LocalAWS) -> None:
    clients = {name: aws.client(name) for name in ("cloudformation", "s3", "lambda", "stepfunctions", "events")}
    with pytest.raises(StaleFilesError):
        deploy_pipeline(changed("storage", raw="incoming/"), clients)
    assert clients["lambda"].list_functions()["Functions"] == []
    assert clients["stepfunctions"].list_state_machines()["stateMachines"] == []
