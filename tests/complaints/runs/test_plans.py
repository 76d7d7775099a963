"""The same input gives the same plan, and another input another one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from complaints.aws.job_kinds import TUNING
from complaints.aws.objects import ObjectVersion
from complaints.runs import requests
from complaints.runs.inputs import checked_source, complaints_objects, why_not_complaints
from complaints.runs.plans import (
    ClassificationPlan,
    PlanError,
    checked_name,
    classification_plan,
    plan_document,
    training_plan,
)
from complaints.settings import Storage, load_settings

SETTINGS = load_settings()
MODEL = {
    "version": "v1",
    "model_name": "complaints-v1-abc",
    "sha256": "0" * 64,
    "run_id": "1" * 16,
    "evaluation": {"classes": ["card", "mortgage"]},
}


def listed(key: str, *, etag: str = "e1", size: int = 10, modified: str = "2026-01-01T00:00:00+00:00") -> ObjectVersion:
    return ObjectVersion(key, etag, size, modified)


def plan(*inputs: ObjectVersion, release: str = "r1", model: dict[str, Any] = MODEL) -> ClassificationPlan:
    return classification_plan(list(inputs), source="raw/", release=release, model=model, settings=SETTINGS)


def test_the_same_input_gives_the_same_plan() -> None:
    assert plan(listed("raw/a.csv")) == plan(listed("raw/a.csv"))


@pytest.mark.parametrize(
    "other",
    [
        plan(listed("raw/a.csv", etag="e2")),
        plan(listed("raw/b.csv")),
        plan(listed("raw/a.csv"), listed("raw/b.csv")),
        plan(listed("raw/a.csv"), release="r2"),
        plan(listed("raw/a.csv"), model={**MODEL, "version": "v2"}),
    ],
    ids=["content", "key", "one more file", "code", "model"],
)
def test_another_input_gives_another_run(other: ClassificationPlan) -> None:
    assert other["run_id"] != plan(listed("raw/a.csv"))["run_id"]


def test_both_flows_over_the_same_file_are_different_runs() -> None:
    learned = training_plan([listed("raw/a.csv")], source="raw/", release="r1", settings=SETTINGS)
    assert learned["run_id"] != plan(listed("raw/a.csv"))["run_id"]


def test_a_run_writes_only_below_its_own_prefixes() -> None:
    planned = plan(listed("raw/a.csv"))
    read = {"source_uri", "glue_modules_uri"} | {name for name in planned if name.endswith("_script_uri")}
    written = [value for name, value in planned.items() if name.endswith("_uri") and name not in read]
    assert written
    # Published files stand in one folder, and begin with the run's id.
    assert [uri for uri in written if f"run_id={planned['run_id']}" not in str(uri)] == [planned["results_uri"]]


def test_everything_in_a_plan_survives_json() -> None:
    learned = training_plan([listed("history/a.csv")], source="history/", release="r1", settings=SETTINGS)
    assert json.loads(json.dumps(learned)) == learned


def test_a_training_that_is_tuned_is_another_run_and_its_tuning_job_has_room_for_99_attempts() -> None:
    inputs = [listed("history/a.csv")]
    usual = training_plan(inputs, source="history/", release="r1", settings=SETTINGS)
    tuned = training_plan(inputs, source="history/", release="r1", settings=SETTINGS, tune=True)
    assert (usual["tune"], tuned["tune"]) == (False, True)
    assert usual["run_id"] != tuned["run_id"]
    assert len(f"{tuned['tuning_job_name']}-99") <= TUNING.longest_name
    model = SETTINGS.model.model_copy(update={"tuning": SETTINGS.model.tuning.model_copy(update={"max_jobs": 5})})
    other = SETTINGS.model_copy(update={"model": model})
    assert training_plan(inputs, source="history/", release="r1", settings=other) == usual
    again = training_plan(inputs, source="history/", release="r1", settings=other, tune=True)
    assert again["run_id"] != tuned["run_id"]


def test_hyperparameters_are_json_in_strings_as_script_mode_wants_them() -> None:
    learned = training_plan([listed("history/a.csv")], source="history/", release="r1", settings=SETTINGS)
    assert learned["hyperparameters"]["sagemaker_program"] == '"train.py"'
    assert {type(value) for value in learned["hyperparameters"].values()} == {str}
    assert json.loads(learned["hyperparameters"]["max_df"]) == 0.95


def test_the_plan_names_its_inputs_by_uri_oldest_first() -> None:
    young, old = listed("raw/a.csv", modified="2026-02-01"), listed("raw/b.csv", modified="2026-01-01")
    chosen = complaints_objects([young, old], bucket="b", source="raw/")
    document = plan_document(plan(*chosen), chosen)
    bucket = SETTINGS.pipeline.storage.bucket
    assert [each["uri"] for each in document["inputs"]] == [f"s3://{bucket}/raw/b.csv", f"s3://{bucket}/raw/a.csv"]


def test_folder_markers_empty_objects_and_unfinished_uploads_are_passed_over() -> None:
    noise = [listed("raw/", size=0), listed("raw/empty.csv", size=0), listed("raw/_tmp.csv"), listed("raw/.x.csv")]
    noise += [listed("raw/readme.txt"), listed("raw/sub/")]
    assert complaints_objects([*noise, listed("raw/sub/a.csv")], bucket="b", source="raw/") == [listed("raw/sub/a.csv")]


def test_a_source_without_a_slash_is_one_object_whatever_else_begins_so() -> None:
    others = [listed("raw/a.csv.csv"), listed("raw/a.csv/b.csv")]
    assert complaints_objects([listed("raw/a.csv"), *others], bucket="b", source="raw/a.csv") == [listed("raw/a.csv")]


def test_an_object_that_was_replaced_is_not_read_as_if_it_were_the_one_that_was_meant() -> None:
    found = [listed("raw/a.csv", etag="e2")]
    assert complaints_objects(found, bucket="b", source="raw/a.csv", etag="e2") == found
    with pytest.raises(PlanError, match=r"raw/a\.csv' is no longer the object with ETag e1.*with ETag e2"):
        complaints_objects(found, bucket="b", source="raw/a.csv", etag="e1")


@pytest.mark.parametrize("source", ["raw/a b+ä%2F(1)=@,:&'!.csv", "raw/" + "x" * 1020, "raw/2026/", "raw/"])
def test_a_source_may_be_what_files_are_called(source: str) -> None:
    assert checked_source(source, Storage.source_pattern("raw/")) == source


@pytest.mark.parametrize(
    "source",
    [
        "",
        "history/a.csv",
        "s3://other/raw/",
        "raw/../history/",
        "raw/x/..",
        "raw/{{ ds }}",
        "raw/;rm/",
        "raw/*.csv",
        "raw/a\n",
    ],
)
def test_a_source_may_not_be_elsewhere_or_mean_anything_to_a_shell(source: str) -> None:
    with pytest.raises(PlanError, match="may not be read: it must match"):
        checked_source(source, Storage.source_pattern("raw/"))


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.csv.gz", "a.CSV.GZ", "a.zip", "a.csv.zip"])
def test_complaints_are_known_by_their_suffix_in_any_case(name: str) -> None:
    assert why_not_complaints(listed(f"raw/{name}")) is None


@pytest.mark.parametrize("name", ["a.gz", "a.txt", "a.csv.bz2", "csv", "a.parquet"])
def test_another_suffix_is_passed_over_with_the_reason(name: str) -> None:
    assert why_not_complaints(listed(f"raw/{name}")) == "no .csv, .csv.gz or .zip file"


def test_the_version_of_an_object_is_in_the_plan_and_is_no_part_of_the_run() -> None:
    old, new = replace(listed("raw/a.csv"), version_id="v1"), replace(listed("raw/a.csv"), version_id="v2")
    assert plan(old) == plan(new)
    assert plan_document(plan(old), [old])["inputs"][0]["version"] == "v1"


def test_the_limits_of_reading_are_part_of_the_run_and_those_of_planning_are_not() -> None:
    def run_id(**changed: int) -> str:
        limits = SETTINGS.pipeline.limits.model_copy(update=changed)
        pipeline = SETTINGS.pipeline.model_copy(update={"limits": limits})
        settings = SETTINGS.model_copy(update={"pipeline": pipeline})
        inputs = [listed("raw/a.csv")]
        return classification_plan(inputs, source="raw/", release="r1", model=MODEL, settings=settings)["run_id"]

    assert run_id(max_files=7, max_file_mb=7) == run_id()
    reading = ("max_expanded_mb", "max_expansion_ratio", "max_row_kb", "max_field_characters")
    assert len({run_id(), *(run_id(**{name: 7}) for name in reading)}) == 5


def test_nothing_to_read_is_an_error_that_says_where() -> None:
    with pytest.raises(PlanError, match=r"no complaints under s3://bucket/raw/: .*\.csv"):
        complaints_objects([listed("raw/", size=0)], bucket="bucket", source="raw/")


@pytest.mark.parametrize("source", ["raw/_january.csv", "raw/_january/", "raw/.a/_b/"])
def test_what_a_person_named_is_read_whatever_it_begins_with_and_hidden_folders_below_it_are_not(source: str) -> None:
    key = source if source.endswith(".csv") else f"{source}a.csv"
    found = [listed(key), listed(f"{source}_temporary/0/a.csv"), listed(f"{source}b/.c/a.csv")]
    assert complaints_objects(found, bucket="bucket", source=source) == [listed(key)]


def test_a_plan_is_as_small_for_ten_thousand_files_as_for_one() -> None:
    """It travels in the execution's data, of which there may be 256 KiB; the files stand in the document in S3."""
    one, many = ([listed(f"raw/{number}.csv") for number in range(count)] for count in (1, 10_000))
    assert len(json.dumps(plan(*many))) == len(json.dumps(plan(*one))) < 8_192


