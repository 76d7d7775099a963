"""The figures of a benchmark: JSON in `build/bench/<name>.json`, and a section of `docs/benchmarks.md`."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.tables import machine

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BUILD = ROOT / "build" / "bench"
_PAGE_WIDTH = 120


def save(name: str, contenders: Sequence[Mapping[str, Any]], folder: Path = BUILD) -> Path:
    """Writes a JSON array; each object has `contender`, `rows`, `checksum`, `seconds`, `peak_memory_mb` and more."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(list(contenders), indent=2) + "\n", encoding="utf-8")
    return path


def version_in(python: str, package: str) -> str:
    """The name and version of a package in the environment of another Python.

    Raises:
        subprocess.CalledProcessError: the package is not installed there.
    """
    program = f"from importlib import metadata; print(metadata.version({package!r}))"
    done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True)
    return f"{package} {done.stdout.strip()}"


def record(
    name: str,
    about: str,
    text: str,
    packages: Sequence[str] = (),
    elsewhere: Sequence[str] = (),
    page: Path = PAGE,
) -> None:
    """Replaces or adds the section of a benchmark on the page.

    The section holds `about`, what is measured and against what; the date, the machine and the versions of `packages`;
    and `text`, the printed figures. `elsewhere`: names with versions of packages in other environments.

    Raises:
        importlib.metadata.PackageNotFoundError: one of the packages is not installed here.
    """
    versions = "".join(f", {each}" for each in (*(f"{one} {metadata.version(one)}" for one in packages), *elsewhere))
    # A code fence in the printed text would end the fence around it.
    body = text.strip("\n").replace("```", "'''")
    section = (
        f"<!-- bench: {name} -->\n\n## `make bench-{name}`\n\n"
        f"{textwrap.fill(about, _PAGE_WIDTH, break_on_hyphens=False)}\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}; {machine()}{versions}\n\n```text\n{body}\n```\n\n<!-- end: {name} -->\n"
    )
    before = page.read_text(encoding="utf-8") if page.exists() else "# Benchmarks\n"
    found = re.compile(rf"<!-- bench: {re.escape(name)} -->\n.*?<!-- end: {re.escape(name)} -->\n", re.DOTALL)
    after, count = found.subn(lambda _: section, before)
    page.write_text(after if count else f"{before}\n{section}", encoding="utf-8")
