"""The common part of SageMaker jobs: a folder in place of `/opt/ml`, and failure messages."""

import re
from pathlib import Path

from localaws.jobs.forks import Forks
from localaws.jobs.job import InputError, Work
from localaws.jobs.processes import Command, Processes
from localaws.s3.storage import Storage, place
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json, invalid

OPT_ML = re.compile(r"/opt/ml(?=/|$)")
# The maximum length of DescribeTrainingJob's FailureReason.
FAILURE_CHARACTERS = 1024


class SageMakerWork(Work):
    """A request, and the folder with its container's `/opt/ml`."""

    def __init__(self, cloud: Cloud, folder: Path, request: Json, forks: Forks) -> None:
        self._forks = forks
        self.folder = folder
        self.cloud = cloud
        self.request = request
        self.storage = Storage(cloud.client("s3"))

    @property
    def opt_ml(self) -> Path:
        """The container's /opt/ml."""
        return self.folder / "opt-ml"

    def localised(self, text: str) -> str:
        """The text with /opt/ml replaced by the job's folder."""
        return OPT_ML.sub(str(self.opt_ml), text)

    def environment(self, **more: str) -> dict[str, str]:
        """The job's environment; values of the request win."""
        asked = {name: self.localised(value) for name, value in self.request.get("Environment", {}).items()}
        return self.cloud.environment() | more | asked

    def start(self, command: Command, merge_output: bool) -> Processes:
        """Run it in a fork of an interpreter that has imported the image's libraries, if there is one."""
        return self._forks.start(command, merge_output)

    def failure(self, exit_code: int, error: str) -> str:
        """The error that the container wrote to a file, else the error in its log."""
        written = self.opt_ml / "output" / "failure"
        error = written.read_text(errors="replace").strip() if written.is_file() else error
        room = FAILURE_CHARACTERS - 100
        return f"AlgorithmError: {error[-room:] or 'See job logs for more information'}, exit code: {exit_code}"

    def refusal(self, error: Exception) -> str:
        """The error as SageMaker words it: ClientError for invalid input."""
        fault = "ClientError" if isinstance(error, InputError) else "InternalServerError"
        return f"{fault}: {error}"[:FAILURE_CHARACTERS]

    def fetch(self, source: Json, folder: Path) -> None:
        """Download the objects of an S3DataSource or S3Input into a folder."""
        if source.get("S3DataType") == "ManifestFile":
            self.storage.download_listed(place(source["S3Uri"]), folder)
        else:
            self.storage.download_prefix(place(source["S3Uri"]), folder)


def unsupported(what: str) -> Exception:
    """The error for a valid request that local AWS cannot run as AWS would."""
    return invalid("sagemaker", f"local AWS does not support {what}")


def require_s3_prefix(source: Json, where: str) -> None:
    """Raises ApiError for manifests and pipe mode."""
    if source.get("S3DataType", "S3Prefix") != "S3Prefix":
        raise unsupported(f"S3DataType {source['S3DataType']} in {where} (use S3Prefix)")
    require_file_mode(source, where)


def require_file_mode(source: Json, where: str) -> None:
    """Raises ApiError for pipe mode."""
    if source.get("S3InputMode", "File") != "File":
        raise unsupported(f"S3InputMode {source['S3InputMode']} in {where} (use File)")
