"""Crash-safe files of a state folder: replaced in one step, and validated when they are read."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from localaws.server.private_files import make_private_folder
from localaws.server.protocol import Json

FORMAT = 1
UNFINISHED = ".unfinished"


class StateError(RuntimeError):
    """A state folder cannot be used; the message names the file and the remedy."""


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Locks the state folder inside the block. The lock of a killed server ends with its process.

    Raises:
        StateError: another server uses it.
    """
    make_private_folder(state)
    with (state / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = f"the state folder {state} is in use by another local AWS, process {file.read().strip()}"
            raise StateError(f"{holder}: stop it, or choose another folder") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def check_format(folder: Path) -> None:
    """Creates the folder, or checks the format of an existing one.

    Raises:
        StateError: the folder has another format, or is not a state folder.
    """
    file = folder / "format.json"
    if file.exists():
        found = read_json(file, folder).get("format")
        if found != FORMAT:
            raise unreadable(file, folder, f"its format is {found!r}, and this local AWS needs {FORMAT}")
        return
    folder.mkdir(parents=True, exist_ok=True)
    if any(not path.name.endswith(UNFINISHED) for path in folder.iterdir()):
        raise unreadable(file, folder, "it is missing, though the folder is not empty")
    write_json(file, {"format": FORMAT})


def read_json(file: Path, folder: Path) -> Json:
    """The JSON object in a file of `folder`.

    Raises:
        StateError: the file is truncated or holds no JSON object.
    """
    try:
        document = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise unreadable(file, folder, str(error)) from None
    if not isinstance(document, dict):
        raise unreadable(file, folder, "it holds no JSON object")
    return document


def unreadable(file: Path, folder: Path, why: str) -> StateError:
    """The error for a file that cannot be read."""
    return StateError(f"cannot read {file}: {why}. Remove the folder {folder} to start without what it holds")


def write_json(file: Path, document: Json) -> None:
    """Replaces a file in one step: after a crash it holds the old document or the new one."""
    unfinished = file.with_name(f"{file.name}{UNFINISHED}")
    with unfinished.open("w", encoding="utf-8") as output:
        json.dump(document, output)
        to_disk(output)
    unfinished.replace(file)
    _folder_to_disk(file.parent)


def remove(file: Path) -> None:
    """Removes a file, if it exists, and syncs the folder."""
    with suppress(FileNotFoundError):
        file.unlink()
        _folder_to_disk(file.parent)


def to_disk(file: IO[str] | IO[bytes]) -> None:
    """Syncs a file to disk, so that it survives a power loss."""
    file.flush()
    os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    # Syncing a file does not sync its directory entry: https://man7.org/linux/man-pages/man2/fsync.2.html
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
