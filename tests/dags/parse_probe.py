"""Imports DAG files under watch and prints what each did, as a line of JSON; run in a process of its own.

Airflow and the operators are imported before the watch begins: what they do is not the DAG file's doing.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
import traceback
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from airflow.providers.amazon.aws.operators.glue import GlueJobOperator
    from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTransformOperator
    from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
    from airflow.sdk import DAG, Param, task

    try:
        from airflow.serialization.serialized_objects import DagSerialization

        to_dict = DagSerialization.to_dict
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG

        to_dict = SerializedDAG.to_dict

# What Airflow does when it builds its first DAG (asks for the platform, loads schemas) it does here.
with DAG("warm_up", schedule=None, params={"x": Param("a", type="string", pattern="a")}):
    GlueJobOperator(task_id="glue", deferrable=True)
    SageMakerTransformOperator(task_id="transform", config={}, deferrable=True)
    S3KeySensor(task_id="sensor", bucket_key=["s3://bucket/key"], deferrable=True)
    TriggerDagRunOperator.partial(task_id="trigger", trigger_dag_id="warm_up").expand(trigger_run_id=["x"])
    task(task_id="python", multiple_outputs=True)(lambda: {})()

WATCHED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "urllib.", "sqlite3.")
seen: list[str] = []
files: list[str] = []


def watch(event: str, arguments: tuple[object, ...]) -> None:
    """Python's audit events: whatever a module does, it cannot do it unseen (PEP 578)."""
    if event.startswith(WATCHED):
        seen.append(f"{event}{arguments!r}"[:200])
    elif (
        event == "open" and isinstance(arguments[0], str) and arguments[0].endswith((".yaml", ".yml", ".json", ".cfg"))
    ):
        files.append(arguments[0])


def report(name: str) -> dict[str, object]:
    """What the import of one DAG file did, and what its tasks send."""
    loaded_before = set(sys.modules)
    sys.addaudithook(watch)
    start = time.process_time()
    module = importlib.import_module(name)
    seconds = time.process_time() - start
    added = {name.partition(".")[0] for name in set(sys.modules) - loaded_before}
    requests = [(t.task_id, getattr(t, "config", None), getattr(t, "script_args", None)) for t in module.dag.tasks]
    return {
        "seconds": seconds,
        "did": list(seen),
        "files": sorted(set(files)),
        "modules": sorted(added),
        "requests": repr(requests),
        # Last: Airflow reads files of its own for it.
        "serialized": json.dumps(to_dict(module.dag), sort_keys=True),
    }


for name in sys.argv[1:]:
    # A copy of this process for each file: none finds what another has imported, and Airflow is imported once.
    if (child := os.fork()) == 0:
        try:
            print(json.dumps(report(name)), flush=True)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{name} does not import")
