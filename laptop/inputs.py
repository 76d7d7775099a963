"""Which files a run is about: those that a person named, or the generated sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from complaints.runs.plans import OUR_SUFFIXES
from laptop.sample import write_sample

_SAID = ".csv, .csv.gz or .zip"


class InputError(ValueError):
    """A path that a person named cannot be used; the message says why and what would be right."""


def complaints_files(paths: Sequence[Path]) -> list[Path]:
    """The complaints files that `paths` name, folders searched to the bottom, in the order given.

    Raises:
        InputError: a path does not exist, is no complaints file, or is a folder without one.
    """
    return [file for path in paths for file in _found(path)]


def _found(path: Path) -> Iterable[Path]:
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _is_ours(file) and file.stat().st_size)
        if not files:
            raise InputError(f"{path}: no {_SAID} file in this folder or below")
        return files
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not _is_ours(path):
        raise InputError(f"{path}: not a {_SAID} file; name complaints, or a folder that holds some")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty")
    return [path]


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(OUR_SUFFIXES)


def check(train: Sequence[Path], classify: Sequence[Path]) -> None:
    """Raises InputError for a path that cannot be used, before anything is started or removed."""
    complaints_files([*train, *classify])


def sample_or(train: Sequence[Path], classify: Sequence[Path], folder: Path) -> tuple[list[Path], list[Path], bool]:
    """What to train on, what to classify, and whether any of it is the synthetic sample, written to `folder`."""
    if train and classify:
        return complaints_files(train), complaints_files(classify), False
    sample = write_sample(folder)
    return complaints_files(train) or list(sample.training), complaints_files(classify) or list(sample.classify), True


def upload(s3: Any, bucket: str, prefix: str, files: Sequence[Path]) -> None:
    """Puts each file under `prefix` by its own name, numbered where the names do not sort as the files do.

    The order is kept that way: of two copies of a complaint, the one in the later file wins.
    """
    names = [file.name for file in files]
    numbered = names != sorted(set(names))
    for position, file in enumerate(files):
        name = f"{position:03d}-{file.name}" if numbered else file.name
        s3.upload_file(str(file), bucket, f"{prefix}{name}")
