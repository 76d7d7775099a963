"""What every DAG of this repository keeps. A failure says what to add."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints

import pytest

from tests.dags.conftest import DAGS

# Those that have a source of complaints. The arrivals and the ingestion have a schedule, and bring it to them.
FLOWS = {"complaints_training", "complaints_classification"}
EXPECTED = FLOWS | {
    *("complaints_arrivals", "complaints_ingestion", "complaints_monitoring", "complaints_promotion"),
    "complaints_backfill",
}
DAG_FILES = sorted(path.name for path in DAGS.glob("*.py"))


def test_every_dag_file_gives_the_dag_of_its_name(dags: dict[str, Any]) -> None:
    assert set(dags) == EXPECTED, "name the DAG file after its dag_id, and add the new DAG to EXPECTED"
    assert [name.removesuffix(".py") for name in DAG_FILES] == sorted(EXPECTED)


def test_the_library_beside_the_dags_is_not_parsed_as_dag_files(dags: dict[str, Any]) -> None:
    assert "complaints/" in (DAGS / ".airflowignore").read_text().split(), "add complaints/ to dags/.airflowignore"
    assert all("complaints/" not in str(dag.relative_fileloc or "") for dag in dags.values())


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
class TestEveryDag:
    def test_has_an_owner(self, dags: dict[str, Any], dag_id: str) -> None:
        nobodys = [task.task_id for task in dags[dag_id].tasks if task.owner in ("", "airflow")]
        assert not nobodys, f"{dag_id}: pass default_args=patience.default_args(), so that {nobodys} have an owner"

    def test_has_tags_and_a_description(self, dags: dict[str, Any], dag_id: str) -> None:
        assert "complaints" in dags[dag_id].tags, f"{dag_id}: add tags=['complaints', ...]"
        assert dags[dag_id].description, f"{dag_id}: add a description of one line"

    def test_has_a_runbook(self, dags: dict[str, Any], dag_id: str) -> None:
        runbook = dags[dag_id].doc_md or ""
        missing = [part for part in ("# ", "**If it fails.**", "**Parameters.**") if part not in runbook]
        assert not missing, f"{dag_id}: the module docstring (doc_md=__doc__) must hold {missing}"

    def test_names_each_task_for_people_and_says_at_the_task_what_to_do_if_it_fails(
        self, dags: dict[str, Any], dag_id: str
    ) -> None:
        for task in dags[dag_id].tasks:
            named = task.task_display_name != task.task_id
            assert named, f"{dag_id}.{task.task_id}: pass task_display_name, a few words for people"
            # A mapped task cannot have documentation of its own.
            documented = task.is_mapped or "If it fails." in (task.doc_md or "")
            assert documented, (
                f"{dag_id}: add **{task.task_id}** to the runbook, and call document_tasks(dag) at the end"
            )

    def test_retries_and_times_out_everywhere(self, dags: dict[str, Any], dag_id: str) -> None:
        for task in dags[dag_id].tasks:
            assert task.retries >= 1, f"{dag_id}.{task.task_id}: set retries (default_args does)"
            assert task.execution_timeout, f"{dag_id}.{task.task_id}: set an execution_timeout (default_args does)"

    def test_waits_without_a_worker_wherever_it_can(self, dags: dict[str, Any], dag_id: str) -> None:
        for task in dags[dag_id].tasks:
            frees = getattr(task, "deferrable", True) or getattr(task, "mode", "") == "reschedule"
            assert frees, f"{dag_id}.{task.task_id}: pass deferrable=True, or mode='reschedule'"

    def test_waits_as_long_as_the_job_may_take(self, dags: dict[str, Any], dag_id: str) -> None:
        """The operators' own default gives up after minutes while the job goes on."""
        for task in dags[dag_id].tasks:
            pause = getattr(task, "waiter_delay", None) or getattr(task, "check_interval", None)
            tries = getattr(task, "waiter_max_attempts", None) or getattr(task, "max_attempts", None)
            if pause and tries:
                limit = _job_limit(task)
                assert pause * tries >= limit, (
                    f"{dag_id}.{task.task_id}: waits {pause * tries} s for a job that may take {limit} s; "
                    "pass the job's timeout to waiting_defaults"
                )
                assert task.execution_timeout.total_seconds() >= limit

    def test_says_itself_whether_it_pushes_members(self, dags: dict[str, Any], dag_id: str) -> None:
        """Where a function returns a dict, Airflow pushes each member as well; Airflow 3.0 cannot push one of null."""
        read = {task_id for task in dags[dag_id].tasks for task_id in _read_by_member(task)}
        pushing = {task.task_id for task in dags[dag_id].tasks if getattr(task, "multiple_outputs", False)}
        assert pushing == read, f"{dag_id}: pass multiple_outputs to task() of {sorted(pushing ^ read)}, True if read"

    def test_has_one_run_at_a_time_and_makes_up_for_none(self, dags: dict[str, Any], dag_id: str) -> None:
        assert dags[dag_id].max_active_runs == 1
        assert not dags[dag_id].catchup


