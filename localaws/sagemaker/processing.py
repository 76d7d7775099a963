"""A SageMaker processing job: an entry point with inputs and outputs below `/opt/ml/processing`."""

import sys
from pathlib import Path

from localaws.jobs.job import InputError, Phase
from localaws.jobs.processes import Command
from localaws.s3.storage import place
from localaws.sagemaker.work import SageMakerWork, require_file_mode, unsupported
from localaws.server.protocol import Json, invalid

PYTHONS = frozenset({"python", "python3", "/usr/bin/python3", "/miniconda3/bin/python", "/usr/local/bin/python3"})


def check(request: Json) -> None:
    """Validate a request before the job is created. Raises ApiError."""
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise unsupported("AppSpecification without ContainerEntrypoint: there is no image to take it from")
    for given in request.get("ProcessingInputs", []):
        if "S3Input" not in given:
            raise unsupported(f"ProcessingInput {given['InputName']} without S3Input")
        require_file_mode(given["S3Input"], f"ProcessingInput {given['InputName']}")
        _require_opt_ml(given["S3Input"].get("LocalPath", ""))
    for output in _outputs(request):
        if "S3Output" not in output:
            raise unsupported(f"ProcessingOutput {output['OutputName']} without S3Output")
        _require_opt_ml(output["S3Output"].get("LocalPath", ""))


def _require_opt_ml(path: str) -> None:
    if not path.startswith("/opt/ml/processing"):
        raise invalid("sagemaker", f"LocalPath {path!r} must begin with /opt/ml/processing")


def _outputs(request: Json) -> list[Json]:
    outputs: list[Json] = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return outputs


class Processing(SageMakerWork):
    """One processing job."""

    def prepare(self) -> Command:
        """Download the inputs and create the outputs' folders."""
        (self.opt_ml / "output").mkdir(parents=True)
        for given in self.request.get("ProcessingInputs", []):
            self.fetch(given["S3Input"], self._local(given["S3Input"]))
        for output in _outputs(self.request):
            self._local(output["S3Output"]).mkdir(parents=True, exist_ok=True)
        application = self.request["AppSpecification"]
        asked: list[str] = application["ContainerEntrypoint"] + application.get("ContainerArguments", [])
        arguments = [self.localised(text) for text in asked]
        if arguments[0] in PYTHONS:
            arguments[0] = sys.executable
        environment = self.environment(
            PROCESSING_JOB_ARN=self.cloud.arn("sagemaker", f"processing-job/{self.request['ProcessingJobName']}")
        )
        return Command(arguments, environment, self.folder)

    def collect(self, end: Phase) -> None:
        """Upload the outputs, unless the job failed."""
        if end is Phase.FAILED:
            return
        for output in _outputs(self.request):
            target = output["S3Output"]
            self.storage.upload_folder(self._local(target), place(target["S3Uri"]))

    def _local(self, data: Json) -> Path:
        path = Path(self.localised(data["LocalPath"]))
        if ".." in path.parts:
            raise InputError(f"LocalPath {data['LocalPath']!r} leaves the container's folder")
        return path