def test_a_plan_pins_the_bytes_and_the_classes_of_its_model_and_the_configuration() -> None:
    planned = plan(listed("raw/a.csv"))
    assert (planned["model_sha256"], json.loads(planned["classes"])) == ("0" * 64, ["card", "mortgage"])
    assert planned["configuration"] == SETTINGS.fingerprint()


def test_what_is_not_audited_lies_where_nobody_looks_for_results() -> None:
    planned = plan(listed("raw/a.csv"))
    assert planned["candidate_uri"].endswith(f"/processed/run_id={planned['run_id']}/results/")
    assert planned["results_uri"].endswith("complaints/results/")


def test_the_glue_jobs_run_the_code_of_the_plans_release() -> None:
    planned = plan(listed("raw/a.csv"), release="r9")
    learned = training_plan([listed("history/a.csv")], source="history/", release="r9", settings=SETTINGS)
    code = f"s3://{SETTINGS.pipeline.storage.bucket}/artifacts/r9"
    for arguments, script in (
        (requests.prepare_complaints_arguments(planned), "prepare_complaints.py"),
        (requests.audit_results_arguments(planned), "audit_results.py"),
        (requests.prepare_history_arguments(learned), "prepare_history.py"),
    ):
        assert arguments["--scriptLocation"] == f"{code}/glue/{script}"
        assert arguments["--extra-py-files"] == f"{code}/glue.zip"


