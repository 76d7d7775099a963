"""Stacks that are refused, broken in the middle, or declined: a clear sentence, and a second deployment goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deploy.errors import StackError
from deploy.stacks import Stack, delete_stack, deploy_stack, outputs
from localaws import LocalAWS

TEMPLATE = """
Parameters:
  Function: {Type: String, Default: nowhere}
Resources:
  Topic:
    Type: AWS::SNS::Topic
    Properties: {TopicName: broken-topic}
  Permission:
    Type: AWS::Lambda::Permission
    DependsOn: Topic
    Properties: {FunctionName: !Ref Function, Action: "lambda:InvokeFunction", Principal: events.amazonaws.com}
Outputs:
  Topic: {Value: !Ref Topic}
"""
MENDED = TEMPLATE.partition("  Permission:")[0] + TEMPLATE[TEMPLATE.index("Outputs:") :]
STACK = Stack("broken", {})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "broken.yaml").write_text(TEMPLATE, encoding="utf-8")
    return tmp_path


def mend(root: Path) -> None:
    (root / "infra" / "broken.yaml").write_text(MENDED, encoding="utf-8")


def test_a_stack_that_breaks_in_the_middle_names_resource_and_reason_and_the_next_deployment_goes_on(
    aws: LocalAWS, root: Path
) -> None:
    cloudformation = aws.client("cloudformation")
    with pytest.raises(
        StackError, match=r"p-broken is in ROLLBACK_COMPLETE: Permission .*Function not found: .*nowhere"
    ):
        deploy_stack(cloudformation, "p", STACK, root=root)
    mend(root)
    made = deploy_stack(cloudformation, "p", STACK, root=root)
    assert made == {"Topic": "arn:aws:sns:us-east-1:123456789012:broken-topic"}


def test_an_update_that_breaks_leaves_the_stack_as_it_was(aws: LocalAWS, root: Path) -> None:
    cloudformation = aws.client("cloudformation")
    mend(root)
    deploy_stack(cloudformation, "p", STACK, root=root)
    (root / "infra" / "broken.yaml").write_text(TEMPLATE, encoding="utf-8")
    for _ in range(2):
        with pytest.raises(StackError, match=r"in UPDATE_ROLLBACK_COMPLETE: Permission"):
            deploy_stack(cloudformation, "p", STACK, root=root)
    assert outputs(cloudformation, "p-broken") == {"Topic": "arn:aws:sns:us-east-1:123456789012:broken-topic"}


def test_changes_are_shown_before_they_are_made_and_none_is_made_if_they_are_declined(
    aws: LocalAWS, root: Path
) -> None:
    mend(root)
    shown: list[Any] = []

    def decline(name: str, changes: Any) -> bool:
        shown.append((name, [str(each) for each in changes]))
        return False

    with pytest.raises(StackError, match="declined"):
        deploy_stack(aws.client("cloudformation"), "p", STACK, confirm=decline, root=root)
    assert shown == [("p-broken", ["Add Topic (AWS::SNS::Topic)"])]
    assert aws.client("sns").list_topics()["Topics"] == []
    # What is left of it does not stand in the way.
    deploy_stack(aws.client("cloudformation"), "p", STACK, root=root)


def test_a_template_that_is_refused_names_its_file(aws: LocalAWS, root: Path) -> None:
    with pytest.raises(StackError, match=r"infra/broken\.yaml was refused: .*Colour"):
        deploy_stack(aws.client("cloudformation"), "p", Stack("broken", {"Colour": "red"}), root=root)


def test_a_stack_that_does_not_exist_has_no_outputs_and_is_deleted_without_a_word(aws: LocalAWS) -> None:
    assert outputs(aws.client("cloudformation"), "p-nothing") == {}
    assert delete_stack(aws.client("cloudformation"), "p", "nothing") == []
