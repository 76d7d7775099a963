"""What a task says came of its run is the run's note, on each version of Airflow; and never in place of a person's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # Airflow's own deprecations, of whichever version this is
PLUGINS = Path(__file__).parents[2] / "plugins"
CLASSIFICATION, MONITORING = "complaints_classification", "complaints_monitoring"
OUTCOME = "1,525 classified, 15 quarantined, v3"


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A session of a database with Airflow's tables, emptied afterwards."""
    # As Airflow does with its folder of plugins, in each of its processes.
    monkeypatch.syspath_prepend(PLUGINS)
    from airflow import settings
    from airflow.models import import_all_models
    from airflow.models.base import Base
    from sqlalchemy.orm import Session

    import_all_models()
    Base.metadata.create_all(settings.engine)
    with settings.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # The runs have no task instances, whose columns differ by version.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        with Session(connection) as found:
            yield found
            found.rollback()
            for table in ("xcom", "dag_run_note", "dagrun_asset_event", "asset_event", "dag_run"):
                connection.exec_driver_sql(f"DELETE FROM {table}")


def run_of(session: Any, dag_id: str, **notes: str) -> Any:
    """A run whose task has left these XComs."""
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel
    from airflow.utils.types import DagRunType

    run = DagRun(dag_id=dag_id, run_id=f"{dag_id}__1", run_type=DagRunType.MANUAL, state="success")
    session.add(run)
    session.flush()
    for key, value in notes.items():
        place = {"task_id": "publish_manifest", "key": key, "map_index": -1}
        session.add(XComModel(dag_run_id=run.id, dag_id=dag_id, run_id=run.run_id, value=f'"{value}"', **place))
    session.flush()
    return run


def ended(session: Any, run: Any, state: str = "success") -> Any:
    from plugins.run_notes import RunNotes

    listener = RunNotes()
    (listener.on_dag_run_failed if state == "failed" else listener.on_dag_run_success)(dag_run=run)
    session.flush()
    session.expire(run)
    return run


def test_the_note_of_a_run_is_what_its_task_said(session: Any) -> None:
    run = ended(session, run_of(session, CLASSIFICATION, note=OUTCOME))
    assert run.note == OUTCOME
    assert run.dag_run_note.user_id is None


def test_a_run_that_says_nothing_and_a_run_of_another_project_have_no_note(session: Any) -> None:
    assert ended(session, run_of(session, CLASSIFICATION)).note is None
    assert ended(session, run_of(session, "weather", note=OUTCOME)).note is None


def test_a_run_that_failed_says_so_before_what_it_had_done(session: Any) -> None:
    assert ended(session, run_of(session, CLASSIFICATION, note=OUTCOME), "failed").note == f"Failed. {OUTCOME}"


def test_the_note_of_a_person_stays(session: Any) -> None:
    run = run_of(session, CLASSIFICATION, note=OUTCOME)
    run.note = ("looked at it", "jane.doe")
    session.flush()
    assert ended(session, run).note == "looked at it"


def test_a_cleared_run_has_its_new_outcome(session: Any) -> None:
    run = run_of(session, CLASSIFICATION, note=OUTCOME)
    run.note = "0 classified"
    session.flush()
    assert ended(session, run).note == OUTCOME


def test_a_monitoring_adds_its_estimate_to_the_note_of_the_classification_that_started_it(session: Any) -> None:
    from airflow.models.asset import AssetEvent

    classification = ended(session, run_of(session, CLASSIFICATION, note=OUTCOME))
    with_estimate = f"{OUTCOME}, estimated accuracy 0.861"
    monitoring = run_of(session, MONITORING, note="keep", note_of_classification=with_estimate)
    event = AssetEvent(asset_id=1, source_dag_id=CLASSIFICATION, source_run_id=classification.run_id, extra={})
    monitoring.consumed_asset_events.append(event)
    session.flush()
    assert ended(session, monitoring).note == "keep"
    session.expire(classification)
    assert classification.note == with_estimate


def test_an_error_of_the_listener_is_logged_and_goes_no_further(session: Any, caplog: pytest.LogCaptureFixture) -> None:
    from airflow.models.xcom import XComModel

    run = run_of(session, CLASSIFICATION, note=OUTCOME)
    session.query(XComModel).update({"value": '"not JSON'})
    ended(session, run)
    assert "gets no note" in caplog.text


def test_a_note_is_no_longer_than_airflow_keeps(session: Any) -> None:
    run = ended(session, run_of(session, CLASSIFICATION, note="x" * 2000))
    assert len(run.note) == 1000
