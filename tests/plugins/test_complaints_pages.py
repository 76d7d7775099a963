"""The pages in Airflow's API server: who sees them, what is refused, and that they never harm Airflow."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from deploy.code_archives import active_environment, plugins_archive, with_environment
from tests.complaints.pages.examples import manifest, pointer, record
from tests.plugins.pages_server import BUCKET, Server, pages_server
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
PATHS = ("/", "/runs", "/runs/0123456789abcdef", "/models", "/models/v1", "/compare?left=v1&right=v1", "/monitoring")
pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own deprecations, of whichever version this is


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with warnings.catch_warnings(), pages_server(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture
def filled(server: Server) -> Iterator[Server]:
    """A bucket with a run and a model in service, emptied afterwards."""
    documents = {
        "manifests/run_id=0123456789abcdef.json": manifest(),
        "models/versioned/v1/model.json": record(),
        "models/latest": pointer(),
    }
    for key, document in documents.items():
        server.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())
    yield server
    for key in documents:
        server.s3.delete_object(Bucket=BUCKET, Key=key)


def routes() -> list[Any]:
    from complaints_ui.routes import application

    return [route for route in application().routes if hasattr(route, "methods")]


@pytest.mark.parametrize("path", PATHS)
def test_a_viewer_sees_a_page(filled: Server, path: str) -> None:
    answer = filled.page(path)
    assert answer.status_code == 200, answer.text
    assert "<h1>" in answer.text


@pytest.mark.parametrize(("role", "has_buttons"), [("viewer", False), ("user", True), ("admin", True)])
def test_only_who_may_trigger_the_promotion_has_its_button(filled: Server, role: str, has_buttons: bool) -> None:
    key = "models/versioned/v2/model.json"
    filled.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(record("v2")).encode())
    try:
        assert ("Promote v2" in filled.page("/models", role).text) == has_buttons
    finally:
        filled.s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize("path", [*PATHS, "/airflow/complaints_classification/manual"])
def test_a_user_who_may_not_view_the_dag_is_refused(filled: Server, path: str) -> None:
    answer = filled.page(path, headers={"Authorization": f"Bearer {filled.token('')}"})
    assert answer.status_code == 403
    assert "may not view complaints_" in answer.text
    assert "today.csv" not in answer.text


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), (None, 401)])
def test_who_may_not_trigger_the_promotion_cannot_do_what_its_button_does(
    server: Server, role: str | None, status: int
) -> None:
    conf = {"version": "v1", "action": "promote", "by": "x", "reason": "x"}
    headers = {"Authorization": f"Bearer {server.token(role)}"} if role else {}
    address = "/api/v2/dags/complaints_promotion/dagRuns"
    answer = server.client.post(address, json={"logical_date": None, "conf": conf}, headers=headers)
    assert answer.status_code == status
    # A form of another site has the cookie and can send no JSON.
    form = server.client.post(address, data=conf, headers={"Authorization": f"Bearer {server.token('admin')}"})
    assert form.status_code == 422


@pytest.mark.parametrize("path", ["/runs/ffffffffffffffff", "/models/v9", "/compare?left=v1&right=v9"])
def test_what_does_not_exist_is_not_found(filled: Server, path: str) -> None:
    answer = filled.page(path)
    assert answer.status_code == 404
    assert "<h1>" in answer.text


@pytest.mark.parametrize(
    "path", ["/runs/..%2Fmodels", "/runs/xyz", "/models/v0", "/models/latest", "/compare", "/compare?left=v1&right=.."]
)
def test_a_name_that_no_run_or_version_has_never_reaches_s3(server: Server, path: str) -> None:
    assert server.page(path).status_code in (404, 422)


@pytest.fixture
def planned() -> Iterator[str]:
    """A run of Airflow that has planned the published run; its id."""
    from airflow import settings
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.types import DagRunType
    from sqlalchemy.orm import Session

    dag_id, run_id = "complaints_classification", "manual__2026-11-28T10:00:00+00:00"
    with settings.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The run has no task instances, whose columns differ by version.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        with Session(connection) as session:
            run = DagRun(dag_id=dag_id, run_id=run_id, run_type=DagRunType.MANUAL, state="success")
            session.add(run)
            session.flush()
            given = {"task_id": "plan_classification", "key": "run_id", "value": '"0123456789abcdef"', "map_index": -1}
            session.add(XComModel(dag_run_id=run.id, dag_id=dag_id, run_id=run_id, **given))
            session.commit()
            yield run_id
            session.query(XComModel).delete()
            session.query(DagRun).delete()
            session.commit()


def test_the_page_of_a_run_of_airflow_has_its_outcome_and_leads_to_its_results(filled: Server, planned: str) -> None:
    answer = filled.page(f"/airflow/complaints_classification/{planned}")
    assert answer.status_code == 200, answer.text
    assert "1,525 classified, 15 quarantined, v1" in answer.text
    assert 'href="/complaints/runs/0123456789abcdef"' in answer.text
    answer = filled.page("/runs")
    assert answer.status_code == 200, answer.text
    table = answer.text
    assert "/dags/complaints_classification/runs/manual__2026-11-28T10%3A00%3A00%2B00%3A00" in table


@pytest.mark.parametrize("path", ["complaints_classification/none", "another_dag/none"])
def test_a_run_of_airflow_that_is_none_of_ours_is_not_found(server: Server, path: str) -> None:
    answer = server.page(f"/airflow/{path}")
    assert answer.status_code == 404
    assert "This page is about runs of the complaints" in answer.text


def test_no_route_answers_without_a_user_and_none_changes_anything(filled: Server) -> None:
    filled.page("/")
    for route in routes():
        assert route.methods <= {"GET", "HEAD"}, route.path
        names = {"dag_id": "complaints_classification", "dag_run_id": "manual", "run_id": "0" * 16, "version": "v1"}
        path = route.path.replace(":path", "").format(**names)
        answer = filled.page(path, role=None)
        assert answer.status_code == 401, route.path
        assert "0123456789abcdef" not in answer.text.replace(path, "")
        assert filled.page(path, role=None, headers={"Authorization": "Bearer wrong"}).status_code in (401, 403)
        assert filled.page(path, role=None, headers={"Cookie": "_token=wrong"}).status_code in (401, 403)


def test_a_page_of_500_runs_takes_less_than_a_second_of_the_api_server(server: Server) -> None:
    """By its processor time, the first time too: how long S3 takes is S3's, and other tests run beside this one."""
    keys = [f"manifests/run_id={number:016x}.json" for number in range(500)]
    with ThreadPoolExecutor(16) as pool:
        body = json.dumps(manifest()).encode()
        list(pool.map(lambda key: server.s3.put_object(Bucket=BUCKET, Key=key, Body=body), keys))
    server.page("/models")  # the application is built
    try:
        seconds = []
        for _ in range(3):
            before = time.process_time()
            answer = server.page("/runs")
            seconds.append(time.process_time() - before)
            assert "500 runs, page 1 of 10" in answer.text
        assert max(seconds) < 1, seconds
    finally:
        server.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})


