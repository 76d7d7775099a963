"""What the Glue jobs run on: version, workers, and the cores that the files are shared out to."""

from __future__ import annotations

import re
from pathlib import Path

from complaints.settings import load_settings
from deploy.infrastructure import worker_parameters
from localaws.glue.spark import asked_for

GLUE = load_settings().pipeline.glue
TEMPLATE = Path(__file__).parents[2] / "infra" / "jobs.yaml"


def test_all_executors_count_and_the_driver_does_not() -> None:
    glue = GLUE.model_copy(update={"version": "6.0", "worker_type": "G.2X", "number_of_workers": 4})
    found = worker_parameters(glue)
    assert (found["GlueVersion"], found["ExecutorCores"]) == ("6.0", "24")


def test_every_job_is_told_its_region_and_its_cores() -> None:
    template = TEMPLATE.read_text(encoding="utf-8")
    given = re.findall(r'--conf: !Sub "(.*)"', template)
    assert len(given) == template.count("Type: AWS::Glue::Job")
    for conf in given:
        assert asked_for(conf) == {
            "spark.hadoop.fs.s3a.endpoint.region": "${AWS::Region}",
            "spark.default.parallelism": "${ExecutorCores}",
        }
