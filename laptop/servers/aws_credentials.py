"""Local AWS's credentials: generated at its start, and stored in its state folder for other commands."""

from __future__ import annotations

import configparser
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FILE = "credentials"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class AwsCredentials(NamedTuple):
    """An access key id and its secret, in the order of the parameters of boto3's Session."""

    access_key_id: str
    secret_access_key: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that any AWS client reads."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}

    @classmethod
    def new(cls) -> AwsCredentials:
        """Random credentials that cannot be mistaken for those of an AWS account."""
        access_key_id = "LOCALAWS" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
        return cls(access_key_id, secrets.token_urlsafe(30))

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> AwsCredentials:
        """The credentials in an environment; empty if it has none."""
        return cls(environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", ""))


def aws_credentials_file(state: Path) -> Path:
    """The credentials file in the state folder of local AWS, for AWS_SHARED_CREDENTIALS_FILE."""
    return state / _FILE


def read_aws_credentials(state: Path) -> AwsCredentials | None:
    """The credentials of the local AWS that uses the state folder, or used it last; None if there are none."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(aws_credentials_file(state), encoding="utf-8")
        section = parser["default"]
        return AwsCredentials(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        return None