@pytest.mark.parametrize("dag_id", sorted(FLOWS))
class TestEveryFlow:
    def test_describes_its_parameters_and_refuses_foreign_values(self, dags: dict[str, Any], dag_id: str) -> None:
        for name in dags[dag_id].params:
            param = dags[dag_id].params.get_param(name)
            assert param.description, f"{dag_id}: describe the parameter {name!r} for the form"
            limited = param.schema.get("pattern") or param.schema.get("type") == "boolean"
            assert limited, f"{dag_id}: give the parameter {name!r} a pattern"
        source = dags[dag_id].params.get_param("source")
        for hostile in ("{{ ds }}", "../", "s3://other/raw/", "raw/;rm/", "processed/", "history/../raw/"):
            # In words that help: the form shows them, and an expression would not.
            with pytest.raises(
                Exception, match=r"^.?(Invalid input.*)?'(raw|history)/, or a path below it.* was expected"
            ):
                source.resolve(hostile)
        for right in (source.resolve(), f"{source.resolve()}2026/", f"{source.resolve()}batches/a b/c.csv.gz"):
            assert source.resolve(right) == right

    def test_refuses_even_the_sentence_that_says_what_would_be_right(self, dags: dict[str, Any], dag_id: str) -> None:
        for name in dags[dag_id].params:
            param = dags[dag_id].params.get_param(name)
            if sentence := param.schema.get("else", {}).get("const"):
                with pytest.raises(Exception, match="does not match"):
                    param.resolve(sentence)

    def test_can_be_started_from_the_form_as_it_opens(self, dags: dict[str, Any], dag_id: str) -> None:
        """Airflow's form wants a value wherever null is not allowed, and makes null of a field that is emptied."""
        for name in dags[dag_id].params:
            param = dags[dag_id].params.get_param(name)
            if param.resolve() == "":
                assert "null" in param.schema["type"], f"{dag_id}: {name!r} is empty by default: allow null, too"
                assert param.resolve(None) is None

    def test_accepts_a_source_that_collapsed_only_when_told_so(self, dags: dict[str, Any], dag_id: str) -> None:
        param = dags[dag_id].params.get_param("accept_fewer_rows")
        assert param.resolve() is False
        with pytest.raises(Exception, match=r"is not of type 'boolean'|Invalid input"):
            param.resolve("yes")

    def test_runs_only_when_asked(self, dags: dict[str, Any], dag_id: str) -> None:
        assert dags[dag_id].schedule is None


def test_arrivals_are_started_only_where_somebody_switched_it_on_and_never_in_a_state_machine(
    dags: dict[str, Any],
) -> None:
    arrivals = dags["complaints_arrivals"]
    assert arrivals.is_paused_upon_creation
    assert arrivals.schedule == "@continuous"
    assert "step-functions" not in arrivals.tags, "ptmlops-starter does this for the state machines"


def test_the_ingestion_runs_daily_once_somebody_switched_it_on_and_makes_up_for_no_day(dags: dict[str, Any]) -> None:
    ingestion = dags["complaints_ingestion"]
    assert ingestion.is_paused_upon_creation
    assert ingestion.schedule == "0 11 * * *"
    assert (ingestion.catchup, ingestion.max_active_runs) == (False, 1)
    for name in ("accept_fewer_rows", "accept_many_rows"):
        param = ingestion.params.get_param(name)
        assert param.resolve() is False
        with pytest.raises(Exception, match=r"is not of type 'boolean'|Invalid input"):
            param.resolve("yes")


def test_the_monitoring_runs_after_each_publication_or_for_a_run_that_is_named(dags: dict[str, Any]) -> None:
    monitored = dags["complaints_monitoring"]
    (emitted,) = dags["complaints_classification"].get_task("publish_manifest").outlets
    assert (emitted.name, emitted.uri) == ("complaints_results", "s3://ptmlops-complaints/manifests/run_id=")
    assert monitored.schedule == emitted
    param = monitored.params.get_param("run_id")
    assert param.resolve() == ""
    for right in ("0123456789abcdef", "manifests/run_id=0123456789abcdef.json", None):
        assert param.resolve(right) == right
    with pytest.raises(Exception, match="the run id of a published classification, 16 hex digits, or the key of"):
        param.resolve("manifests/planned/run_id=0123456789abcdef.json")