@pytest.mark.parametrize(
    "query",
    [
        "flow=x",
        "orchestrator=x",
        "page=0",
        "page=-1",
        "page=x",
        "page=99999999999",
        "since=yesterday",
        "until=2026-13-01",
    ],
)
def test_an_address_with_an_impossible_value_is_refused_with_a_sentence(server: Server, query: str) -> None:
    answer = server.page(f"/runs?{query}")
    assert answer.status_code == 422
    assert "This address is not valid" in answer.text


def test_the_filter_of_the_form_left_empty_shows_everything(filled: Server) -> None:
    answer = filled.page("/runs?flow=&orchestrator=&since=&until=")
    assert answer.status_code == 200
    assert "0123456789abcdef" in answer.text


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/runs?page=0", 422), ("/nowhere", 404)])
def test_every_answer_is_guarded_by_its_headers(server: Server, path: str, status: int) -> None:
    answer = server.page(path)
    assert answer.status_code == status
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_language_is_the_chosen_one_and_else_the_browsers(server: Server) -> None:
    assert '<html lang="en">' in server.page("/").text
    assert '<html lang="es">' in server.page("/", headers={"Accept-Language": "es-MX,en;q=0.5"}).text
    chosen = {"Accept-Language": "en", "Cookie": "complaints_language=es"}
    assert '<html lang="es">' in server.page("/", headers=chosen).text
    assert '<html lang="en">' in server.page("/", headers={"Cookie": "complaints_language=xx"}).text


