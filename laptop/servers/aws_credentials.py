"""Local AWS's credentials: made for each start, and read from the file in its state folder by whoever comes later."""

from __future__ import annotations

import configparser
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

_FILE = "credentials"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class AwsCredentials(NamedTuple):
    """An access key id and its secret, in the order in which boto3's Session takes them."""

    access_key_id: str
    secret_access_key: str

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that any AWS client reads."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}

    @classmethod
    def new(cls) -> AwsCredentials:
        """Random ones, that nobody takes for those of an AWS account."""
        access_key_id = "LOCALAWS" + "".join(secrets.choice(_ALPHABET) for _ in range(12))
        return cls(access_key_id, secrets.token_urlsafe(30))

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> AwsCredentials:
        """Those that an environment gives every AWS client; empty where it gives none."""
        return cls(environment.get("AWS_ACCESS_KEY_ID", ""), environment.get("AWS_SECRET_ACCESS_KEY", ""))


def aws_credentials_file(state: Path) -> Path:
    """The file for AWS_SHARED_CREDENTIALS_FILE that local AWS writes into its state folder."""
    return state / _FILE


def read_aws_credentials(state: Path) -> AwsCredentials | None:
    """The credentials of the local AWS that uses this state folder, or used it last; None where there are none."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(aws_credentials_file(state), encoding="utf-8")
        section = parser["default"]
        return AwsCredentials(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        return None
