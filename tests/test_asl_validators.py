"""What the linters of others say about the committed state machines: cfn-lint's schema, and npm's asl-validator."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from complaints.settings import load_settings
from stepfunctions.substitutions import filled, substitutions

MACHINES = sorted((Path(__file__).parents[1] / "stepfunctions").glob("*.asl.json"))
ASL_VALIDATOR = ("npx", "--yes", "asl-validator@4.0.0")
by_name = pytest.mark.parametrize("path", MACHINES, ids=lambda path: path.name.partition(".")[0])


def definition_of(path: Path) -> str:
    """A machine as an account has it; `${Partition}` alone is no ARN to a linter."""
    return filled(path.read_text(encoding="utf-8"), substitutions(load_settings().pipeline))


def lint(definition: dict[str, Any]) -> list[str]:
    """The rules that cfn-lint finds broken in a template with this machine alone, each with its message."""
    # It imports SymPy and NetworkX, which every worker of pytest-xdist would do when it collects.
    from cfnlint import api as cfnlint
    from cfnlint.config import ManualArgs

    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "Machine": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"Definition": definition, "RoleArn": "arn:aws:iam::123456789012:role/ptmlops-flows"},
            }
        },
    }
    matches = cfnlint.lint(json.dumps(template), config=ManualArgs(regions=["us-east-1"]))
    return [f"{match.rule.id} {match.message}" for match in matches]


@pytest.fixture(scope="module")
def asl_validator() -> tuple[str, ...]:
    """The command, where node and the npm registry are at hand."""
    if shutil.which("npx") is None:
        pytest.skip("npx is not installed: asl-validator needs Node.js")
    fetched = subprocess.run([*ASL_VALIDATOR, "--version"], capture_output=True, text=True, check=False, timeout=120)
    if fetched.returncode != 0:
        pytest.skip(f"npx cannot fetch {ASL_VALIDATOR[-1]}: {fetched.stderr.strip()[-200:]}")
    return ASL_VALIDATOR


def validate(command: tuple[str, ...], path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "--json-path", str(path)], capture_output=True, text=True, check=False, timeout=120
    )


@by_name
def test_cfn_lint_has_nothing_to_say_about_a_machine(path: Path) -> None:
    assert lint(json.loads(definition_of(path))) == []


def test_cfn_lint_looks_into_the_machine() -> None:
    """The template above is of a form that E3601 judges."""
    found = lint({"StartAt": "wait", "States": {"wait": {"Type": "Wait", "Seconds": "soon", "End": True}}})
    assert [each.split()[0] for each in found] == ["E3601"]


@by_name
def test_asl_validator_finds_a_machine_valid(path: Path, asl_validator: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / path.name
    file.write_text(definition_of(path), encoding="utf-8")
    done = validate(asl_validator, file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_asl_validator_finds_a_wrong_machine_invalid(asl_validator: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "wrong.asl.json"
    file.write_text(json.dumps({"StartAt": "here", "States": {"here": {"Type": "Pass", "Next": "nowhere"}}}))
    done = validate(asl_validator, file)
    assert done.returncode != 0
    assert "MISSING_TRANSITION_TARGET" in done.stdout + done.stderr
