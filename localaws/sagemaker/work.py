"""What the kinds of SageMaker jobs share: the folder that stands for `/opt/ml`, and how failures read."""

import re
from collections.abc import Sequence
from pathlib import Path

from localaws.jobs.errors import cause
from localaws.jobs.job import InputError, Work
from localaws.s3.storage import Storage, place
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json, invalid

OPT_ML = re.compile(r"/opt/ml(?=/|$)")
# DescribeTrainingJob's FailureReason ends there.
FAILURE_CHARACTERS = 1024


class SageMakerWork(Work):
    """A request, and the folder in which its container's `/opt/ml` lies."""

    def __init__(self, cloud: Cloud, folder: Path, request: Json) -> None:
        self.folder = folder
        self.cloud = cloud
        self.request = request
        self.storage = Storage(cloud.client("s3"))

    @property
    def opt_ml(self) -> Path:
        """The container's /opt/ml."""
        return self.folder / "opt-ml"

    def localised(self, text: str) -> str:
        """The text, with /opt/ml replaced by the folder that stands for it (no laptop has that one)."""
        return OPT_ML.sub(str(self.opt_ml), text)

    def environment(self, **more: str) -> dict[str, str]:
        """The job's environment; what the request asks for wins."""
        asked = {name: self.localised(value) for name, value in self.request.get("Environment", {}).items()}
        return self.cloud.environment() | more | asked

    def failure(self, exit_code: int, tail: Sequence[str]) -> str:
        """The cause as the container wrote it, else as its log tells it."""
        written = self.opt_ml / "output" / "failure"
        told = written.read_text(errors="replace").strip() if written.is_file() else cause(tail)
        room = FAILURE_CHARACTERS - 100
        return f"AlgorithmError: {told[-room:] or 'See job logs for more information'}, exit code: {exit_code}"

    def refusal(self, error: Exception) -> str:
        """SageMaker's word for the caller's fault is ClientError."""
        fault = "ClientError" if isinstance(error, InputError) else "InternalServerError"
        return f"{fault}: {error}"[:FAILURE_CHARACTERS]

    def fetch(self, source: Json, folder: Path) -> None:
        """The objects that an S3DataSource or S3Input names, into a folder."""
        self.storage.download_prefix(place(source["S3Uri"]), folder)


def unsupported(what: str) -> Exception:
    """A request that AWS would accept and this house cannot run: better refused than run otherwise."""
    return invalid("sagemaker", f"local AWS does not do this yet: {what}")


def require_s3_prefix(source: Json, where: str) -> None:
    """Raises ApiError for manifests and pipes."""
    if source.get("S3DataType", "S3Prefix") != "S3Prefix":
        raise unsupported(f"S3DataType {source['S3DataType']} in {where} (use S3Prefix)")
    if source.get("S3InputMode", "File") != "File":
        raise unsupported(f"S3InputMode {source['S3InputMode']} in {where} (use File)")
