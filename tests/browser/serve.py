"""Airflow and local AWS for the tests in a browser: one line of JSON says where, then it waits.

Once a model is trained, a second version appears, which the gate holds back: a training takes minutes.

The browser has an environment of its own; this runs where the jobs do: `python -m tests.browser.serve FOLDER`.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from pathlib import Path

from complaints.aws.bucket import Bucket
from complaints.models.registry import ModelVersion
from complaints.settings import load_settings
from laptop.sample import write_sample
from laptop.servers.credentials import USER
from laptop.servers.stack import Data, airflow_stack


def main(build: Path) -> None:
    """Says where Airflow is and who may come in, once both flows can be triggered."""
    sample, settings = write_sample(build / "synthetic-sample"), load_settings().pipeline
    with airflow_stack(build, settings, lambda: Data(sample.training, sample.classify)) as stack:
        airflow = stack.orchestrator
        told = {"address": airflow.address, "user": USER, "password": airflow.credentials.password}
        print(json.dumps(told), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            bucket = Bucket(stack.aws.client("s3"), settings.storage.bucket)
            while True:
                _add_second_version(bucket)
                time.sleep(1)


def _add_second_version(bucket: Bucket) -> None:
    """A version of the same model under the next name, unless there is none yet, or two."""
    first, second = (ModelVersion(number).record_key for number in (1, 2))
    record = bucket.read_json(first)
    if record and bucket.read_json(second) is None:
        held = {"verdict": "HOLD", "reasons": ["it is no better"], "gate": {}}
        bucket.write_json(second, {**record, "version": "v2", "verdict": held})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
