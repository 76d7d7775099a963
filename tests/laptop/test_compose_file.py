"""docker-compose.yaml and Dockerfile, read as files; tests/compose runs them."""

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
# MWAA's components, each as a service of its own.
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
def test_each_service_has_a_health_check_or_ends_and_stays_in_the_projects_network(name: str) -> None:
    service = SERVICES[name]
    assert ("healthcheck" in service) is (name not in ONCE), f"{name}: a long-running service needs a health check"
    waited_for = {each: how["condition"] for each, how in service.get("depends_on", {}).items()}
    for other, condition in waited_for.items():
        right = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert condition == right, f"{name} waits for {other} to be {condition}; it should be {right}"
    assert not {"network_mode", "privileged", "pid", "ipc"} & set(service), f"{name}: not on Docker Desktop"
    for port in service.get("ports", ()):
        assert port.startswith(("127.0.0.1:", "${UI_ADDRESS:-127.0.0.1}:")), f"{name}: {port} is on every interface"


@pytest.mark.parametrize("name", sorted(AIRFLOW))
def test_airflow_has_the_shared_settings_and_reads_the_tree_without_write_access(name: str) -> None:
    service = SERVICES[name]
    assert service["env_file"] == "laptop/airflow.env"
    assert {"./dags:/ptmlops/dags:ro", "./plugins:/ptmlops/plugins:ro"} <= set(service["volumes"])
    twice = set(service["environment"]) & set(shared_configuration())
    assert not twice, f"{name} overrides {twice} of laptop/airflow.env"


def test_links_in_alerts_lead_to_the_published_port() -> None:
    (published,) = SERVICES["api-server"]["ports"]
    address = SERVICES["scheduler"]["environment"]["AIRFLOW__API__BASE_URL"]
    assert address == f"http://{published.rpartition(':')[0]}"


def test_every_secret_comes_from_the_files_that_airflow_init_makes(tmp_path: Any) -> None:
    made = credentials(tmp_path)
    environment = SERVICES["scheduler"]["environment"]
    for setting, value in made.settings.items():
        if setting.endswith("_FILE"):
            file = environment[setting]
        else:
            file = environment[f"{setting}_CMD"].removeprefix("cat ")
            assert (tmp_path / file.rpartition("/")[2]).read_text().strip() == value
        assert file.startswith("/airflow/secrets/")
        assert (tmp_path / file.rpartition("/")[2]).is_file(), f"airflow-init makes no {file}"


def test_all_data_is_in_volumes() -> None:
    mounts = {mount.partition(":")[0] for service in SERVICES.values() for mount in service.get("volumes", ())}
    assert {mount for mount in mounts if not mount.startswith("./")} == set(COMPOSE["volumes"])
    assert "--keep" in SERVICES["localaws"]["command"]