def test_a_promotion_after_a_training_is_an_event(dags: dict[str, Any]) -> None:
    (emitted,) = dags["complaints_training"].get_task("promote_model").outlets
    assert (emitted.name, emitted.uri) == ("complaints_model", "s3://ptmlops-complaints/models/latest")


def test_the_assets_lead_from_raw_to_results_to_monitoring_and_from_history_to_the_model(dags: dict[str, Any]) -> None:
    named = {
        flow: dags[f"complaints_{flow}"].tasks for flow in ("ingestion", "classification", "monitoring", "training")
    }
    lineage = {
        flow: [{each.name for task in tasks for each in getattr(task, side)} for side in ("inlets", "outlets")]
        for flow, tasks in named.items()
    }
    assert lineage == {
        "ingestion": [set(), {"complaints_raw"}],
        "classification": [{"complaints_raw", "complaints_model"}, {"complaints_results"}],
        "monitoring": [{"complaints_results"}, {"complaints_monitoring"}],
        "training": [{"complaints_history"}, {"complaints_model"}],
    }
    for tasks in named.values():
        for each in (asset for task in tasks for asset in (*task.inlets, *task.outlets)):
            assert (each.group, list(each.extra)) == ("complaints", ["holds"]), each.name


def _read_by_member(task: Any) -> set[str]:
    """The tasks of which this one reads single members of what they return."""
    found: set[str] = set()
    # A mapped task has its arguments in two places: the same for all, and one for each.
    given = {**vars(task), **getattr(task, "partial_kwargs", {})}
    waiting = [given.get(name, getattr(task, name, None)) for name in task.template_fields]
    waiting += [each.value for each in [getattr(task, "expand_input", None)] if each is not None]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, (list, tuple)):
            waiting += value
        elif getattr(value, "key", "return_value") != "return_value":
            found.add(value.operator.task_id)
        elif inner := getattr(value, "value", None) or getattr(value, "arg", None):
            waiting.append(inner)  # a template around what another task returns
    return found


def _job_limit(task: Any) -> float:
    """Seconds that the job behind a task may take, by what it asks AWS for."""
    config = getattr(task, "config", {})
    if "StoppingCondition" in config:
        return float(config["StoppingCondition"]["MaxRuntimeInSeconds"])
    from complaints.settings import load_settings

    pipeline = load_settings().pipeline
    if "TransformJobName" in config:
        return float(pipeline.sagemaker.transform.max_runtime_seconds)
    return pipeline.glue.timeout_minutes * 60.0


def test_the_operators_that_users_look_for_are_there(dags: dict[str, Any]) -> None:
    used = {task.task_type for dag in dags.values() for task in dag.tasks}
    assert used >= {
        "S3KeySensor",
        "GlueJobOperator",
        "SageMakerTrainingOperator",
        "SageMakerTransformOperator",
        "SageMakerProcessingOperator",
    }


def test_glue_jobs_are_only_started_never_created(dags: dict[str, Any]) -> None:
    """Deploy creates them; an operator with creation parameters would change them under running runs."""
    for task in (task for dag in dags.values() for task in dag.tasks if task.task_type == "GlueJobOperator"):
        assert task.script_location is None
        assert task.iam_role_name is None
        assert task.create_job_kwargs is None
        assert task.stop_job_run_on_kill, f"{task.task_id}: a killed task must not leave its job running"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("version", "3", "a version such as v3, or previous.* was expected"),
        ("version", "v3; rm -rf /", "a version such as v3, or previous.* was expected"),
        ("action", "roll back", "promote, shadow or end shadow|is not one of"),
        ("reason", "two\nlines", "one line of at most 500 characters"),
    ],
)
def test_a_promotion_refuses_what_it_does_not_know(dags: dict[str, Any], name: str, value: str, told: str) -> None:
    with pytest.raises(Exception, match=told):
        dags["complaints_promotion"].params.get_param(name).resolve(value)


@pytest.mark.parametrize("dag_id", sorted(EXPECTED))
def test_no_task_writes_none_as_one_of_its_outputs(dags: dict[str, Any], dag_id: str) -> None:
    """Airflow 3.0 sends no body for it, and its API server answers 422; leave the key out."""
    for task in dags[dag_id].tasks:
        if not getattr(task, "multiple_outputs", False):
            continue
        written = inspect.unwrap(task.python_callable)
        outputs = get_type_hints(get_type_hints(written)["return"])
        assert outputs, f"{task.task_id}: return a TypedDict"
        nones = [name for name, kind in outputs.items() if type(None) in get_args(kind)]
        assert not nones, f"{task.task_id}: {nones} can be None"
