"""The inbox of `make up`: each complaints file that is copied into the folder is uploaded once it is complete."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from complaints.aws.objects import ObjectVersion
from complaints.runs.inputs import why_not_complaints
from laptop.inputs import InputError, refused_characters

# Size, and time of the last change in nanoseconds: a file that is replaced has another one.
Fingerprint = tuple[int, int]
STILL_SECONDS = 5.0
# What programs that copy or download append to a name until they are done.
_UNFINISHED = (".part", ".partial", ".filepart", ".crdownload", ".download", ".tmp", ".temp", "~")


class Found(NamedTuple):
    """A name in the inbox; `inode` stays when the file is renamed, and `why_not` is empty for a file."""

    name: str
    why_not: str
    inode: int
    fingerprint: Fingerprint


class Inbox:
    """Scans `folder` whenever `news` is called, about once a second, and uploads the files that are complete.

    A file is complete once its size and its time of change have been the same for `still_seconds`. If it is renamed
    meanwhile, as programs do that copy under another name first, the time goes on. Folders are not searched. `memory`
    is the file that records the uploads, so that a restart repeats none.
    """

    def __init__(
        self,
        folder: Path,
        s3: Any,
        bucket: str,
        prefix: str,
        memory: Path,
        still_seconds: float = STILL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = existing_folder(folder).absolute()
        self._s3, self._bucket, self._prefix = s3, bucket, prefix
        self._memory = memory
        self._still_seconds, self._clock = still_seconds, clock
        self._uploaded: dict[str, Fingerprint] = _read(memory)
        # By inode: the last fingerprint, and since when it is the same.
        self._still: dict[int, tuple[Fingerprint, float]] = {}
        self._reported: dict[str, Fingerprint] = {}
        self._growing: set[int] = set()
        self._is_first = True

    def news(self) -> Iterator[str]:
        """Uploads the complete files; what became of each name, once each time that it changes."""
        found, now = sorted(self._names()), self._clock()
        if self._is_first:
            yield from self._kept(found)
        self._is_first = False
        before, self._still = self._still, {}
        for each in found:
            fingerprint, since = before.get(each.inode, (each.fingerprint, now))
            since = since if fingerprint == each.fingerprint else now
            self._still[each.inode] = each.fingerprint, since
            if each.fingerprint in (self._uploaded.get(self._identity(each.name)), self._reported.get(each.name)):
                continue
            if fingerprint != each.fingerprint:
                yield from self._wait(each)
            elif now - since >= self._still_seconds:
                yield from self._settle(each)

    def _kept(self, found: Sequence[Found]) -> Iterator[str]:
        kept = sum(self._uploaded.get(self._identity(each.name)) == each.fingerprint for each in found)
        if kept:
            yield f"inbox: {kept} unchanged files were uploaded before, and are not uploaded again"

    def _wait(self, each: Found) -> Iterator[str]:
        if each.inode not in self._growing and not _why_waiting(each.name):
            self._growing.add(each.inode)
            yield f"inbox: {each.name} is being written; it is uploaded once unchanged for {self._still_seconds:g} s"

    def _settle(self, each: Found) -> Iterator[str]:
        """Uploads a file that no longer changes, or says why not."""
        name, self._reported[each.name] = each.name, each.fingerprint
        self._growing.discard(each.inode)
        if each.why_not:
            yield f"inbox: skipped {name}: {each.why_not}"
        elif waiting := _why_waiting(name):
            yield f"inbox: {name} waits: {waiting}; it is uploaded once it has its final name"
        elif refusal := _refusal(name, size=each.fingerprint[0]):
            yield f"inbox: skipped {name}: {refusal}"
        else:
            yield from self._upload(name, each.fingerprint)

    def _upload(self, name: str, fingerprint: Fingerprint) -> Iterator[str]:
        key = f"{self._prefix}{name}"
        try:
            before = self._etag(key)
            self._s3.upload_file(str(self.folder / name), self._bucket, key)
            is_known = before == self._etag(key)
        except FileNotFoundError:
            return  # removed a moment ago
        except (OSError, Boto3Error, ClientError, BotoCoreError) as error:
            yield f"inbox: {name} could not be uploaded: {error}; touch the file to try again"
            return
        self._uploaded[self._identity(name)] = fingerprint
        self._write_memory()
        what = "has the content that it had before: it is not classified again" if is_known else "will be classified"
        yield f"inbox: {name} was uploaded to s3://{self._bucket}/{key}, and {what}"

    def _etag(self, key: str) -> str | None:
        try:
            return str(self._s3.head_object(Bucket=self._bucket, Key=key)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("404", "NoSuchKey"):
                raise
            return None

    def _names(self) -> Iterator[Found]:
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    # A link whose target is missing, or a file that has just been removed, is not there.
                    with suppress(FileNotFoundError):
                        yield self._found(entry)
        except OSError:
            return  # the folder has just been removed

    def _found(self, entry: os.DirEntry[str]) -> Found:
        stat = entry.stat()
        if entry.is_file():
            return Found(entry.name, "", stat.st_ino, (stat.st_size, stat.st_mtime_ns))
        folder = f"it is a folder, in which no file is looked for: put its files into {self.folder} itself"
        # A folder changes with each file in it.
        return Found(entry.name, folder if entry.is_dir() else "it is no file", stat.st_ino, (0, 0))

    def _identity(self, name: str) -> str:
        return str(self.folder / name)

    def _write_memory(self) -> None:
        unfinished = self._memory.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self._uploaded, indent=2) + "\n", encoding="utf-8")
        unfinished.replace(self._memory)


def _why_waiting(name: str) -> str:
    """The reason why a file is taken for an unfinished copy; empty if it is not."""
    if name[0] in "_.":
        return f"a name that begins with {name[0]!r} is that of an unfinished copy"
    suffix = next((suffix for suffix in _UNFINISHED if name.lower().endswith(suffix)), "")
    return f"{suffix!r} is the end of an unfinished copy's name" if suffix else ""


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