def test_a_bucket_that_cannot_be_read_is_a_sentence(server: Server) -> None:
    server.s3.delete_bucket(Bucket=BUCKET)
    try:
        answer = server.page("/runs")
    finally:
        server.s3.create_bucket(Bucket=BUCKET)
    assert answer.status_code == 503
    assert f"The bucket {BUCKET} cannot be read: " in answer.text
    assert "ListObjectsV2" in answer.text
    assert "s3:ListBucket" in answer.text


# A bare Airflow that has the plugins alone: what its API server mounts, and what loading the plugin imported.
BARE = """
import sys, time
from airflow.api_fastapi.app import create_app
from airflow import plugins_manager
from airflow.configuration import conf
sys.path.insert(0, conf.get("core", "plugins_folder"))
start = time.process_time()
import complaints_pages, run_notes, trigger_errors
print("load seconds:", time.process_time() - start)
plugins_manager.ensure_plugins_loaded() if hasattr(plugins_manager, "ensure_plugins_loaded") else None
app = create_app(apps="core")
from starlette.routing import Mount
mounts = [route.path for route in app.routes if isinstance(route, Mount)]
print("mounts:", *mounts)
print("imported:", *[name for name in sys.modules if name.startswith(("complaints.", "complaints_ui", "boto"))])
from fastapi.testclient import TestClient
client = TestClient(app)
client.get("/api/v2/version")  # what Airflow itself does at its first request
start = time.process_time()
answer = client.get("/complaints/")
print("first page seconds:", time.process_time() - start)
for plugin in plugins_manager.get_plugin_info():
    entries = [*plugin.get("external_views", []), *plugin["appbuilder_menu_items"]]
    if plugin["name"] == "complaints_pages":
        print("entries:", *[entry["href"] for entry in entries])
print("status:", answer.status_code)
from airflow.listeners.listener import get_listener_manager
print("listeners:", *[type(each).__name__ for each in get_listener_manager().pm.get_plugins()])
print("broken:", *getattr(plugins_manager, "import_errors", None) or {})
"""


def bare(tmp_path: Path, plugins: Path) -> str:
    """What an Airflow with these plugins and no DAGs prints."""
    settings = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "none"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": "",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", BARE],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.stdout + done.stderr


def test_without_the_code_of_the_pages_airflow_starts_and_the_page_says_so(tmp_path: Path) -> None:
    told = bare(tmp_path, ROOT / "plugins")
    assert "mounts: " in told
    assert "/complaints" in told
    assert "\nimported:\n" in told.replace("imported: \n", "imported:\n"), "loading the plugin imports nothing of ours"
    assert "status: 503" in told


def test_plugins_zip_alone_has_all_that_the_pages_need(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    packed = with_environment(plugins_archive(), active_environment())
    zipfile.ZipFile(io.BytesIO(packed)).extractall(plugins)
    told = bare(tmp_path, plugins)
    assert "\nentries: /complaints/" in told
    assert "RunNotes" in told.partition("listeners:")[2]
    assert "status: 401" in told, "nobody is known, so the page was built and asked for a user"
    assert "broken:\n" in told.replace("broken: \n", "broken:\n")
    load, first = (float(told.partition(f"{name} seconds: ")[2].split()[0]) for name in ("load", "first page"))
    assert load < 0.1, "the plugins add this to the start of the API server, and of each task on MWAA"
    assert first < 1, "the application is built at the first request"


def test_each_run_and_task_has_its_way_to_the_page_on_every_version() -> None:
    from plugins.complaints_pages import ComplaintsPages

    page = "/complaints/airflow/"
    views = {each["destination"]: each["href"] for each in ComplaintsPages.external_views}
    if views:
        assert views["dag_run"] == views["task_instance"] == f"{page}{{DAG_ID}}/{{RUN_ID}}"
        assert views["nav"] == "/complaints/"
        return
    (link,) = ComplaintsPages.global_operator_extra_links
    ours, other = (SimpleNamespace(dag_id=dag_id, run_id="a/b") for dag_id in ("complaints_training", "another"))
    assert link.get_link(None, ti_key=ours) == f"{page}complaints_training/a%2Fb"
    assert link.get_link(None, ti_key=other) == ""
