"""A weather report: parameters, every kind of task, and nested groups that use each other's results."""

from __future__ import annotations

from datetime import timedelta

from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTrainingOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, Param, task

from tests.stepfunctions.compiler import example_steps as steps

TITLE = 'It\'s {"mild"} in \\Göteborg\\ {}'

with DAG(
    dag_id="weather_report",
    description="Tell people what weather they will have",
    schedule=None,
    params={
        "place": Param("Uppsala", type="string"),
        "days": Param(3, type="integer"),
        "title": Param(TITLE, type="string"),
        "mail-list": Param(["a@example.org", "b@example.org"], type="array"),
    },
    default_args={
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(minutes=10),
    },
) as dag:
    plan = task(multiple_outputs=True)(steps.plan_report)(
        place=dag.param("place"), days=dag.param("days"), title=dag.param("title")
    )

    # One branch for the stations, one for the radar, with two independent tasks in the second.
    stations = task(steps.read_stations)(plan, layers=["rain", plan["snow_layer"], "it's {wind}"])

    radar = task(multiple_outputs=True)(steps.read_radar)(plan["area"])
    corrected = task(steps.correct_radar)(radar, echo=0.25, plan=plan)
    lightning = task(steps.count_lightning)(radar=radar)
    sky = task(multiple_outputs=True)(steps.join_radar)(corrected, lightning)

    gathered = EmptyOperator(task_id="gathered")
    [stations, sky] >> gathered

    chosen = task(steps.choose_model)(sky, stations, dag.param("place"))
    gathered >> chosen

    smoothed = GlueJobOperator(
        task_id="smooth",
        job_name="weather-smooth",
        script_args={
            "--sky": sky["uri"],
            "--corrected": corrected,
            "--stations": stations,
            "--place": dag.param("place"),
            "--mode": "fine",
        },
        run_job_kwargs={"WorkerType": "G.1X", "NumberOfWorkers": 2},
    )

    learned = SageMakerTrainingOperator(
        task_id="learn",
        config={
            "TrainingJobName": plan["job_name"],
            "HyperParameters": {"model": chosen, "radar": radar["uri"]},
            "InputDataConfig": [{"ChannelName": "rain", "DataSource": {"S3DataSource": {"S3Uri": plan["rain_uri"]}}}],
            "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        },
    )
    chosen >> [smoothed, learned]

    report = task(steps.write_report)(
        request={
            "model": learned.output,
            "smoothed_by": smoothed.output,
            "sky": sky,
            "lightning": [{"flashes": lightning, "place": dag.param("place")}],
            "mail": dag.param("mail-list"),
        },
        sources=[corrected, plan["rain_uri"]],
    )
    task(steps.tell)(report)
