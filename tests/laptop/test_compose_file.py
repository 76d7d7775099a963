"""docker-compose.yaml and Dockerfile as they stand; tests/compose brings them up."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from laptop.servers.airflow import ROOT
from laptop.servers.configuration import shared_configuration
from laptop.servers.credentials import credentials

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {"airflow-init", "arrivals", "deploy"}
# Of MWAA's components, each a service of its own.
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "airflow-init", "arrivals"}


def test_both_ways_to_install_use_the_same_uv() -> None:
    version = r"^(?:ARG )?UV_VERSION *:?= *(\S+)$"
    found = {name: re.findall(version, (ROOT / name).read_text(), re.MULTILINE) for name in ("Dockerfile", "Makefile")}
    assert found["Dockerfile"] == found["Makefile"] != []


def test_every_environment_is_a_lock_with_hashes() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    synced = [line for line in lines if "uv pip" in line]
    assert len(synced) == 2
    assert all("pip sync" in line and "--require-hashes" in line and "/locks/" in line for line in synced)


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_is_watched_or_ends_and_stays_in_the_projects_network(name: str) -> None:
    service = SERVICES[name]
    assert ("healthcheck" in service) is (name not in ONCE), f"{name}: a service that stays has a health check"
    waited_for = {each: how["condition"] for each, how in service.get("depends_on", {}).items()}
    for other, condition in waited_for.items():
        right = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert condition == right, f"{name} waits for {other} to be {condition}; it should be {right}"
    assert not {"network_mode", "privileged", "pid", "ipc"} & set(service), f"{name}: Docker Desktop knows no host's"
    for port in service.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${UI_ADDRESS:-127.0.0.1}:")), f"{name} publishes {port} to everybody"


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_airflow_has_the_shared_settings_and_the_tree_which_it_cannot_change(name: str) -> None:
    service = SERVICES[name]
    assert service["env_file"] == "laptop/airflow.env"
    assert {"./dags:/ptmlops/dags:ro", "./plugins:/ptmlops/plugins:ro"} <= set(service["volumes"])
    twice = set(service["environment"]) & set(shared_configuration())
    assert not twice, f"{name} overrides {twice} of laptop/airflow.env"


def test_every_secret_comes_from_the_files_that_the_first_start_makes(tmp_path: Any) -> None:
    made = credentials(tmp_path)
    environment = SERVICES["scheduler"]["environment"]
    for setting, value in made.settings.items():
        if setting.endswith("_FILE"):
            told = environment[setting]
        else:
            told = environment[f"{setting}_CMD"].removeprefix("cat ")
            assert (tmp_path / told.rpartition("/")[2]).read_text().strip() == value
        assert told.startswith("/airflow/secrets/")
        assert (tmp_path / told.rpartition("/")[2]).is_file(), f"nobody makes {told}"


def test_what_is_kept_is_kept_in_volumes() -> None:
    mounts = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())}
    assert {mount for mount in mounts if not mount.startswith("./")} == set(COMPOSE["volumes"])
    assert "--keep" in SERVICES["localaws"]["command"]
