"""The inbox of `make up`: each complaints file that is copied into the folder is uploaded once it is complete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from complaints.aws.objects import ObjectVersion
from complaints.runs.inputs import why_not_complaints
from laptop.inputs import InputError, refused_characters

# Size, and time of the last change in nanoseconds: a file that is replaced has another one.
Fingerprint = tuple[int, int]


class Inbox:
    """Scans `folder` whenever `news` is called, about once a second, and uploads the files that are complete.

    A file is complete when two scans in a row find it unchanged; during a slower copy it needs a name that begins with
    `_` or `.`. `memory` is the file that records the uploads, so that a restart repeats none.
    """

    def __init__(self, folder: Path, s3: Any, bucket: str, prefix: str, memory: Path) -> None:
        self.folder = existing_folder(folder).absolute()
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._memory = memory
        self._uploaded: dict[str, Fingerprint] = _read(memory)
        self._seen: dict[str, Fingerprint] = {}
        self._reported: dict[str, Fingerprint] = {}

    def news(self) -> Iterator[str]:
        """Uploads the complete files; a message for each upload, and for each file that cannot be uploaded."""
        before, self._seen = self._seen, dict(self._files())
        for name, fingerprint in sorted(self._seen.items()):
            known = self._uploaded.get(self._identity(name)), self._reported.get(name)
            if before.get(name) == fingerprint and fingerprint not in known:
                yield from self._upload(name, fingerprint)

    def _upload(self, name: str, fingerprint: Fingerprint) -> Iterator[str]:
        if refusal := _refusal(name, size=fingerprint[0]):
            self._reported[name] = fingerprint
            yield f"inbox: skipped {name}: {refusal}"
            return
        key = f"{self._prefix}{name}"
        try:
            self._s3.upload_file(str(self.folder / name), self._bucket, key)
        except FileNotFoundError:
            return  # removed a moment ago
        except (OSError, Boto3Error, ClientError, BotoCoreError) as error:
            self._reported[name] = fingerprint
            yield f"inbox: {name} could not be uploaded: {error}; touch the file to try again"
            return
        self._uploaded[self._identity(name)] = fingerprint
        self._write_memory()
        yield f"inbox: {name} → s3://{self._bucket}/{key}"

    def _files(self) -> Iterator[tuple[str, Fingerprint]]:
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name[0] not in "_." and entry.is_file():
                        found = entry.stat()
                        yield entry.name, (found.st_size, found.st_mtime_ns)
        except OSError:
            return  # the folder or a file in it has just been removed

    def _identity(self, name: str) -> str:
        return str(self.folder / name)

    def _write_memory(self) -> None:
        unfinished = self._memory.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._uploaded, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self._memory)


def _refusal(name: str, size: int) -> str | None:
    """The reason why a file cannot be uploaded under its name; None if it can."""
    if refused := refused_characters(name):
        return f"the name has characters that no flow accepts ({' '.join(refused)}); rename the file"
    return why_not_complaints(ObjectVersion(key=name, etag="", size=size))


def existing_folder(folder: Path) -> Path:
    """The folder, with `~/` expanded.

    Raises:
        InputError: it does not exist.
    """
    found = folder if folder.is_dir() else folder.expanduser()
    if not found.is_dir():
        raise InputError(f"INBOX={folder}: no such folder; create it first")
    return found


def _read(memory: Path) -> dict[str, Fingerprint]:
    if not memory.exists():
        return {}
    return {name: (size, changed) for name, (size, changed) in json.loads(memory.read_text(encoding="utf-8")).items()}
