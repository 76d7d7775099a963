"""A folder of a person's: each complaints file that is copied into it is uploaded, once it is complete."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from complaints.runs.plans import InputObject, why_not_complaints
from laptop.inputs import InputError

# Size and time of the last change in nanoseconds: what is told of a file apart from the same file, replaced.
Look = tuple[int, int]


class Inbox:
    """Looks into `folder` when it is asked to, about once a second.

    `memory`: a file that remembers what was uploaded over restarts. A file is complete when two looks in a row find it
    the same; who copies slower than that gives it a name that begins with `_` or `.` meanwhile.
    """

    def __init__(self, folder: Path, s3: Any, bucket: str, prefix: str, memory: Path) -> None:
        check_folder(folder)
        self.folder = folder.absolute()
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._memory = memory
        self._uploaded: dict[str, Look] = _remembered(memory)
        self._seen: dict[str, Look] = {}
        self._told: dict[str, Look] = {}

    def look(self) -> Iterator[str]:
        """Uploads what is complete; a line about each file that was, and about each that never will be."""
        before, self._seen = self._seen, dict(self._files())
        for name, look in sorted(self._seen.items()):
            known = self._uploaded.get(self._identity(name)), self._told.get(name)
            if before.get(name) == look and look not in known:
                yield from self._upload(name, look)

    def _upload(self, name: str, look: Look) -> Iterator[str]:
        refusal = why_not_complaints(InputObject(last_modified="", key=name, etag="", size=look[0]))
        if refusal:
            self._told[name] = look
            yield f"inbox: {name} is passed over: {refusal}"
            return
        key = f"{self._prefix}{name}"
        try:
            self._s3.upload_file(str(self.folder / name), self._bucket, key)
        except FileNotFoundError:
            return  # taken away at the last moment
        except (OSError, Boto3Error, ClientError, BotoCoreError) as error:
            self._told[name] = look
            yield f"inbox: {name} could not be uploaded: {error}; touch it to have it tried again"
            return
        self._uploaded[self._identity(name)] = look
        self._remember()
        yield f"inbox: {name} → s3://{self._bucket}/{key}"

    def _files(self) -> Iterator[tuple[str, Look]]:
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    if entry.name[0] not in "_." and entry.is_file():
                        found = entry.stat()
                        yield entry.name, (found.st_size, found.st_mtime_ns)
        except OSError:
            return  # the folder, or a file in it, is gone for now

    def _identity(self, name: str) -> str:
        return str(self.folder / name)

    def _remember(self) -> None:
        unfinished = self._memory.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._uploaded, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self._memory)


def check_folder(folder: Path) -> None:
    """Raises InputError if there is no such folder."""
    if not folder.is_dir():
        raise InputError(f"INBOX={folder}: no such folder; make it first")


def _remembered(memory: Path) -> dict[str, Look]:
    if not memory.exists():
        return {}
    return {name: (size, changed) for name, (size, changed) in json.loads(memory.read_text(encoding="utf-8")).items()}
