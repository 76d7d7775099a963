"""The archive of class data that Spark's JVM starts from: half of a small job's processor time is loading classes.

`python -m localaws.glue` makes it, once for each JVM and PySpark. Without it, or where it does not fit, jobs
run as well and start slower. Java calls it an AppCDS archive: https://docs.oracle.com/en/java/javase/17/vm/class-data-sharing.html
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from localaws.glue import spark

FOLDER = Path(sys.prefix).resolve() / "spark-class-data"
# What the archive is made from. Not imported: it imports all of PySpark.
WARM_UP = Path(__file__).resolve().with_name("warm_up.py")
WARM_UP_BUCKET = "warm-up"
# Java warns of an archive that does not fit, on standard output.
_QUIET = ("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
_PATIENCE_SECONDS = 900


class ArchiveError(Exception):
    """The archive could not be made; the message says what failed."""


@cache
def jvm_options() -> tuple[str, ...]:
    """The options that make Spark's JVM start from the archive; none where there is no archive."""
    _, archive = _files(FOLDER / _key())
    # Java splits the option's value at colons.
    return options(archive) if archive.exists() and os.pathsep not in str(archive) else ()


def options(archive: Path) -> tuple[str, ...]:
    """The options for a JVM that uses an archive where it fits, and says nothing where it does not."""
    return (f"-XX:SharedArchiveFile={archive}", *_QUIET)


def make(folder: Path = FOLDER) -> Path:
    """Makes the archive of this JVM and PySpark in `folder` unless it is there; removes those of others.

    Raises:
        ArchiveError: Java or the warm-up job failed, or `folder` cannot be written.
    """
    base, archive = _files(folder / _key())
    if archive.exists():
        return archive
    try:
        with _only_one(folder):
            if not archive.exists():
                _remove_others(folder)
                archive.parent.mkdir()
                with tempfile.TemporaryDirectory(dir=folder) as scratch:
                    _make(base, archive, Path(scratch))
    except OSError as error:
        raise ArchiveError(str(error)) from error
    return archive


def _make(base: Path, archive: Path, scratch: Path) -> None:
    """Both archives, each there with all its content or not at all."""
    java = str(spark.JAVA_HOME / "bin" / "java")
    new_base, new_archive = scratch / base.name, scratch / archive.name
    _run([java, f"-XX:SharedArchiveFile={new_base}", "-XX:+UseSerialGC", "-Xshare:dump"], {}, scratch)
    # First of all: the second archive only fits the first one of this path.
    new_base.replace(base)
    record = (f"-XX:ArchiveClassesAtExit={new_archive}", *options(base))
    environment = spark.configure(scratch, spark.mounts(scratch, [WARM_UP_BUCKET]), record)
    (scratch / WARM_UP_BUCKET).mkdir()
    _run([sys.executable, str(WARM_UP)], environment, scratch)
    if not new_archive.exists():
        raise ArchiveError("Java ended without writing the archive")
    new_archive.replace(archive)


def _run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    """Runs a command to its end, and to that of all processes that hold its output: Spark's JVM outlives Python."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # As in a job: the time zone and the encoding decide which classes are loaded.
    own = {"TZ": "UTC", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    try:
        ended = subprocess.run(
            command,
            env=inherited | own | environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(f"{command[0]} did not end within {_PATIENCE_SECONDS} s") from error
    if ended.returncode:
        last = ended.stdout.decode(errors="replace")[-2000:]
        raise ArchiveError(f"{command[0]} ended with code {ended.returncode}: {last}")


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Waits for another process that makes the archive; its end, however it comes, lets the next one in."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _remove_others(folder: Path) -> None:
    """Archives of an earlier JVM or PySpark, and what makers that were killed have left."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def _key() -> str:
    """Names what the archive depends on: the JVM, the jars with their paths, sizes and times, and our options."""
    digest = hashlib.sha256()
    modules = spark.JAVA_HOME / "lib" / "modules"
    for path in (modules, *sorted((spark.SPARK_HOME / "jars").glob("*.jar"))):
        found = path.stat()
        digest.update(f"{path} {found.st_size} {int(found.st_mtime)}\n".encode())
    digest.update(" ".join(spark.JVM_OPTIONS).encode())
    digest.update(WARM_UP.read_bytes())
    return digest.hexdigest()[:16]


def _files(folder: Path) -> tuple[Path, Path]:
    """The archive of Java's own classes, and the one of Spark's on top of it."""
    return folder / "java.jsa", folder / "spark.jsa"
