"""Airflow's password and secret settings on a laptop: made at the first start, in files that only their owner reads."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

USER = "admin"
# The characters of Airflow's own generated passwords: none is easily mistaken for another.
_LETTERS = "abcdefghkmnpqrstuvwxyzABCDEFGHKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class Credentials:
    """The password of `USER`, the file that holds it, and the settings of Airflow that are secret or name a secret."""

    password: str
    password_file: Path
    settings: dict[str, str]


def credentials(folder: Path) -> Credentials:
    """The credentials in `folder`; missing ones are made. What the database holds encrypted needs the same ones."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    passwords = folder / "passwords.json"
    # SimpleAuthManager reads this file at each login, and generates passwords only for users that are not in it.
    known = json.loads(_read_or_make(passwords, lambda: json.dumps({USER: _password()})))
    settings = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords.absolute()),
        # Encrypts connections and variables in the database.
        "AIRFLOW__CORE__FERNET_KEY": _read_or_make(folder / "fernet_key", _fernet_key),
        # Signs the tokens of users and tasks.
        "AIRFLOW__API_AUTH__JWT_SECRET": _read_or_make(folder / "jwt_secret", secrets.token_urlsafe),
        # Signs sessions and requests for logs; all components need the same.
        "AIRFLOW__API__SECRET_KEY": _read_or_make(folder / "api_secret_key", secrets.token_urlsafe),
    }
    return Credentials(known[USER], passwords, settings)


def _read_or_make(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        # Atomically: half a secret from a start that was killed would lock everybody out.
        unfinished = file.with_name(f"{file.name}.{os.getpid()}")
        with open(unfinished, "w", encoding="utf-8", opener=_open_private) as written:
            written.write(make())
        unfinished.rename(file)
    return file.read_text(encoding="utf-8").strip()


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _password() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(16))


def _fernet_key() -> str:
    # As Fernet.generate_key of cryptography, which this environment does not need otherwise.
    return base64.urlsafe_b64encode(os.urandom(32)).decode()
