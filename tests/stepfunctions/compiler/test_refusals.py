"""What a state machine cannot express is refused, with the name of the task and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator, SageMakerTuningOperator
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Asset, task

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.refusals import CompileError
from stepfunctions.compiler.triggers import event_pattern, patterns_of
from tests.stepfunctions.compiler import example_steps as steps
from tests.stepfunctions.compiler.test_hard_cases import REFUSED

PATIENCE = {"execution_timeout": timedelta(minutes=5)}


def in_this_file() -> int:
    return 0


def unknown_operator() -> None:
    BashOperator(task_id="dig", bash_command="true")


def jinja() -> None:
    task(steps.read_radar)("{{ ds }}")


def jinja_in_a_job() -> None:
    GlueJobOperator(task_id="smooth", job_name="weather-smooth", script_args={"--day": "{% if ds %}1{% endif %}"})


def n_shaped() -> None:
    a, b, c, d = (EmptyOperator(task_id=name) for name in "abcd")
    a >> c
    b >> [c, d]


def mapped_operator() -> None:
    EmptyOperator.partial(task_id="read_radar").expand(params=[{}, {}])


def mapped_over_a_constant() -> None:
    task(steps.read_radar, max_active_tis_per_dagrun=2).expand(area=["north", "south"])


def mapped_over_two_lists() -> None:
    stations = task(steps.read_stations)({}, [])
    task(steps.join_radar, max_active_tis_per_dagrun=2).expand(corrected=stations, lightning=stations)


def mapped_without_a_bound() -> None:
    task(steps.read_radar).expand(area=task(steps.read_stations)({}, []))


def mapped_start_that_awaits_nothing() -> None:
    stations = task(steps.read_stations)({}, [])
    starts = TriggerDagRunOperator.partial(task_id="start", trigger_dag_id="radar", max_active_tis_per_dagrun=2)
    starts.expand(conf=stations)


def trigger_rule() -> None:
    EmptyOperator(task_id="clean", trigger_rule="one_failed")


def depends_on_past() -> None:
    EmptyOperator(task_id="remember", depends_on_past=True)


def waits_for_downstream() -> None:
    EmptyOperator(task_id="remember", wait_for_downstream=True)


def no_timeout() -> None:
    task(steps.read_radar, execution_timeout=None)("north")


def a_lambda() -> None:
    task(lambda: 0, task_id="guess")()


def a_function_of_the_dag_file() -> None:
    task(in_this_file)()


def makes_its_job() -> None:
    GlueJobOperator(task_id="smooth", job_name="weather-smooth", script_location="s3://weather/smooth.py")


def name_of_its_job(characters: int) -> Callable[[], None]:
    return lambda: training({"TrainingJobName": "x" * characters})


def tuning(characters: int) -> Callable[[], None]:
    config = {"HyperParameterTuningJobName": "x" * characters}
    return lambda: SageMakerTuningOperator(task_id="tune", config=config) and None


def training(config: Any) -> None:
    SageMakerTrainingOperator(task_id="learn", config=config)


def a_datetime() -> None:
    training({"TrainingJobName": "learn", "HyperParameters": {"since": datetime(2026, 1, 1, tzinfo=UTC)}})


def mapped_xcom() -> None:
    stations = task(steps.read_stations)({}, [])
    task(steps.write_report)({"stations": stations.map(str.upper)}, [])


def result_of_the_trigger() -> None:
    arrived = S3KeySensor(task_id="await_radar", bucket_key="s3://weather/radar/*")
    task(steps.read_radar)(arrived.output)


def result_of_a_sibling() -> None:
    """A reference that is set after the operator was created adds no edge to the DAG."""
    radar = task(steps.read_radar)("north")
    learn = SageMakerTrainingOperator(task_id="learn", config={"TrainingJobName": "learn"})
    learn.config["HyperParameters"] = {"radar": radar}


def whole_config() -> None:
    training(task(multiple_outputs=True)(steps.plan_report)("Uppsala", 3, "x")["config"])


def two_triggers() -> None:
    waits = [S3KeySensor(task_id=f"await_{key}", bucket_key=f"s3://weather/{key}") for key in ("radar", "stations")]
    waits >> task(steps.read_radar)("north")


def trigger_of_a_part() -> None:
    S3KeySensor(task_id="await_radar", bucket_key="s3://weather/radar") >> EmptyOperator(task_id="merge")
    EmptyOperator(task_id="early")


def trigger(**sensor: Any) -> Callable[[], None]:
    given = {"bucket_key": "s3://weather/radar", **sensor}
    return lambda: S3KeySensor(task_id="await_radar", **given) >> EmptyOperator(task_id="merge")


def callback(name: str, value: Any) -> Callable[[], None]:
    return lambda: EmptyOperator(task_id="merge", **{name: value}) and None


def half_anyway() -> None:
    a, b, c = (EmptyOperator(task_id=name) for name in "abc")
    a >> [b, c]
    b.trigger_rule = "all_done"


def result_of_what_may_have_failed() -> None:
    radar = task(steps.read_radar)("north")
    EmptyOperator(task_id="always", trigger_rule="all_done") >> task(steps.tell)(radar)
    radar >> radar.operator.dag.get_task("always")


CASES: list[tuple[Callable[[], None], str, str, str]] = [
    (unknown_operator, "unknown-operator", "dig", "BashOperator cannot be compiled; use one of"),
    (jinja, "jinja", "read_radar", "only Airflow can render the template '{{ ds }}'; use dag.param(...)"),
    (jinja_in_a_job, "jinja", "smooth", "compute the value in a @task"),
    (mapped_operator, "mapped-operator", "read_radar", "use a @task or a TriggerDagRunOperator"),
    (mapped_over_a_constant, "dynamic-mapping", "read_radar", "over a list that a @task returned"),
    (mapped_over_two_lists, "dynamic-mapping", "join_radar", "only one argument can be expanded"),
    (mapped_without_a_bound, "mapped-concurrency", "read_radar", "set max_active_tis_per_dagrun"),
    (mapped_start_that_awaits_nothing, "mapped-trigger", "start", "set wait_for_completion"),
    (trigger_rule, "trigger-rule", "clean", "trigger_rule='one_failed' cannot be compiled; use all_success"),
    (
        half_anyway,
        "all-done-together",
        "b",
        "b, c start together; set trigger_rule='all_done' on all of them or on none",
    ),
    (
        result_of_what_may_have_failed,
        "result-of-failed",
        "tell",
        "'read_radar' may have failed before, and then has no result; write the result to S3",
    ),
    (two_triggers, "one-trigger", "await_stations", "'await_radar' is already the trigger"),
    (trigger_of_a_part, "trigger-first", "await_radar", "early would start only after this trigger's event"),
    (trigger(bucket_key="s3://w/{{ ds }}"), "trigger-jinja", "await_radar", "write the key itself"),
    (trigger(bucket_key="s3://w/r?", wildcard_match=True), "trigger-wildcard", "await_radar", "use only '*'"),
    (
        trigger(check_fn=len),
        "trigger-check",
        "await_radar",
        "no event pattern can express check_fn; use wildcard_match",
    ),
    (trigger(bucket_key=["s3://w/a", "s3://w/b"]), "trigger-keys", "await_radar", "it waits for 2 keys"),
    (
        callback("on_success_callback", steps.tell),
        "callback",
        "merge",
        "on_success_callback cannot be compiled; use on_failure_callback",
    ),
    (
        callback("on_failure_callback", SnsNotifier(target_arn="a", message="b")),
        "failure-callback",
        "merge",
        "write a function in a module",
    ),
    (
        callback("on_failure_callback", print),
        "failure-callback",
        "merge",
        "Lambda cannot call <built-in function print>",
    ),
    (
        callback("on_failure_callback", lambda _: None),
        "failure-callback",
        "merge",
        "move it to the top level of a module",
    ),
    (depends_on_past, "depends-on-past", "remember", "remove depends_on_past"),
    (waits_for_downstream, "depends-on-past", "remember", "remove depends_on_past"),
    (no_timeout, "timeout", "read_radar", "set execution_timeout"),
    (a_lambda, "importable-function", "guess", "move it to the top level of a module outside the DAG file"),
    (
        a_function_of_the_dag_file,
        "importable-function",
        "in_this_file",
        "move it to the top level of a module outside the DAG file",
    ),
    (makes_its_job, "creates-job", "smooth", "script_location create a Glue job; let deploy create it, and name it"),
    (tuning(30), "job-name", "tune", "use 29 characters"),
    (name_of_its_job(61), "job-name", "learn", "use 60 characters"),
    (a_datetime, "not-json", "learn", "(datetime) is not JSON; pass text, numbers, lists or dicts"),
    (mapped_xcom, "mapped-xcom", "write_report", "compute the value in a @task"),
    (result_of_the_trigger, "result-of-trigger", "read_radar", "pass the value as a DAG parameter"),
    (result_of_a_sibling, "result-of-sibling", "learn", "make 'learn' depend on it, or move it before the branches"),
    (whole_config, "reference-alone", "learn", "must be the value of a named field"),
]


def compiled(*builds: Callable[[], None]) -> dict[str, Any]:
    with DAG(dag_id="weather", schedule=None, default_args=PATIENCE) as dag:
        for build in builds:
            build()
    # Airflow sets this to the DAG file when it loads it.
    dag.fileloc = __file__
    return compile_dag(dag)


@pytest.mark.parametrize(
    ("build", "rule", "task_id", "remedy"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_it_is_refused_with_the_task_and_what_to_write_instead(
    build: Callable[[], None], rule: str, task_id: str, remedy: str
) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(build)
    assert [(each.rule, each.task_id) for each in caught.value.refusals] == [(rule, task_id)]
    assert f"\n  [{rule}] task {task_id!r}: " in str(caught.value)
    assert remedy in str(caught.value)


def test_tasks_with_crossing_dependencies_are_refused_by_name() -> None:
    with pytest.raises(CompileError) as caught:
        compiled(n_shaped)
    assert [each.rule for each in caught.value.refusals] == ["series-parallel"]
    assert "the dependencies between a, b, c, d cross, which no Parallel can express" in str(caught.value)
    assert "through an EmptyOperator" in str(caught.value)


def test_a_job_name_with_room_for_the_attempt_number_is_accepted() -> None:
    state = compiled(name_of_its_job(60))["States"]["learn"]
    assert state["Parameters"]["TrainingJobName.$"] == f"States.Format('{{}}-{{}}', '{'x' * 60}', $$.State.RetryCount)"


def test_a_tuning_job_has_a_name_per_attempt_and_the_result_of_its_operator() -> None:
    state = compiled(tuning(29))["States"]["tune"]
    assert state["Resource"] == "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
    assert "$$.State.RetryCount" in state["Parameters"]["HyperParameterTuningJobName.$"]
    assert state["ResultSelector"]["return_value"]["Tuning"]["BestTrainingJob.$"] == "$.BestTrainingJob"


def test_a_sensor_at_the_root_becomes_the_trigger_instead_of_a_state() -> None:
    def arrives() -> None:
        S3KeySensor(task_id="await_radar", bucket_key="s3://weather/*") >> task(steps.read_radar)("north")

    states = compiled(arrives)["States"]
    assert "read_radar" in states
    assert "await_radar" not in states


def test_a_dag_that_only_waits_is_refused() -> None:
    with pytest.raises(CompileError, match=r"\[no-task\] the DAG has no task to run"):
        compiled(lambda: S3KeySensor(task_id="await_radar", bucket_key="s3://weather/*"))  # type: ignore[arg-type,return-value]


def pattern_of(**sensor: Any) -> dict[str, Any]:
    with DAG(dag_id="weather", schedule=None):
        return event_pattern(S3KeySensor(task_id="await_radar", **sensor))


def test_the_trigger_matches_the_event_of_the_object_that_the_sensor_waits_for() -> None:
    assert pattern_of(bucket_key="s3://weather/radar/a b*.csv") == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["weather"]}, "object": {"key": ["radar/a b*.csv"]}},
    }
    wild = pattern_of(bucket_name="weather", bucket_key=["radar/*.csv"], wildcard_match=True)
    assert wild["detail"] == {"bucket": {"name": ["weather"]}, "object": {"key": [{"wildcard": "radar/*.csv"}]}}


def test_a_sensor_in_the_middle_is_refused() -> None:
    def arrives() -> None:
        task(steps.read_radar)("north") >> S3KeySensor(task_id="await_radar", bucket_key="s3://weather/*")

    with pytest.raises(CompileError, match=r"\[unknown-operator\] task 'await_radar': S3KeySensor cannot be compiled"):
        compiled(arrives)


def test_all_refusals_of_a_dag_are_reported_together() -> None:
    with pytest.raises(CompileError) as caught:
        compiled(unknown_operator, trigger_rule, depends_on_past, jinja, a_datetime, makes_its_job)
    lines = str(caught.value).splitlines()
    assert lines[0] == "weather cannot be compiled to a state machine:"
    assert [(each.task_id, each.rule) for each in caught.value.refusals] == [
        ("clean", "trigger-rule"),
        ("dig", "unknown-operator"),
        ("learn", "not-json"),
        ("read_radar", "jinja"),
        ("remember", "depends-on-past"),
        ("smooth", "creates-job"),
    ]
    assert len(lines) == 7


def test_refusals_of_tasks_and_of_their_order_are_reported_together() -> None:
    with pytest.raises(CompileError) as caught:
        compiled(n_shaped, trigger_rule)
    assert sorted(each.rule for each in caught.value.refusals) == ["series-parallel", "trigger-rule"]


def test_each_rule_of_the_compiler_has_a_case() -> None:
    """The names of the rules come from the source: a new rule needs a DAG that breaks it."""
    import re
    from pathlib import Path

    source = "".join(
        (Path(__file__).parents[3] / "stepfunctions" / "compiler" / f"{name}.py").read_text(encoding="utf-8")
        for name in (
            "assembly",
            "callbacks",
            "compilation",
            "functions",
            "operators",
            "references",
            "retries",
            "structure",
            "triggers",
        )
    )
    named = set(re.findall(r'Refus(?:al|edError)\(\s*[\w."]+,\s*"([a-z-]+)"', source))
    elsewhere = {"series-parallel", "no-task", "trigger-asset"} | {rule for _, rule in REFUSED}
    assert named - {rule for _, rule, _, _ in CASES} <= elsewhere


def scheduled_on(*assets: Asset) -> DAG:
    with DAG(dag_id="weather", schedule=list(assets), default_args=PATIENCE) as dag:
        task(outlets=[Asset("smoothed", uri="s3://weather/smoothed/")])(steps.read_radar)("north")
    dag.fileloc = __file__
    return dag


def test_the_asset_that_a_dag_is_scheduled_on_becomes_the_trigger_and_outlets_are_left_out() -> None:
    dag = scheduled_on(Asset("radar", uri="s3://weather/radar/day="))
    assert "read_radar" in compile_dag(dag)["States"]
    (pattern,) = patterns_of(dag)
    assert pattern["detail"] == {"bucket": {"name": ["weather"]}, "object": {"key": [{"prefix": "radar/day="}]}}


@pytest.mark.parametrize(
    ("assets", "told"),
    [
        ([Asset("radar", uri="x-weather://radar")], r"\[trigger-asset\] no event tells of 'x-weather://radar'"),
        ([Asset("a", uri="s3://weather/a"), Asset("b", uri="s3://weather/b")], r"\[one-trigger\] a state machine has"),
    ],
)
def test_a_schedule_that_no_single_event_replaces_is_refused(assets: list[Asset], told: str) -> None:
    with pytest.raises(CompileError, match=told):
        compile_dag(scheduled_on(*assets))
