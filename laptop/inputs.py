"""The complaints files that a person names: found on disk, checked, and uploaded to S3."""

from __future__ import annotations

import glob
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from complaints.runs.inputs import OUR_SUFFIXES
from complaints.settings import Storage

_ACCEPTED = ".csv, .csv.gz or .zip"
_READ_BY_PANDAS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods"), "read_excel(path)"),
    **dict.fromkeys((".jsonl", ".ndjson"), "read_json(path, lines=True)"),
    ".json": "read_json(path)",
    ".parquet": "read_parquet(path)",
}
# Unfinished uploads, resource forks of macOS (__MACOSX, ._x), checkpoints of notebooks, temporary output of Spark.
_HIDDEN = ("_", ".")


class InputError(ValueError):
    """A path that a person named cannot be used; the message says why, and what would be right."""


@dataclass(frozen=True)
class Inputs:
    """The files to read, in order, and the complaints files that were found and skipped."""

    files: list[Path]
    skipped: list[Path]


def named_paths(value: str) -> list[Path]:
    """The paths in the value of a variable such as TRAIN: one existing path as it stands, or words as a shell has them.

    An existing file or folder needs no quotes. Otherwise the value is split at spaces, quotes group words, and each
    word may be a pattern (`folder/*.csv`) or begin with `~/`. Nothing is run by a shell.

    Raises:
        InputError: a quote is not closed, or a word names nothing that exists.
    """
    if not value.strip():
        return []
    if _exists(Path(value)):
        return [Path(value)]
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise InputError(f"{value}: {error}, and no file or folder has this name") from error
    return [path for word in words for path in _matches(word, is_alone=len(words) == 1)]


def _matches(word: str, *, is_alone: bool) -> list[Path]:
    path = Path(word)
    if not _exists(path) and word.startswith("~/"):
        path = path.expanduser()
    if _exists(path):
        return [path]
    # Path.glob accepts no absolute pattern.
    found = sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207
    if not found:
        hint = "" if is_alone else "; put quotes around a name that holds spaces"
        raise InputError(f"{word}: no such file or folder{hint}")
    return found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a list of files can be longer than a name may be
        return False


def complaints_files(paths: Sequence[Path]) -> Inputs:
    """The complaints files of `paths`, in the order given; folders are searched at every depth.

    A file that is named is read, whatever its name begins with. In a folder, empty files are skipped, and so is
    everything below it whose name begins with `_` or `.`.

    Raises:
        InputError: a path does not exist, is no complaints file, or is a folder without one.
    """
    found = [_in_folder(path) if path.is_dir() else Inputs([_checked(path)], []) for path in paths]
    return Inputs([file for each in found for file in each.files], [file for each in found for file in each.skipped])


def _in_folder(folder: Path) -> Inputs:
    every = sorted(file for file in folder.rglob("*") if _is_complaints_file(file))
    files = [file for file in every if not _is_hidden(file.relative_to(folder)) and file.stat().st_size]
    skipped = sorted({*every} - {*files})
    if not files:
        seen = f" ({len(skipped)} skipped: empty, or named like temporary files)" if skipped else ""
        raise InputError(f"{folder}: no {_ACCEPTED} file in this folder or below{seen}")
    return Inputs(files, skipped)


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(_HIDDEN) for part in path.parts)


def _checked(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path}: no such file or folder")
    if not _is_complaints_file(path):
        raise InputError(f"{path}: not a {_ACCEPTED} file; {_remedy(path)}")
    if not path.stat().st_size:
        raise InputError(f"{path}: the file is empty")
    return path


def _remedy(path: Path) -> str:
    if read := _READ_BY_PANDAS.get(path.suffix.lower()):
        return f"convert it to CSV, for example in pandas: {read}.to_csv('complaints.csv', index=False)"
    return "name complaints files, or a folder that holds some"


def _is_complaints_file(path: Path) -> bool:
    return path.is_file() and path.name.lower().endswith(OUR_SUFFIXES)


def refused_characters(name: str) -> str:
    """The characters of a file's name that no flow accepts in an S3 key, each once.

    >>> refused_characters("a #1 (new).csv")
    '#'
    """
    return "".join(sorted({c for c in name if not _is_accepted(c)}))


def object_names(files: Iterable[Path]) -> list[str]:
    """The name under which each file is uploaded, such that S3 lists them in the order of the files.

    A file keeps its name where the flows accept it and the names are in order. Otherwise each is numbered, and
    characters that the flows refuse become `_`. The order matters: of two copies of a complaint, the later file wins.
    """
    names = [file.name for file in files]
    safe = ["".join(c if _is_accepted(c) else "_" for c in name) for name in names]
    if safe == names == sorted(set(names)) and not any(name.startswith(_HIDDEN) for name in names):
        return names
    digits = max(3, len(str(len(names) - 1)))
    return [f"{position:0{digits}d}-{name}" for position, name in enumerate(safe)]


def _is_accepted(character: str) -> bool:
    return character.isprintable() and bool(re.fullmatch(Storage.source_pattern("raw/"), f"raw/{character}"))


def upload(s3: Any, bucket: str, prefix: str, files: Sequence[Path]) -> None:
    """Uploads the files to `prefix`, under the names of `object_names`."""
    for file, name in zip(files, object_names(files), strict=True):
        s3.upload_file(str(file), bucket, f"{prefix}{name}")
