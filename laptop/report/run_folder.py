"""The folder of one run: `summary.json` and `report.html`, and earlier runs kept beside the newest."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from laptop.report import page

EARLIER = "earlier"
LOCK = "lock"
KEPT = ("summary.json", "report.html", "predictions", "quarantine.csv")
_RUNS_KEPT = 10


class RunFolderError(Exception):
    """The folder is in use by another run, or holds what no run has written."""


@contextmanager
def held(build: Path) -> Iterator[None]:
    """Creates `build` where it is missing, and keeps other runs out of it for the block.

    Raises:
        RunFolderError: another run uses it, or it has files of somebody else, which a run would delete.
    """
    if not _is_ours(build):
        raise RunFolderError(
            f"{build} has files that no make run has written, and a run would delete them: name an empty folder"
        )
    build.mkdir(parents=True, exist_ok=True)
    with (build / LOCK).open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise RunFolderError(
                f"another make run uses {build} (pid {lock.read()}): wait until it ends, or name another folder with "
                "python -m laptop run --build DIR"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _is_ours(build: Path) -> bool:
    """True for a folder that is empty, or that a run has used; runs of earlier versions left no lock."""
    if not build.exists():
        return True
    if build.is_dir() and not any(build.iterdir()):
        return True
    return (build / LOCK).exists() or "classification" in read(build) or (build / "aws" / "server.log").exists()


def write(folder: Path, document: Mapping[str, Any]) -> None:
    """Writes the summary, and the report that is made of it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.html").write_text(page.render(document), encoding="utf-8")
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    (folder / "summary.json").write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """The summary of the run in `folder`; empty if there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def make_room(build: Path) -> None:
    """Empties `build` for the next run, and keeps what the last runs left, ten with the next, in `earlier/`.

    A run that failed left no summary and is not kept.
    """
    earlier = build / EARLIER
    if document := read(build):
        ended = datetime.fromtimestamp((build / "summary.json").stat().st_mtime, UTC)
        run_id = document.get("classification", {}).get("run_id", "unknown")
        _move(build, earlier / f"{ended:%Y%m%dT%H%M%SZ}-{run_id}", document)
    for path in build.iterdir() if build.is_dir() else ():
        if path not in (earlier, build / LOCK):
            _remove(path)
    for old in sorted(earlier.iterdir())[: -(_RUNS_KEPT - 1)] if earlier.is_dir() else ():
        _remove(old)


def _move(build: Path, target: Path, document: dict[str, Any]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in KEPT:
        if (build / name).exists():
            _remove(target / name)
            (build / name).rename(target / name)
    places = document.get("results", {})
    moved = {name: str(target / Path(place).name) for name, place in places.items() if not place.startswith("s3://")}
    modified = (target / "summary.json").stat().st_mtime
    write(target, {**document, "results": {**places, **moved}})
    # Its time is that of the run: `make results` shows the newest.
    os.utime(target / "summary.json", (modified, modified))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
