"""A Glue job run as a local process, with the script, its libraries and its `s3://` paths."""

import sys
from pathlib import Path

from localaws.glue import spark
from localaws.glue.ready_spark import ReadySpark
from localaws.jobs.job import InputError, Phase, Work
from localaws.jobs.processes import Command, Processes
from localaws.s3.staged_updates import StagedUpdates
from localaws.s3.staging import S3Staging, scopes
from localaws.s3.storage import Storage, place
from localaws.server.cloud import Cloud

# Glue's own arguments whose URIs are Glue's business and not the script's data.
GLUE_OWN = frozenset(
    {
        "--scriptLocation",
        "--extra-py-files",
        "--extra-jars",
        "--extra-files",
        "--additional-python-modules",
        "--spark-event-logs-path",
    }
)


class GlueRun(Work):
    """One run of a script with its merged arguments."""

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        script: str,
        arguments: dict[str, str],
        running: StagedUpdates,
        processes: ReadySpark,
    ) -> None:
        self.folder = folder
        self._processes = processes
        self._running = running
        self._cloud = cloud
        self._script = script
        self._arguments = arguments
        self._storage = Storage(cloud.client("s3"))

    def prepare(self) -> Command:
        """Fetch script, libraries and data."""
        data = {name: value for name, value in self._arguments.items() if name not in GLUE_OWN}
        self._staging = S3Staging(self._storage, self.folder / "s3", scopes(data))
        script = self._fetched(self._script, self.folder / "script")
        libraries = [
            self._fetched(uri.strip(), self.folder / "libraries")
            for uri in self._arguments.get("--extra-py-files", "").split(",")
            if uri.strip()
        ]
        self._staging.fetch()
        self._running.add(self._staging)
        python_path = {str(path if path.suffix == ".zip" else path.parent): None for path in libraries}
        asked = spark.asked_for(self._arguments.get("--conf", ""))
        self._settings = spark.mounts(self._staging.root, self._staging.buckets) | asked
        environment = self._cloud.environment()
        if python_path:
            environment["PYTHONPATH"] = ":".join(python_path)
        passed = [text for pair in self._arguments.items() for text in pair]
        return Command([sys.executable, str(script), *passed], environment, self.folder)

    def start(self, command: Command, merge_output: bool) -> Processes:  # noqa: ARG002
        """Run it with Spark's configuration, in the process that is kept ready if it may."""
        return self._processes.start(command, self._settings)

    def collect(self, end: Phase) -> None:  # noqa: ARG002
        """Bring S3 up to date, however the run ended: on AWS, too, what was written stays."""
        self._running.remove(self._staging)
        self._staging.push()

    def failure(self, exit_code: int, error: str) -> str:
        """The last line of the traceback, as Glue shows it."""
        return error or f"the script ended with exit code {exit_code} and said nothing"

    def _fetched(self, uri: str, folder: Path) -> Path:
        source = place(uri)
        if not source.key:
            raise InputError(f"{uri!r} names a bucket, not an object")
        path = folder / Path(source.key).name
        self._storage.download(source, path)
        return path
