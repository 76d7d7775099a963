"""Airflow's secrets on a laptop: made at the first start, in files that only their owner can read, outside the tree."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

USER = "admin"
# As Airflow draws its own: no letter that is taken for another.
_LETTERS = "abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class Credentials:
    """The password of `USER`, and Airflow's settings that are secret or name a file of secrets."""

    password: str
    settings: dict[str, str]


def credentials(folder: Path) -> Credentials:
    """Those in `folder`, which are made where they are missing; they last as long as what they have encrypted."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = folder / "passwords.json"
    # SimpleAuthManager reads this file at each login, and adds a user only who is not in it.
    known = json.loads(_kept(passwords, lambda: json.dumps({USER: _password()})))
    settings = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords.absolute()),
        # Encrypts connections and variables in the database.
        "AIRFLOW__CORE__FERNET_KEY": _kept(folder / "fernet_key", _fernet_key),
        # Signs what users and tasks show the API server to be let in.
        "AIRFLOW__API_AUTH__JWT_SECRET": _kept(folder / "jwt_secret", secrets.token_urlsafe),
        # Signs sessions and the addresses of logs; all components must have the same.
        "AIRFLOW__API__SECRET_KEY": _kept(folder / "api_secret_key", secrets.token_urlsafe),
    }
    return Credentials(known[USER], settings)


def _kept(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        # Whole or not at all: half a secret from a start that was killed would lock everybody out.
        unfinished = file.with_name(f"{file.name}.{os.getpid()}")
        with open(unfinished, "w", encoding="utf-8", opener=_for_the_owner_only) as written:
            written.write(make())
        unfinished.rename(file)
    return file.read_text(encoding="utf-8").strip()


def _for_the_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


def _fernet_key() -> str:
    # What cryptography's Fernet.generate_key does, which this environment need not have.
    return base64.urlsafe_b64encode(os.urandom(32)).decode()
