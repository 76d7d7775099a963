"""What one job writes the next one reads, and what the DAGs send is what each script takes."""

import hashlib
import json
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import audit_results
import evaluate
import inference
import prepare_complaints
import prepare_history
import pytest
import result_counts
import train
from exact_csv.columns import header_from
from exact_csv.inputs import Input
from exact_csv.limits import reader_limits
from preparation import inputs_of_plan
from pyspark.sql import SparkSession

from complaints.aws.objects import ObjectVersion
from complaints.models.registry import check_evaluation
from complaints.models.tuning import untuned
from complaints.runs import requests
from complaints.runs.accounting import CLASSIFICATION_FATES, TRAINING_FATES, check_account
from complaints.runs.metrics import slice_of
from complaints.runs.plans import classification_plan, plan_document, training_plan
from complaints.runs.publishing import manifest_of
from complaints.settings import load_settings
from complaints.settings.columns import Columns
from laptop.sample import Sample, write_sample
from localaws.container.serve_batch import payloads, score
from tests.glue.local_runs import Run, as_argv, audit, data_files

SETTINGS = load_settings()
INPUTS = [ObjectVersion("raw/a.csv", "etag", 1, "2026-01-01T00:00:00+00:00", "v1")]
LEARNING = training_plan(INPUTS, source="history/", release="r1", settings=SETTINGS)
MODEL = {
    "version": "v001",
    "run_id": "of v001",
    "model_name": "m",
    "sha256": "0" * 64,
    "evaluation": {"classes": ["card", "mortgage"]},
    "refitted": True,
}
CLASSIFYING = classification_plan(INPUTS, source="raw/", release="r1", model=MODEL, settings=SETTINGS)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return write_sample(tmp_path_factory.mktemp("sample"), training_rows=400, classify_rows=200)


def run_over(folder: Path, files: Sequence[Path]) -> Run:
    (folder / "raw").mkdir(parents=True)
    for path in files:
        (folder / "raw" / path.name).write_bytes(path.read_bytes())
    run = Run(folder)
    run.plan([path.name for path in files])
    return run


