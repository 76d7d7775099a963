"""The file of Airflow's settings on a laptop, and the secrets beside its database."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path

import pytest

from laptop.servers.airflow import ROOT
from laptop.servers.configuration import FILE, shared_configuration
from laptop.servers.credentials import USER, credentials
from laptop.verbs.up import login

SETTINGS = shared_configuration()


def test_users_log_in_operators_defer_and_no_examples_are_loaded() -> None:
    assert SETTINGS["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "False"
    assert SETTINGS["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] == f"{USER}:admin"
    assert SETTINGS["AIRFLOW__OPERATORS__DEFAULT_DEFERRABLE"] == "True"
    assert SETTINGS["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"
    assert SETTINGS["AIRFLOW__USAGE_DATA_COLLECTION__ENABLED"] == "False"


def test_every_setting_is_one_of_airflow_and_has_its_reason_above_it() -> None:
    lines = FILE.read_text().splitlines()
    for key, value in SETTINGS.items():
        above = lines[lines.index(f"{key}={value}") - 1]
        assert key.startswith(("AIRFLOW__", "AIRFLOW_CONN_"))
        # A setting may share its neighbour's reason.
        assert above.startswith(("#", "AIRFLOW__")), f"{key} has no comment with its reason"


def test_the_file_has_no_secret_and_no_setting_of_one_machine() -> None:
    places = ("SECRET", "PASSWORDS_FILE", "FERNET", "SQL_ALCHEMY", "PORT", "HOST", "FOLDER", "URL")
    assert not [key for key in SETTINGS if any(place in key for place in places)]


@pytest.mark.parametrize("line", ["A", "=b", "A =b", "A= b", "A='b'", "A=$B", "A=b # why", "A=1\nA=2"])
def test_a_line_that_compose_would_read_differently_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "airflow.env"
    file.write_text(f"# why\n{line}\n")
    with pytest.raises(ValueError, match=rf"airflow\.env:{2 + line.count(chr(10))}: "):
        shared_configuration(file)


def test_secrets_are_made_once_and_only_their_owner_can_read_them(tmp_path: Path) -> None:
    first = credentials(tmp_path / "secrets")
    assert credentials(tmp_path / "secrets") == first
    files = sorted((tmp_path / "secrets").iterdir())
    assert [file.name for file in files] == ["api_secret_key", "fernet_key", "jwt_secret", "passwords.json"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_two_laptops_share_no_secret(tmp_path: Path) -> None:
    one, other = credentials(tmp_path / "one"), credentials(tmp_path / "other")
    assert one.password != other.password
    assert not set(one.settings.values()) & set(other.settings.values())


def test_the_secrets_have_the_formats_that_airflow_expects(tmp_path: Path) -> None:
    made = credentials(tmp_path)
    assert len(base64.urlsafe_b64decode(made.settings["AIRFLOW__CORE__FERNET_KEY"])) == 32
    passwords = Path(made.settings["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    assert json.loads(passwords.read_text()) == {USER: made.password}


def test_where_the_text_becomes_a_log_the_password_is_replaced_by_its_file(tmp_path: Path) -> None:
    made = credentials(tmp_path)
    assert login(made, show_password=True) == f"user admin, password {made.password}"
    assert login(made, show_password=False) == f"user admin, password in {tmp_path / 'passwords.json'}"
    assert json.loads(made.password_file.read_text())["admin"] == made.password


def test_generated_files_are_ignored_by_git() -> None:
    assert "/build/" in (ROOT / ".gitignore").read_text().splitlines()
