"""The Airflow settings that `make` and docker compose share, read from `airflow.env`, which explains each."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parents[1] / "airflow.env"


def shared_configuration(file: Path = FILE) -> dict[str, str]:
    """The settings in an env file: lines `KEY=VALUE`, and comments that begin with `#` at the start of a line.

    Raises:
        ValueError: a line is neither, a key is set twice, or docker compose would read another value.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        key, is_pair, value = line.partition("=")
        if not is_pair or key != key.strip() or not key:
            raise ValueError(f"{file.name}:{number}: {line!r} is not KEY=VALUE")
        if key in found:
            raise ValueError(f"{file.name}:{number}: {key} is set twice")
        # Compose strips quotes, expands $NAMES and cuts off comments, none of which this function does.
        if value != value.strip() or set(value) & set("\"'$#"):
            raise ValueError(f"{file.name}:{number}: {key}: write the value without quotes, $, # and outer spaces")
        found[key] = value
    return found