def test_a_name_that_aws_would_refuse_is_refused_when_the_run_is_planned() -> None:
    with pytest.raises(PlanError, match=r"model_name 'mmm.*' has 64 characters: AWS leaves room for 63"):
        plan(listed("raw/a.csv"), model={**MODEL, "model_name": "m" * 64})
    assert checked_name("n", "x" * 29, TUNING.longest_planned_name) == "x" * 29
    with pytest.raises(PlanError, match="has 30 characters: AWS leaves room for 29"):
        checked_name("n", "x" * 30, TUNING.longest_planned_name)


def test_a_key_with_control_characters_is_left_out_with_a_warning_and_the_other_files_are_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = [listed("raw/a\x1b[2J.csv"), listed("raw/good.csv")]
    assert complaints_objects(found, bucket="b", source="raw/") == [listed("raw/good.csv")]
    (warning,) = [each.getMessage() for each in caplog.records]
    assert r"raw/a\x1b[2J.csv" in warning
    assert warning.isprintable()


IN_SERVICE = {
    **MODEL,
    "release": "r0",
    "artifact_uri": "s3://b/models/versioned/v1/model.tar.gz",
    "evaluated_sha256": "e" * 64,
    "evaluated_uri": "s3://b/models/versioned/v1/evaluated.tar.gz",
}


