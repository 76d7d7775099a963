"""Folders and files that other users of the machine can neither list nor read."""

import os
from pathlib import Path
from typing import IO


def make_private_folder(folder: Path) -> None:
    """Makes the folder, or closes one that is there (mode 0700)."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)


def open_private(file: Path, mode: str = "w") -> IO[str]:
    """Opens a text file that its owner alone can read (mode 0600), also if it was there before."""
    return open(file, mode, encoding="utf-8", opener=_open_for_owner)


def _open_for_owner(path: str, flags: int) -> int:
    handle = os.open(path, flags, 0o600)
    os.fchmod(handle, 0o600)
    return handle
