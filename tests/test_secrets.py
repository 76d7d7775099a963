"""No file of the repository holds a secret, and none but the named ones an account id."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SECRETS = {
    "an AWS access key id": r"\b(?:AKIA|ASIA)(?![A-Z]*EXAMPLE)[A-Z0-9]{16}\b",
    "an AWS secret access key": r"(?i)secret_?access_?key\W{1,4}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "a package registry token": r"\b(?:pypi-[A-Za-z0-9_-]{50,}|npm_[A-Za-z0-9]{36})\b",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a URL with a password": r"[a-z][a-z0-9+.-]*://[^\s/:@'\"{}$<>]+:[^\s/:@'\"{}$<>]{3,}@[^\s'\"]+",
}
# Not an account of a user: local AWS's own, and AWS's, which publish the images.
NAMED = {
    "dags/complaints/config/local.yaml": "local AWS",
    "localaws/events/messages.py": "local AWS",
    "localaws/server/cloud.py": "local AWS",
}
WAIVED = {
    ("docker-compose.yaml", "a URL with a password"): "a database inside the network of the containers, without a port",
}
EXAMPLES = ("tests/", "docs/", "CHANGELOG.md", "README.md", "locks/", "bench/")


def files() -> Iterator[tuple[str, str]]:
    """Every text file that git knows, by its path."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        content = (ROOT / name).read_bytes() if (ROOT / name).is_file() else b"\0"
        if b"\0" not in content:
            yield name, content.decode("utf-8")


def found(text: str) -> list[str]:
    return [kind for kind, pattern in SECRETS.items() if re.search(pattern, text)]


def test_no_file_holds_a_secret_but_the_waived_ones_do() -> None:
    scanned = [(name, text) for name, text in files() if name != "tests/test_secrets.py"]
    assert {(name, kind) for name, text in scanned for kind in found(text)} == WAIVED.keys()


def test_no_file_but_the_named_ones_holds_an_account_id() -> None:
    account = re.compile(r"(?<![\w.])\d{12}(?![\w.])")
    ids = [name for name, text in files() if not name.startswith(EXAMPLES) and account.search(text)]
    assert set(ids) <= NAMED.keys(), f"take the account from the stacks' outputs: {sorted(set(ids) - NAMED.keys())}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AKIA" + "Q3EGRZ5JH7UTMB2X", "an AWS access key id"),
        ("aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzKEY", "an AWS secret access key"),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"),
        ("ghp_" + "a1" * 18, "a GitHub token"),
        ("xoxb-" + "123456789012-abc", "a Slack token"),
        ("pypi-" + "Ab1" * 20, "a package registry token"),
        ("eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTYifQ." + "dozjgNryP4J3jVmNHl0w", "a JSON web token"),
        ("postgresql://airflow:" + "hunter2@database/airflow", "a URL with a password"),
    ],
)
def test_each_kind_is_found(text: str, kind: str) -> None:
    assert found(f"here: {text}\n") == [kind]


@pytest.mark.parametrize(
    "text", ["AKIAIOSFODNN7EXAMPLE"[:-4], "postgresql://$USER:$PASSWORD@host/db", "https://a.b/c:d"]
)
def test_what_is_none_is_not(text: str) -> None:
    assert found(text) == []
