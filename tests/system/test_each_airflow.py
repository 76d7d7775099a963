"""The flows, for real, on the oldest Airflow that MWAA has images for and on the newest; all others run on 3.2."""

from __future__ import annotations

from pathlib import Path

import pytest

from laptop.servers.stack import CLASSIFICATION, MONITORING, TRAINING
from tests.campaign.kills.house import House, house


def succeeds(found: House, flow: str, run: str) -> None:
    ended = found.end(flow, run)
    states = {task["task_id"]: task["state"] for task in found.orchestrator.tasks(flow, run)}
    assert ended == "success", states
    assert set(states.values()) <= {"success", "skipped"}, states


@pytest.mark.parametrize("venv", ["airflow-oldest", "airflow-newest"])
def test_a_model_is_trained_classifies_and_is_monitored(venv: str, tmp_path: Path) -> None:
    with house(tmp_path, "airflow", venv) as found:
        for flow in (TRAINING, CLASSIFICATION):
            succeeds(found, flow, found.start(flow))
        assert found.visible(TRAINING)["latest"] == {"version": "v1", "previous": None}
        (manifest,) = [each for key, each in found.visible(CLASSIFICATION).items() if key.startswith("manifests/")]
        # A run of an event would have been lost while it was paused.
        found.orchestrator.unpause(MONITORING)
        succeeds(found, MONITORING, found.orchestrator.trigger(MONITORING, {"run_id": manifest["run_id"]}))
        assert found.bucket.read_json(f"monitoring/run_id={manifest['run_id']}/decision.json")["action"]
    fates = {name: count for name, count in manifest["account"].items() if name != "rows_in"}
    assert manifest["account"]["rows_in"] == sum(fates.values())
    assert fates["classified"] > 0
