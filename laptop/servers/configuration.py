"""Airflow's settings that all ways to run it on a laptop share, from `airflow.env`, which says why each is so."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parents[1] / "airflow.env"


def shared_configuration(file: Path = FILE) -> dict[str, str]:
    """The lines `KEY=VALUE` of an env file as docker compose reads them; `#` begins a comment where a line begins.

    Raises:
        ValueError: a line is neither, a key comes twice, or make and compose would not read the same value.
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
        # Compose takes quotes away, fills $NAMES in and cuts comments off; we would do none of it.
        if value != value.strip() or set(value) & set("\"'$#"):
            raise ValueError(f"{file.name}:{number}: write {key}'s value without quotes, $, # and outer spaces")
        found[key] = value
    return found