@pytest.fixture(scope="module")
def learned(spark: SparkSession, sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The history prepared, a model trained on one side of it, packed, and evaluated on the other."""
    run = run_over(tmp_path_factory.mktemp("learned") / "run", sample.training)
    more = {name: LEARNING[name] for name in ("newest_fraction", "test_fraction")}
    run.prepare(prepare_history.main, rows=run.uri("rows"), **more)
    hyperparameters = {name: json.loads(value) for name, value in LEARNING["hyperparameters"].items()}
    folders = {"train": run.folder / "rows" / "use=train", "model-dir": run.folder / "model"}
    train.main(as_argv(hyperparameters | {"min_class_rows": 1} | folders))
    (run.folder / "packed").mkdir()
    packed = run.folder / "packed" / "model.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        for path in data_files(run.folder / "model"):
            archive.add(path, path.name)
    held_out, output = run.folder / "rows" / "use=evaluate", run.folder / "evaluation"
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    rows, code = run.folder / "rows" / "use=train", Path(inference.__file__).parent
    ours = {"model": run.folder / "packed", "code": code, "train": rows, "sha256": digest}
    # As if the same model were in service.
    theirs = {"in-service": "v1", "in-service-run-id": "of v1"} | {f"in-service-{name}": ours[name] for name in ours}
    folders = {"held-out": held_out, "output": output, "run-id": LEARNING["run_id"], "false-alarms": "0.01"}
    evaluate.main(as_argv(folders | ours | theirs))
    return run


def evaluation_of(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.folder / "evaluation" / "evaluation.json").read_text())
    return found


@pytest.fixture(scope="module")
def classified(spark: SparkSession, sample: Sample, learned: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Raw files prepared, scored by the trained model as a batch transform does, and published."""
    run = run_over(tmp_path_factory.mktemp("classified") / "run", sample.classify)
    run.prepare(prepare_complaints.main, records=run.uri("records"))
    transform(run.folder / "records", run.folder / "scores", learned.folder / "model")
    asked = json.loads(requests.audit_results_arguments(CLASSIFYING)["--trained_on"])
    trained_on = [f"{learned.uri('rows')}/{uri.partition('/rows/')[2]}" for uri in asked]
    audit(run, None, classes=evaluation_of(learned)["classes"], trained_on=trained_on)
    return run


def transform(records: Path, scores: Path, model: Path) -> None:
    """A batch transform of the plan's: payloads of whole lines in, `.out` objects out."""
    request = requests.transform_job(CLASSIFYING, SETTINGS)
    task = {"split": request["TransformInput"]["SplitType"] == "Line", "single": False, "payload": 30_000}
    task |= {"content_type": request["TransformInput"]["ContentType"], "accept": request["TransformOutput"]["Accept"]}
    loaded = inference.model_fn(str(model))
    scores.mkdir()
    for path in data_files(records):
        with path.open("rb") as source, (scores / f"{path.name}.out").open("wb") as out:
            for body, _ in payloads(source, task):
                out.write(score(inference, loaded, body, task) + b"\n")


def test_the_history_adds_up(learned: Run, sample: Sample) -> None:
    totals = check_account(learned.document("account"), TRAINING_FATES)
    assert totals["rows_in"] == 400
    assert min(totals[fate] for fate in ("train", "test", "newest")) > 0


def test_the_model_is_measured_on_all_that_was_kept_from_it(learned: Run) -> None:
    totals = check_account(learned.document("account"), TRAINING_FATES)
    slices = evaluation_of(learned)["slices"]
    assert {name: each["n"] for name, each in slices.items()} == {name: totals[name] for name in ("test", "newest")}
    assert slices["test"]["accuracy"] > slices["test"]["majority_accuracy"]


def test_no_narrative_is_on_both_sides_of_the_split(learned: Run) -> None:
    evaluation = evaluation_of(learned)
    assert evaluation["leak"]["rows"] == 0
    # So the same model in service has not seen any of them, either.
    found = evaluation["comparison"]["overall"]
    assert (found["seen_by_in_service"], found["n"]) == (0, evaluation["overall"]["n"])


def test_a_refit_learns_from_the_held_out_rows_as_well(learned: Run, tmp_path: Path) -> None:
    channels = {
        each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"].partition("/rows/")[2]
        for each in requests.refit_job(LEARNING, untuned(LEARNING["hyperparameters"]), SETTINGS)["InputDataConfig"]
    }
    hyperparameters = {name: json.loads(value) for name, value in LEARNING["hyperparameters"].items()}
    folders = {name.replace("_", "-"): learned.folder / "rows" / uri for name, uri in channels.items()}
    train.main(as_argv(hyperparameters | {"min_class_rows": 1} | folders | {"model-dir": tmp_path}))
    totals = check_account(learned.document("account"), TRAINING_FATES)
    refitted, before = (
        json.loads((folder / "signature.json").read_text()) for folder in (tmp_path, learned.folder / "model")
    )
    assert refitted["training_rows"] == sum(totals[fate] for fate in ("train", "test", "newest"))
    assert refitted["classes"] == before["classes"]


def test_the_model_learned_from_every_row_that_was_kept_for_it(learned: Run) -> None:
    signature = json.loads((learned.folder / "model" / "signature.json").read_text())
    assert signature["training_rows"] == check_account(learned.document("account"), TRAINING_FATES)["train"]
    assert set(signature["classes"]) <= {rule.label for rule in SETTINGS.model.labels}


def test_every_row_of_the_sample_is_published_or_has_another_fate(classified: Run, sample: Sample) -> None:
    totals = check_account(classified.document("results_account"), CLASSIFICATION_FATES)
    expected = dict(sample.expected)
    unmapped = expected.pop("unmapped")
    assert totals == {"classified": expected.pop("to_classify")} | expected
    assert classified.document("results_account")["unmapped"] == unmapped


def test_the_scores_of_the_account_can_be_measured(classified: Run) -> None:
    totals = check_account(classified.document("results_account"), CLASSIFICATION_FATES)
    account = classified.document("results_account")
    measured = slice_of(account["scores"])
    assert measured is not None
    assert measured["n"] + measured["seen_in_training"] == totals["classified"] - account["unmapped"]
    assert measured["accuracy"] > measured["majority_accuracy"]


def test_an_evaluation_says_of_which_run_and_model_it_is_as_the_registry_asks(learned: Run) -> None:
    digest = hashlib.sha256((learned.folder / "packed" / "model.tar.gz").read_bytes()).hexdigest()
    evaluation = evaluation_of(learned)
    assert check_evaluation(evaluation, run_id=LEARNING["run_id"], sha256=digest) == evaluation


def test_what_the_audit_writes_is_what_a_manifest_is_made_of(classified: Run) -> None:
    audited = classified.document("results_account")
    counts = check_account(audited, CLASSIFICATION_FATES)
    manifest = manifest_of(CLASSIFYING, plan_document(CLASSIFYING, INPUTS), counts, audited)
    assert sum(each["rows"] for each in manifest["results"]) == counts["classified"]


def usage(main: Callable[[Sequence[str]], None], capsys: pytest.CaptureFixture[str]) -> tuple[set[str], set[str]]:
    """The arguments that a script requires, and those that it knows besides, as its usage line shows them."""
    with pytest.raises(SystemExit):
        main(["--help"])
    line = capsys.readouterr().out.partition("\n\n")[0]
    optional = set(re.findall(r"\[(--[\w-]+)", line))
    return set(re.findall(r"--[\w-]+", line)) - optional, optional


# Arguments of a run that Glue itself reads: https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-etl-glue-arguments.html
GLUES_OWN = {"--scriptLocation", "--extra-py-files"}


def differences(sent: set[str], required: set[str], optional: set[str] | None = None) -> Iterator[str]:
    """What of an agreement does not hold, by name."""
    yield from (f"{name} is required and not sent" for name in sorted(required - sent))
    yield from (f"{name} is sent and not known" for name in sorted(sent - required - (optional or set())))


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        (prepare_history.main, requests.prepare_history_arguments(LEARNING)),
        (prepare_complaints.main, requests.prepare_complaints_arguments(CLASSIFYING)),
        (audit_results.main, requests.audit_results_arguments(CLASSIFYING)),
    ],
    ids=["prepare_history", "prepare_complaints", "audit_results"],
)
def test_a_glue_job_is_sent_what_its_script_requires(
    main: Callable[[Sequence[str]], None], arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    required, _ = usage(main, capsys)
    assert len(required) >= 7
    assert set(arguments) >= GLUES_OWN, "a run uses the code of its plan's release"
    assert [*differences(set(arguments) - GLUES_OWN, required)] == []


def test_a_glue_job_is_sent_text_only() -> None:
    sent = [requests.prepare_history_arguments(LEARNING), requests.prepare_complaints_arguments(CLASSIFYING)]
    sent.append(requests.audit_results_arguments(CLASSIFYING))
    assert {type(value) for arguments in sent for value in arguments.values()} == {str}


def test_the_evaluation_is_sent_what_its_script_requires(capsys: pytest.CaptureFixture[str]) -> None:
    request = requests.evaluation_job(LEARNING, {"model_uri": "s3://bucket/model.tar.gz", "sha256": "0" * 64}, SETTINGS)
    sent = {part for part in request["AppSpecification"]["ContainerArguments"] if part.startswith("--")}
    required, _ = usage(evaluate.main, capsys)
    assert len(required) == 14
    assert [*differences(sent, required)] == []


def test_the_training_script_knows_every_hyperparameter_that_it_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    tuning = requests.tuning_job(LEARNING, SETTINGS)["TrainingJobDefinition"]["StaticHyperParameters"]
    sent = requests.training_job(LEARNING, untuned(LEARNING["hyperparameters"]), SETTINGS)["HyperParameters"] | tuning
    # What begins with sagemaker_ the container keeps to itself (sagemaker-training, params.py).
    own = {f"--{name}" for name in sent if not name.startswith("sagemaker_")}
    required, optional = usage(train.main, capsys)
    assert [*differences(own, required, optional)] == []
    # The folders are the container's to say, by its environment; a question that is not asked is not sent.
    silent = {f"--{name}" for name in SETTINGS.model.issues.model_copy(update={"predict": True}).of_training()}
    assert optional - own == {"--train", "--held-out", "--model-dir", *silent}


def test_the_training_channel_is_the_one_that_the_script_reads() -> None:
    (channel,) = requests.training_job(LEARNING, untuned(LEARNING["hyperparameters"]), SETTINGS)["InputDataConfig"]
    assert channel["ChannelName"] == "train"
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"{LEARNING['rows_uri']}use=train/"


def test_the_plan_that_is_written_names_the_inputs_as_the_reader_finds_them(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan_document(CLASSIFYING, INPUTS), indent=2))
    (only,) = inputs_of_plan((tmp_path / "plan.json").as_uri())
    assert only == (Input("s3://ptmlops-complaints/raw/a.csv", "etag", "v1", 1), date(2026, 1, 1))


def test_the_limits_of_the_settings_are_the_ones_that_the_reader_takes() -> None:
    assert asdict(reader_limits(CLASSIFYING["limits"])) == {**SETTINGS.pipeline.limits.of_reading(), "aliases": ()}


def test_the_names_of_columns_of_the_settings_are_those_that_the_reader_takes() -> None:
    columns = Columns.model_validate({"aliases": {"product": ["Assigned  Team!"]}})
    settings = SETTINGS.pipeline.model_copy(update={"columns": columns})
    assert reader_limits(json.dumps(settings.of_reading())).aliases == (("assigned_team", "product"),)
    found = header_from(["Assigned  Team!", "Narrative"], columns.of_reading())
    assert found is not None
    assert found.columns == ("product", "consumer_complaint_narrative")


def test_the_scripts_agree_on_the_fates_that_the_account_is_checked_by() -> None:
    assert {*prepare_history.FATES} == {*TRAINING_FATES}
    assert {*result_counts.FATES} == {*CLASSIFICATION_FATES}