def training(in_service: dict[str, Any] | None = None, *, kept: bool = True, **changed: Any) -> dict[str, Any]:
    model = SETTINGS.model.model_copy(update={"gate": SETTINGS.model.gate.model_copy(update=changed)})
    settings = SETTINGS.model_copy(update={"model": model})
    inputs = [listed("history/a.csv")]
    more: dict[str, Any] = {"in_service": in_service, "in_service_run_is_kept": kept and in_service is not None}
    return dict(training_plan(inputs, source="history/", release="r1", settings=settings, **more))


def test_a_training_is_another_run_with_another_model_in_service_or_another_gate() -> None:
    runs = [training(), training(IN_SERVICE), training(IN_SERVICE | {"sha256": "1" * 64}), training(margin=0.2)]
    assert len({each["run_id"] for each in runs}) == 4
    assert training(margin=0.2)["configuration"] == training()["configuration"], "a classification stays the same run"


def test_a_model_is_compared_with_the_fit_that_has_not_seen_the_held_out_complaints() -> None:
    """The one that serves was refitted on them, and would be right about each."""
    as_trained, refitted = training(IN_SERVICE), training(IN_SERVICE | {"refitted": True})
    assert (as_trained["in_service_model_uri"], as_trained["in_service_sha256"]) == (
        IN_SERVICE["artifact_uri"],
        IN_SERVICE["sha256"],
    )
    assert (refitted["in_service_model_uri"], refitted["in_service_sha256"]) == (
        IN_SERVICE["evaluated_uri"],
        IN_SERVICE["evaluated_sha256"],
    )
    assert refitted["in_service_train_uri"].endswith(f"/processed/run_id={MODEL['run_id']}/rows/use=train/")
    assert refitted["in_service_code_uri"].endswith("/artifacts/r0/inference/")


def test_what_is_not_there_is_none_and_its_input_is_a_folder_that_is() -> None:
    first, without_rows = training(), training(IN_SERVICE, kept=False)
    names = ("in_service_version", "in_service_sha256", "in_service_run_id")
    assert [first[name] for name in names] == ["none"] * 3
    inputs = ("in_service_model_uri", "in_service_code_uri", "in_service_train_uri")
    assert {first[name] for name in inputs} == {first["inference_code_uri"]}
    assert (without_rows["in_service_version"], without_rows["in_service_run_id"]) == ("v1", "none")
    assert without_rows["in_service_train_uri"] == without_rows["inference_code_uri"]


def test_scores_leave_out_the_rows_that_the_model_was_refitted_on() -> None:
    seen = json.loads(plan(listed("raw/a.csv"), model={**MODEL, "refitted": True})["trained_on"])
    assert [uri.rpartition("/rows/")[2] for uri in seen] == ["use=train/fate=*/", "use=evaluate/fate=*/"]
    assert json.loads(plan(listed("raw/a.csv"))["trained_on"]) == seen[:1]
