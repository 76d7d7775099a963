"""A SageMaker training job in script mode: hyperparameters name a program, which runs in a copy of /opt/ml.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from localaws.jobs import archive
from localaws.jobs.job import InputError, Phase
from localaws.jobs.processes import Command
from localaws.s3.storage import place
from localaws.sagemaker.work import SageMakerWork, require_s3_prefix, unsupported
from localaws.server.protocol import Json


def check(request: Json) -> None:
    """Validate a request before the job is created. Raises ApiError."""
    default_mode = request.get("AlgorithmSpecification", {}).get("TrainingInputMode", "File")
    for channel in request.get("InputDataConfig", []):
        where = f"channel {channel['ChannelName']}"
        # FastFile mode shows the same files.
        if channel.get("InputMode", default_mode) not in ("File", "FastFile"):
            raise unsupported(f"InputMode Pipe of {where} (use File)")
        if "S3DataSource" not in channel["DataSource"]:
            raise unsupported(f"{where} without an S3DataSource")
        require_s3_prefix(channel["DataSource"]["S3DataSource"], where)


class Training(SageMakerWork):
    """One training job."""

    def prepare(self) -> Command:
        """Create /opt/ml with data, hyperparameters and code."""
        for name in ("model", "output/data", "input/config", "input/data", "code"):
            (self.opt_ml / name).mkdir(parents=True)
        raw = self.request.get("HyperParameters", {})
        self._write("hyperparameters.json", raw)
        decoded = {name: _decoded(value) for name, value in raw.items()}
        program = self._code(decoded)
        channels = self._channels()
        passed = {name: value for name, value in decoded.items() if not name.startswith("sagemaker_")}
        arguments = [
            text for name, value in sorted(passed.items()) for text in (f"--{name}", self.localised(_bare(value)))
        ]
        environment = self.environment(**self._facts(channels, passed))
        return Command([sys.executable, str(program), *arguments], environment, program.parent)

    def collect(self, end: Phase) -> None:
        """Upload the model, unless the program failed, and its other output in any case."""
        if end is not Phase.FAILED:
            self._pack(self.opt_ml / "model", "model.tar.gz")
        if any((self.opt_ml / "output" / "data").iterdir()):
            self._pack(self.opt_ml / "output" / "data", "output.tar.gz")

    def _pack(self, folder: Path, name: str) -> None:
        packed = self.folder / name
        archive.pack(folder, packed)
        self.storage.upload(packed, place(output_uri(self.request)).below(name))

    def _code(self, hyperparameters: dict[str, Any]) -> Path:
        try:
            program = hyperparameters["sagemaker_program"]
            submitted = hyperparameters["sagemaker_submit_directory"]
        except KeyError as missing:
            raise InputError(
                f"hyperparameter {missing} is not set; local AWS trains in script mode, with "
                "sagemaker_program and sagemaker_submit_directory (s3://.../sourcedir.tar.gz) as JSON-encoded strings"
            ) from None
        packed = self.folder / "sourcedir.tar.gz"
        self.storage.download(place(submitted), packed)
        archive.unpack(packed, self.opt_ml / "code")
        path: Path = self.opt_ml / "code" / program
        if not path.is_file():
            raise InputError(f"{submitted} has no {program}")
        return path

    def _channels(self) -> dict[str, Path]:
        channels: dict[str, Path] = {}
        for channel in self.request.get("InputDataConfig", []):
            folder = self.opt_ml / "input" / "data" / channel["ChannelName"]
            self.fetch(channel["DataSource"]["S3DataSource"], folder)
            channels[channel["ChannelName"]] = folder
        config = {name: {"TrainingInputMode": "File"} for name in channels}
        self._write("inputdataconfig.json", config)
        return channels

    def _facts(self, channels: dict[str, Path], passed: dict[str, Any]) -> dict[str, str]:
        """The environment variables that the container sets.

        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md
        """
        host = "algo-1"
        facts = {
            "SM_MODEL_DIR": str(self.opt_ml / "model"),
            "SM_OUTPUT_DIR": str(self.opt_ml / "output"),
            "SM_OUTPUT_DATA_DIR": str(self.opt_ml / "output" / "data"),
            "SM_INPUT_DIR": str(self.opt_ml / "input"),
            "SM_INPUT_CONFIG_DIR": str(self.opt_ml / "input" / "config"),
            "SM_MODULE_DIR": str(self.opt_ml / "code"),
            "SM_CHANNELS": json.dumps(sorted(channels)),
            "SM_HPS": json.dumps(passed, sort_keys=True),
            "SM_NUM_CPUS": str(os.cpu_count() or 1),
            "SM_NUM_GPUS": "0",
            "SM_HOSTS": json.dumps([host]),
            "SM_CURRENT_HOST": host,
            "SM_USER_ENTRY_POINT": _decoded(self.request["HyperParameters"]["sagemaker_program"]),
            "TRAINING_JOB_NAME": self.request["TrainingJobName"],
            "TRAINING_JOB_ARN": self.cloud.arn("sagemaker", f"training-job/{self.request['TrainingJobName']}"),
        }
        facts |= {f"SM_CHANNEL_{name.upper()}": str(folder) for name, folder in channels.items()}
        return facts | {f"SM_HP_{name.upper()}": _bare(value) for name, value in passed.items()}

    def _write(self, name: str, document: Any) -> None:
        (self.opt_ml / "input" / "config" / name).write_text(json.dumps(document, sort_keys=True))


def output_uri(request: Json) -> str:
    """The S3 prefix of a training job's archives."""
    return f"{request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{request['TrainingJobName']}/output"


def final_metrics(request: Json, log: Path, at: float | None) -> list[Json]:
    """The last value that each of the request's metric regexes finds in the job's log."""
    if at is None:
        return []
    found = dict(emitted_metrics(request, log))
    return [{"MetricName": name, "Value": value, "Timestamp": at} for name, value in found.items()]


def emitted_metrics(request: Json, log: Path) -> Iterator[tuple[str, float]]:
    """Each value, with its metric's name, that the request's metric regexes find in the job's log so far."""
    definitions = request.get("AlgorithmSpecification", {}).get("MetricDefinitions", [])
    if not definitions or not log.exists():
        return
    with log.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            for definition in definitions:
                match = re.search(definition["Regex"], line)
                if match and (value := _number(match.group(1) if match.lastindex else "")) is not None:
                    yield definition["Name"], value


def _number(text: str) -> float | None:
    """The number that CloudWatch would take: it refuses NaN and infinities.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
    """
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _decoded(value: str) -> Any:
    """A hyperparameter's value; the SageMaker SDK encodes values as JSON, other callers need not."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _bare(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
