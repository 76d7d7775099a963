"""A SageMaker batch transform job: every object under a prefix through a model, one `.out` object each."""

import json
import os
import sys
from pathlib import Path

from localaws.jobs import archive
from localaws.jobs.forks import Forks
from localaws.jobs.job import InputError, Phase
from localaws.jobs.processes import Command
from localaws.s3.storage import place
from localaws.sagemaker.work import SageMakerWork, require_s3_prefix, unsupported
from localaws.server.cloud import Cloud
from localaws.server.protocol import Json, invalid

SERVER = Path(__file__).parents[1] / "container" / "serve_batch.py"
DEFAULT_PAYLOAD_MB = 6
MAX_PAYLOAD_MB = 100


def check(request: Json) -> None:
    """Validate a request before the job is created. Raises ApiError."""
    if request.get("DataProcessing"):
        raise unsupported("DataProcessing (InputFilter, OutputFilter, JoinSource)")
    if request.get("DataCaptureConfig"):
        raise unsupported("DataCaptureConfig")
    require_s3_prefix(request["TransformInput"]["DataSource"]["S3DataSource"], "TransformInput")
    if request["TransformInput"].get("SplitType", "None") not in ("None", "Line"):
        raise unsupported(f"SplitType {request['TransformInput']['SplitType']} (use Line or None)")
    payload = request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)
    if request.get("MaxConcurrentTransforms", 1) * payload > MAX_PAYLOAD_MB:
        raise invalid("sagemaker", "MaxConcurrentTransforms * MaxPayloadInMB must not exceed 100 MB")


class Transform(SageMakerWork):
    """One transform job; `container` is the Model's PrimaryContainer."""

    def __init__(self, cloud: Cloud, folder: Path, request: Json, forks: Forks, container: Json) -> None:
        super().__init__(cloud, folder, request, forks)
        self._container = container
        self._outputs = folder / "outputs"

    def prepare(self) -> Command:
        """Download model, code and input, and write the server's task file."""
        code = self._code()
        data = self.request["TransformInput"]["DataSource"]["S3DataSource"]
        inputs = self.storage.download_prefix(place(data["S3Uri"]), self.folder / "inputs")
        task = self.folder / "task.json"
        task.write_text(json.dumps(self._task(code, inputs)))
        self._outputs.mkdir()
        environment = self.environment(
            PIP_NO_INDEX="1",
            PIP_CONFIG_FILE=os.devnull,
            **self._container.get("Environment", {}),
            SAGEMAKER_BATCH="true",
            SM_MODEL_DIR=str(self.opt_ml / "model"),
        )
        return Command([sys.executable, str(SERVER), str(task)], environment, code)

    def collect(self, end: Phase) -> None:
        """Upload the outputs. SageMaker stores none of a stopped job.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTransformJob.html
        """
        if end is not Phase.STOPPED:
            self.storage.upload_folder(self._outputs, place(self.request["TransformOutput"]["S3OutputPath"]))

    def failure(self, exit_code: int, error: str) -> str:
        """The server's error for the first object that failed, else the error in its log."""
        written = self.folder / "failure"
        return written.read_text() if written.is_file() else super().failure(exit_code, error)

    def _task(self, code: Path, inputs: list[str]) -> Json:
        given, wanted = self.request["TransformInput"], self.request["TransformOutput"]
        return {
            "program": str(code / self._container["Environment"]["SAGEMAKER_PROGRAM"]),
            "site": str(self.folder / "site"),
            "model": str(self.opt_ml / "model"),
            "inputs": inputs,
            "input_folder": str(self.folder / "inputs"),
            "output_folder": str(self._outputs),
            "partial": str(self.folder / "partial"),
            "failure": str(self.folder / "failure"),
            "content_type": given.get("ContentType", ""),
            # What the container's server puts in for a missing Accept.
            "accept": wanted.get("Accept") or "application/json",
            "gzip": given.get("CompressionType", "None") == "Gzip",
            "split": given.get("SplitType", "None") == "Line",
            "assemble": wanted.get("AssembleWith", "None") == "Line",
            "single": self.request.get("BatchStrategy", "MultiRecord") == "SingleRecord",
            "payload": self.request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB) * 1024 * 1024,
        }

    def _code(self) -> Path:
        settings = self._container.get("Environment", {})
        missing = [name for name in ("SAGEMAKER_PROGRAM", "SAGEMAKER_SUBMIT_DIRECTORY") if name not in settings]
        if missing or "ModelDataUrl" not in self._container:
            lacks = ", ".join([*missing, *(["ModelDataUrl"] if "ModelDataUrl" not in self._container else [])])
            raise InputError(f"the model {self.request['ModelName']} has no {lacks} in its PrimaryContainer")
        model = self.opt_ml / "model"
        self._unpacked(self._container["ModelDataUrl"], model)
        submitted = settings["SAGEMAKER_SUBMIT_DIRECTORY"]
        if not submitted.startswith("s3://"):
            # The SageMaker SDK packs the code into the model: /opt/ml/model/code.
            return Path(self.localised(submitted))
        self._unpacked(submitted, self.opt_ml / "code")
        return self.opt_ml / "code"

    def _unpacked(self, uri: str, folder: Path) -> None:
        packed = self.folder / "packed.tar.gz"
        self.storage.download(place(uri), packed)
        archive.unpack(packed, folder)
        packed.unlink()
