"""Where a bench's figures go: `build/bench/<name>.json` for programs, a section of `docs/benchmarks.md` for people."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.tables import machine

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BUILD = ROOT / "build" / "bench"


def save(name: str, contenders: Sequence[Mapping[str, Any]], folder: Path = BUILD) -> Path:
    """Writes one object a contender, `contender`, `rows`, `checksum`, `seconds`, `peak_memory_mb` and more, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(list(contenders), indent=2) + "\n", encoding="utf-8")
    return path


def version_in(python: str, package: str) -> str:
    """Name and version of a package in another environment, by that environment's Python.

    Raises:
        subprocess.CalledProcessError: it is not installed there.
    """
    program = f"from importlib import metadata; print(metadata.version({package!r}))"
    done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return f"{package} {done.stdout.strip()}"


def record(
    name: str, text: str, packages: Sequence[str] = (), elsewhere: Sequence[str] = (), page: Path = PAGE
) -> None:
    """Replaces the section of a bench, or adds one: what it printed, with machine, date and the packages' versions.

    `elsewhere`: names with versions of what ran in other environments.

    Raises:
        importlib.metadata.PackageNotFoundError: one of the packages is not installed here.
    """
    versions = "".join(f", {each}" for each in (*(f"{one} {metadata.version(one)}" for one in packages), *elsewhere))
    # A fence in what was printed would end the section's own.
    body = text.strip("\n").replace("```", "'''")
    section = (
        f"<!-- bench: {name} -->\n\n## `make bench-{name}`\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}; {machine()}{versions}\n\n```text\n{body}\n```\n\n<!-- end: {name} -->\n"
    )
    before = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    found = re.compile(rf"<!-- bench: {re.escape(name)} -->\n.*?<!-- end: {re.escape(name)} -->\n", re.DOTALL)
    after, count = found.subn(lambda _: section, before)
    page.write_text(after if count else f"{before}\n{section}", encoding="utf-8")
