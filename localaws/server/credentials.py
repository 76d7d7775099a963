"""The credentials that local AWS accepts: random ones, or those of the environment or of a persistent state folder.

The file has the format of `~/.aws/credentials`, so that any AWS client can be pointed at it
(AWS_SHARED_CREDENTIALS_FILE). Only its owner can read it.
"""

import configparser
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import botocore.session

from localaws.server.private_files import open_private

FILE_NAME = "credentials"
# For docker compose and the like; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are for the real AWS.
ID_VARIABLE, SECRET_VARIABLE = "LOCALAWS_ACCESS_KEY_ID", "LOCALAWS_SECRET_ACCESS_KEY"
_PROFILE = "default"


@dataclass(frozen=True)
class Credentials:
    """An access key id and its secret."""

    access_key_id: str
    secret_access_key: str = field(repr=False)

    @property
    def session(self) -> dict[str, str]:
        """Arguments of boto3's Session."""
        return {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key}

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that any AWS client reads."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}


def own_session(credentials: Credentials) -> boto3.session.Session:
    """A session with these credentials, whatever profile the user's shell names."""
    return boto3.session.Session(botocore_session=without_profile(), **credentials.session)


def without_profile() -> botocore.session.Session:
    """botocore's session, which does not read `AWS_PROFILE`: a profile that is not there would stop every client."""
    return botocore.session.Session(session_vars={"profile": (None, None, None, None)})


def new_credentials() -> Credentials:
    """Random credentials; the id has the length of AWS's ids, and says that it is local."""
    letters = string.ascii_uppercase + string.digits
    return Credentials("LOCALAWS" + "".join(secrets.choice(letters) for _ in range(12)), secrets.token_urlsafe(30))


def given_credentials(environment: Mapping[str, str]) -> Credentials | None:
    """The credentials in an environment; None if it has none.

    Raises:
        ValueError: one of the two variables is missing.
    """
    values = [environment.get(name, "") for name in (ID_VARIABLE, SECRET_VARIABLE)]
    if not any(values):
        return None
    if not all(values):
        raise ValueError(f"set both {ID_VARIABLE} and {SECRET_VARIABLE}, or neither")
    return Credentials(*values)


def read_credentials(file: Path) -> Credentials | None:
    """The credentials in a file; None if there are none."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
        section = parser[_PROFILE]
        return Credentials(section["aws_access_key_id"], section["aws_secret_access_key"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        return None


def write_credentials(file: Path, credentials: Credentials) -> None:
    """Replaces the file in one step."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    with open_private(unfinished) as output:
        lines = [f"{name} = {value}" for name, value in credentials.session.items()]
        output.write("\n".join([f"[{_PROFILE}]", *lines, ""]))
    unfinished.replace(file)
