"""The table of job kinds agrees with AWS's own model of its API, and with Amazon's operators."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from complaints.aws.job_kinds import GLUE, KINDS, TRAINING, TUNING, JobKind, kind_named, kind_of

SAGEMAKER = [kind for kind in KINDS if kind is not GLUE]


def operation(kind: JobKind, name: str) -> Any:
    return botocore.session.Session().get_service_model(kind.service).operation_model(name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_operation_is_one_of_the_api(kind: JobKind) -> None:
    for name in (kind.start, kind.describe, kind.stop, kind.list):
        assert operation(kind, name).name == name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_member_is_in_what_describe_returns_and_every_state_is_one_of_the_api(kind: JobKind) -> None:
    described = operation(kind, kind.describe).output_shape
    described = described.members["JobRun"] if kind is GLUE else described
    assert {kind.id_member, kind.status_member, kind.reason_member, *kind.outputs} <= described.members.keys()
    states = set(described.members[kind.status_member].enum)
    assert {*kind.running, *kind.failed, kind.succeeded} <= states
    # Only tuning jobs have other states: they are those of a deletion.
    assert states - {*kind.running, *kind.failed, kind.succeeded} <= {"Deleting", "DeleteFailed"}


@pytest.mark.parametrize("kind", SAGEMAKER, ids=lambda kind: kind.name)
def test_the_longest_name_is_the_apis_and_leaves_room_for_the_attempt(kind: JobKind) -> None:
    name = operation(kind, kind.start).input_shape.members[kind.id_member]
    assert kind.longest_name == name.metadata["max"]
    assert len(f"{'x' * kind.longest_planned_name}-99") == kind.longest_name


def test_tuning_is_known_by_the_apis_name_and_by_that_of_amazons_operator() -> None:
    assert kind_named("Tuning") is kind_named("HyperParameterTuning") is TUNING
    assert (TUNING.longest_name, TUNING.title) == (32, "SageMaker tuning job")
    with pytest.raises(KeyError, match="unknown kind of job 'Labeling'; use one of Glue, Training"):
        kind_named("Labeling")


def test_the_kind_of_a_job_is_seen_in_its_description() -> None:
    assert kind_of({"JobRunState": "FAILED", "Id": "jr_1"}) is GLUE
    assert kind_of({"TrainingJobName": "t-0"}) is TRAINING
    assert kind_of({"HyperParameterTuningJobName": "t-0", "BestTrainingJob": {"TrainingJobName": "t-0-1"}}) is TUNING
    assert kind_of({"errorMessage": "no"}) is None
