"""The values of an environment that the compiled files leave open, as `${Name}`.

The committed machines and event patterns belong to no account: role, bucket, image, jobs and function are names there,
and so is the partition of the services' integrations. An execution in China or GovCloud fails with States.Runtime where
that is not its own: https://github.com/aws/aws-cdk/issues/4597
CloudFormation's `DefinitionSubstitutions` fill them in, and so does `filled`:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from complaints.runs.requests import image_uri
from complaints.settings import PipelineSettings, Settings
from stepfunctions.handlers import STEPS_FUNCTION

_OPEN = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_PARTITION = "Partition"
_INTEGRATION = re.compile(r"arn:aws(?=:states:::)")


class SubstitutionError(ValueError):
    """A value that cannot be left open, or a name without a value."""


def substitutions(settings: PipelineSettings) -> dict[str, str]:
    """What each `${Name}` of the compiled files stands for in the environment of these settings."""
    image = image_uri(Settings.model_construct(pipeline=settings))  # it reads no other part of the settings
    return {
        _PARTITION: settings.aws.sagemaker_role_arn.split(":")[1],
        "Bucket": settings.storage.bucket,
        "SageMakerRoleArn": settings.aws.sagemaker_role_arn,
        "StepsFunctionArn": STEPS_FUNCTION,  # states accept a name in the place of the ARN
        "ScikitLearnImage": image,
        "PrepareHistoryJob": settings.glue.prepare_history_job,
        "PrepareComplaintsJob": settings.glue.prepare_complaints_job,
        "AuditResultsJob": settings.glue.audit_results_job,
        "FetchExportJob": settings.glue.fetch_export_job,
        "CompareExportsJob": settings.glue.compare_exports_job,
    }


def left_open(document: Any, values: Mapping[str, str]) -> Any:
    """The JSON `document`, as the compiler writes it, with `${Name}` for each of the `values`; the inverse of `filled`.

    Raises:
        SubstitutionError: two names have the same value, or a text has one of the values somewhere inside.
    """
    whole = {name: value for name, value in values.items() if name != _PARTITION}
    names = {value: name for name, value in whole.items()}
    if len(names) < len(whole):
        raise SubstitutionError(f"each value must be another one, to be left open by its name: {dict(values)}")
    return _left_open(document, names)


def _left_open(document: Any, names: Mapping[str, str]) -> Any:
    if isinstance(document, Mapping):
        return {key: _left_open(value, names) for key, value in document.items()}
    if isinstance(document, (list, tuple)):
        return [_left_open(each, names) for each in document]
    if not isinstance(document, str):
        return document
    if document in names:
        return f"${{{names[document]}}}"
    document = _INTEGRATION.sub(f"arn:${{{_PARTITION}}}", document)
    for value, name in names.items():
        if value in document:
            raise SubstitutionError(
                f"{document!r} contains {name}, {value!r}: only a text that is nothing else can be left open; take it "
                "from the plan of the run"
            )
    return document


def filled(text: str, values: Mapping[str, str]) -> str:
    """A compiled file with the `values` in the place of its names.

    Raises:
        SubstitutionError: it has a name that is not in `values`.
    """
    if absent := sorted({*_OPEN.findall(text)} - values.keys()):
        raise SubstitutionError(f"no value for {', '.join(absent)}; known are {', '.join(values)}")
    return _OPEN.sub(lambda found: values[found[1]], text)
