"""A batch transform's server and agent in one process: `python serve_batch.py task.json`.

Installs the code, loads the program with SageMaker's four functions, then sends each input object through it, payload
by payload.
Imports nothing of localaws: the program sees only its own folder on the path.
"""

import gzip
import importlib.util
import io
import json
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

FUNCTIONS = ("model_fn", "input_fn", "predict_fn", "output_fn")
PROGRESS_RECORDS = 1_000
# What the container writes into the code where it has none (sagemaker-containers 2.8.6, _modules.prepare).
SETUP = """from setuptools import setup
setup(packages=[''], name={name!r}, version='1.0.0', include_package_data=True)
"""
# The container passes these as text, everything else as bytes (sagemaker-inference, transformer.py).
TEXT_TYPES = ("application/json", "text/csv")


class ClientError(Exception):
    """The input cannot be transformed as requested."""


class InstallError(Exception):
    """pip cannot install the code."""


def install(program: Path, site: Path) -> Path:
    """Run `pip install .` in the program's folder, as the container does before it serves; returns the program there.

    Into a folder of the job's own. pip finds no package index, like in a container without internet.
    """
    code = program.parent
    if not (code / "setup.py").exists():
        (code / "setup.py").write_text(SETUP.format(name=program.stem))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(site), "."]
    done = subprocess.run(pip, cwd=code, capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr, sep="", end="", flush=True)
    if done.returncode:
        errors = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("ERROR:")]
        raise InstallError(f"pip install . ended with {done.returncode}: {' '.join(errors)}")
    return site / program.name


def load(program: Path) -> ModuleType:
    """Import the program from its own folder."""
    sys.path[0] = str(program.parent)
    spec = importlib.util.spec_from_file_location(program.stem, program)
    if spec is None or spec.loader is None:
        raise ClientError(f"{program.name} is not a Python program")
    module = importlib.util.module_from_spec(spec)
    # Like an import: dataclasses and pickle look up their module.
    sys.modules[program.stem] = module
    spec.loader.exec_module(module)
    missing = [name for name in FUNCTIONS if not hasattr(module, name)]
    if missing:
        raise AttributeError(f"{program.name} does not define {', '.join(missing)}")
    return module


def payloads(source: io.BufferedIOBase, task: dict[str, Any]) -> Iterator[tuple[bytes, int]]:
    """Each payload, and its number of records.

    Raises ClientError for a record that is larger than a payload.
    """
    limit = task["payload"] or sys.maxsize
    if not task["split"]:
        whole = source.read(limit + 1 if task["payload"] else -1)
        if len(whole) > limit:
            raise ClientError(_too_large(1, len(whole), limit))
        if whole:
            yield whole, 1
        return
    batch: list[bytes] = []
    size = 0
    for record in _records(source, limit):
        if batch and (task["single"] or size + len(record) > limit):
            yield b"".join(batch), len(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch), len(batch)


def _records(source: io.BufferedIOBase, limit: int) -> Iterator[bytes]:
    # readline of a binary file ends at b"\n" only; the bound keeps huge lines out of memory.
    number = 0
    while record := source.readline(min(limit + 1, sys.maxsize)):
        number += 1
        if len(record) > limit:
            raise ClientError(_too_large(number, len(record), limit))
        yield record


def _too_large(number: int, size: int, limit: int) -> str:
    return f"record {number:,} has {size:,} bytes or more, and a payload holds {limit:,} (MaxPayloadInMB)"


def score(module: ModuleType, model: Any, body: bytes, task: dict[str, Any]) -> bytes:
    """One payload through input_fn, predict_fn and output_fn."""
    request = body.decode() if task["content_type"] in TEXT_TYPES else body
    data = module.input_fn(request, task["content_type"])
    result = module.output_fn(module.predict_fn(data, model), task["accept"])
    answer = result[0] if isinstance(result, tuple) else result
    if isinstance(answer, str):
        return answer.encode()
    if isinstance(answer, bytes | bytearray | memoryview):
        return bytes(answer)
    raise TypeError(f"output_fn returned {type(answer).__name__}, not str or bytes (or a pair with a mimetype)")


def transform(module: ModuleType, model: Any, name: str, task: dict[str, Any]) -> None:
    """Transform one object; its output appears when it is complete."""
    target = Path(task["output_folder"]) / f"{name}.out"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(task["partial"])
    path = Path(task["input_folder"]) / name
    done = shown = 0
    with gzip.open(path) if task["gzip"] else path.open("rb") as source, partial.open("wb") as out:
        for body, count in payloads(source, task):
            answer = score(module, model, body, task)
            out.write(answer)
            if task["assemble"] and not answer.endswith(b"\n"):
                out.write(b"\n")
            done += count
            if done - shown >= PROGRESS_RECORDS:
                shown = done
                print(f"{done:,} records in {name}", flush=True)
    partial.rename(target)
    print(f"{done:,} records in {name} (complete)", flush=True)


def main(task_file: str) -> int:
    """Returns 0 if every object has its output; otherwise 1, with the first failure in a file and all in the log."""
    task = json.loads(Path(task_file).read_text())
    module = load(install(Path(task["program"]), Path(task["site"])))
    model = module.model_fn(task["model"])
    failure: str | None = None
    for name in task["inputs"]:
        try:
            transform(module, model, name, task)
        except Exception as error:
            traceback.print_exc()
            client = isinstance(error, ClientError | gzip.BadGzipFile | EOFError)
            kind = "ClientError" if client else "AlgorithmError"
            cause = str(error) if isinstance(error, ClientError) else f"{type(error).__name__}: {error}"
            failure = failure or f"{kind}: {name}: {cause}"[:1024]
    if failure:
        Path(task["failure"]).write_text(failure)
    return 1 if failure else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
