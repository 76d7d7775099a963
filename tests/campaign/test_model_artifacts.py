"""A model that is cut, forged, hostile, foreign or unevaluated is refused before anything of it is opened or served."""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import inference
import joblib
import model_archive
import numpy as np
import pytest
import sklearn
import trained_model
from model_archive import ModelRefusedError
from models import ScoringError

from complaints.models import registry
from complaints.models.tuning import untuned
from complaints.runs.accounting import TRAINING_FATES
from complaints.tasks import classification, training
from localaws import LocalAWS
from localaws.jobs import archive as local_archive
from localaws.jobs.job import InputError
from tests.campaign.environment import ARTIFACT, BUCKET, MODEL, Environment, key_of, sha256
from tests.campaign.faults import Fault, injects
from tests.complaints.example_evaluations import PASSED, evaluation
from tests.inference.small_model import rewrite, save
from tests.inference.test_trained_model import Trap
from tests.localaws.account import Account
from tests.monitoring.processing import Processing

Content = dict[str, bytes]


@pytest.fixture
def aws_account(local_aws: type[LocalAWS], tmp_path: Path) -> Iterator[Account]:
    with local_aws(tmp_path / "aws") as aws:
        yield Account(aws, "models")


@pytest.fixture
def sound(tmp_path: Path) -> Content:
    """The files of a model that works."""
    return {path.name: path.read_bytes() for path in sorted(save(tmp_path / "sound").iterdir())}


def packed(files: Content, *members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """A model.tar.gz of these files, and then of these members, whatever they are."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for member, body in [*(_file(name, body) for name, body in files.items()), *members]:
            archive.addfile(member, io.BytesIO(body))
    return content.getvalue()


def _file(name: str, body: bytes = b"hostile") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(body)
    return member, body


def _special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def evaluated(tmp_path: Path, archive: bytes, digest: str | None = None) -> dict[str, Any]:
    """Evaluates the archive as the processing job does, by the digest of its training."""
    job = Processing(tmp_path)
    job.put_model("model", archive)
    job.put_rows("test", [("A fee on my card.", "card"), ("My mortgage.", "mortgage")])
    return job.evaluate(sha256=digest or sha256(archive))


def test_the_model_of_these_tests_is_accepted_as_it_is(sound: Content, tmp_path: Path) -> None:
    assert evaluated(tmp_path, packed(sound))["slices"]["test"]["n"] == 2


@injects(Fault.MODEL_CHANGED)
@pytest.mark.parametrize("content", [MODEL[:-1], MODEL + b"\0", b""], ids=["cut", "longer", "empty"])
def test_nothing_starts_with_an_artefact_that_is_not_the_one_that_was_registered(
    environment: Environment, content: bytes
) -> None:
    environment.put(ARTIFACT, content)
    told = f"has SHA-256 {sha256(content)}, but the record of v1 says {sha256(MODEL)}: restore that object"
    with pytest.raises(registry.ModelRefusedError, match=told):
        classification.plan_classification("raw/")
    assert environment.keys("manifests/") == []


@injects(Fault.MODEL_CHANGED)
def test_nothing_starts_with_an_artefact_that_is_gone_or_that_nobody_vouches_for(environment: Environment) -> None:
    record = environment.get("models/versioned/v1/model.json")
    environment.s3.delete_object(Bucket=BUCKET, Key=ARTIFACT)
    with pytest.raises(registry.ModelRefusedError, match=f"{ARTIFACT} is absent, but the record of v1 says"):
        classification.plan_classification("raw/")
    environment.put("models/versioned/v1/model.json", record | {"sha256": None, "evaluation": None})
    with pytest.raises(
        registry.ModelRefusedError, match="the record of v1 has no sha256, evaluation: run complaints_t"
    ):
        classification.plan_classification("raw/")


@injects(Fault.MODEL_CHANGED)
def test_an_artefact_that_changed_since_its_training_is_not_opened_for_its_evaluation(
    sound: Content, tmp_path: Path
) -> None:
    archive = packed(sound)
    cut = archive[: len(archive) // 2]
    told = f"has SHA-256 {sha256(cut)}, but the model that was trained has {sha256(archive)}: it was changed or cut"
    with pytest.raises(ModelRefusedError, match=told):
        evaluated(tmp_path, cut, digest=sha256(archive))


@injects(Fault.MODEL_CHANGED)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.95])
def test_an_artefact_that_was_cut_before_anybody_looked_is_refused_and_leaves_nothing(
    sound: Content, tmp_path: Path, share: float
) -> None:
    archive = packed({name: sound[name] for name in ("signature.json", "vocabulary.json", "weights.npz")})
    path = tmp_path / "model.tar.gz"
    path.write_bytes(archive[: int(len(archive) * share)])
    with pytest.raises(ModelRefusedError, match=r"^model\.tar\.gz: cut or damaged at (its beginning|'[a-z.]+'), or no"):
        model_archive.unpack(path, tmp_path / "unpacked")
    assert not (tmp_path / "unpacked").exists()


@injects(Fault.MODEL_CHANGED)
def test_where_an_artefact_was_cut_is_told(sound: Content, tmp_path: Path) -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for member, body in (_file("signature.json", b"{}"), _file("weights.npz", bytes(5000))):
            archive.addfile(member, io.BytesIO(body))
    path = tmp_path / "model.tar.gz"
    path.write_bytes(gzip.compress(plain.getvalue()[: 512 * 3 + 2000]))
    with pytest.raises(ModelRefusedError, match=r"cut or damaged at 'weights\.npz', .*: unexpected end of data$"):
        model_archive.unpack(path, tmp_path / "unpacked")


HOSTILE: dict[str, tuple[tuple[tarfile.TarInfo, bytes], str, str]] = {
    "above": (_file("../escaped"), "'../escaped' leaves the model's folder by '..'", "leaves the folder by '..'"),
    "within": (_file("a/../../escaped"), "'a/../../escaped' leaves", "leaves the folder by '..'"),
    "absolute": (_file("/tmp/escaped"), "'/tmp/escaped' is an absolute name", "is an absolute name"),
    "symlink": (
        _special("weights", tarfile.SYMTYPE, "/etc/passwd"),
        "'weights' is a link, to '/etc/passwd'",
        "is a link, to '/etc/passwd'",
    ),
    "inner link": (
        _special("weights", tarfile.SYMTYPE, "weights.npz"),
        "'weights' is a link, to 'weights.npz'",
        "is a link, to 'weights.npz'",
    ),
    "hard link": (
        _special("weights", tarfile.LNKTYPE, "signature.json"),
        "'weights' is a link, to 'signature.json'",
        "is a link, to 'signature.json'",
    ),
    "device": (_special("weights.npz", tarfile.CHRTYPE), "'weights.npz' is no file but a device", "is a device"),
    "pipe": (_special("weights.npz", tarfile.FIFOTYPE), "'weights.npz' is no file but a device", "is a device"),
}


@injects(Fault.MODEL_PATHS)
@pytest.mark.parametrize(("member", "told", "told_locally"), HOSTILE.values(), ids=HOSTILE)
def test_an_archive_that_would_write_or_read_elsewhere_is_refused_and_the_member_named(
    sound: Content, tmp_path: Path, member: tuple[tarfile.TarInfo, bytes], told: str, told_locally: str
) -> None:
    archive = packed(sound, member)
    with pytest.raises(ModelRefusedError) as refused:
        evaluated(tmp_path, archive)
    assert str(refused.value).startswith(f"model.tar.gz: {told}")
    # SageMaker unpacks a model itself before it serves it, and so does local AWS in its place.
    with pytest.raises(InputError, match=told_locally):
        local_archive.unpack(tmp_path / "model" / "model.tar.gz", tmp_path / "local")
    assert [*(tmp_path / "local").iterdir()] == []
    assert not [*tmp_path.rglob("*escaped*"), *tmp_path.parent.glob("escaped")]
    assert not Path("/tmp/escaped").exists()


@injects(Fault.MODEL_PATHS)
def test_an_archive_with_too_many_members_or_too_much_in_them_is_refused(sound: Content, tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    again = [_file(name, body) for name, body in sound.items()] * 7
    path.write_bytes(packed({}, *again))
    with pytest.raises(ModelRefusedError, match=r"'weights\.npz' is one too many: 20 members may be"):
        model_archive.unpack(path, tmp_path / "unpacked")
    with pytest.raises(InputError, match=r"with 'vocabulary\.json' it has more than 10 members"):
        local_archive.unpack(path, tmp_path / "local", max_members=10)

    path.write_bytes(packed({"weights.npz": bytes(3 << 20)}))
    assert path.stat().st_size < 10_000
    with pytest.raises(ModelRefusedError, match="expands to more than 2 MB, which no model has"):
        model_archive.unpack(path, tmp_path / "unpacked", max_mb=2)
    with pytest.raises(InputError, match=r"with 'weights\.npz' it has more than 10,000 members and 2 MB"):
        local_archive.unpack(path, tmp_path / "local", max_mb=2)
    assert not (tmp_path / "unpacked").exists()


@injects(Fault.MODEL_PATHS)
def test_a_name_of_many_megabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    """A header may be as large as a file, and tarfile reads it at once."""
    path = tmp_path / "model.tar.gz"
    path.write_bytes(packed({}, _file("x" * (3 << 20))))
    with pytest.raises(ModelRefusedError, match="expands to more than 2 MB"):
        model_archive.unpack(path, tmp_path / "unpacked", max_mb=2)


def npz(trap: Trap) -> bytes:
    content = io.BytesIO()
    np.savez(content, idf=np.array([trap], dtype=object), coef=np.ones((3, 1)), intercept=np.ones(3))
    return content.getvalue()


def dumped(trap: Trap) -> bytes:
    content = io.BytesIO()
    joblib.dump(trap, content)
    return content.getvalue()


@injects(Fault.MODEL_CODE)
@pytest.mark.parametrize("payload", [npz, pickle.dumps, dumped], ids=["npz", "pickle", "joblib"])
def test_a_pickle_in_the_place_of_weights_is_never_executed(
    sound: Content, tmp_path: Path, payload: Callable[[Trap], bytes]
) -> None:
    folder = save(tmp_path / "forged")
    (folder / "weights.npz").write_bytes(payload(Trap(tmp_path / "trace")))
    rewrite(folder)  # whoever forges the weights signs them, too
    forged = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    with pytest.raises(ScoringError, match=r"weights\.npz: not the arrays of a model, or pickled: "):
        evaluated(tmp_path, packed(forged))
    assert not (tmp_path / "trace").exists()


@injects(Fault.MODEL_CODE)
@pytest.mark.parametrize("name", ["model.joblib", "model.pkl", "code/inference.py", "sitecustomize.py"])
def test_a_payload_beside_the_model_is_refused_and_never_opened(sound: Content, tmp_path: Path, name: str) -> None:
    archive = packed(sound, _file(name, dumped(Trap(tmp_path / "trace"))))
    parts = "signature.json, vocabulary.json, weights.npz, issues.npz"
    with pytest.raises(ModelRefusedError, match=f"'{name}' is no part of a model: that is {parts}$"):
        evaluated(tmp_path, archive)
    assert not (tmp_path / "trace").exists()


@injects(Fault.MODEL_VERSION)
def test_a_model_of_another_scikit_learn_is_neither_evaluated_nor_served(tmp_path: Path) -> None:
    folder = save(tmp_path / "other")
    rewrite(folder, scikit_learn="1.4.2")
    told = f"made by scikit-learn 1.4.2, but {sklearn.__version__} is here: train again, or serve with 1.4.2$"
    with pytest.raises(ScoringError, match=told):
        evaluated(tmp_path, packed({path.name: path.read_bytes() for path in sorted(folder.iterdir())}))
    with pytest.raises(trained_model.ModelRefusedError, match=f"^{told}"):
        inference.model_fn(str(folder))


@injects(Fault.MODEL_PATHS, Fault.MODEL_VERSION)
def test_a_batch_transform_with_a_hostile_or_foreign_model_fails_with_the_reason(
    sound: Content, tmp_path: Path, aws_account: Account
) -> None:
    include = Path(__file__).parents[2] / "include" / "inference"
    programs = {path.name: path.read_text() for path in include.iterdir() if path.is_file()}
    code = aws_account.put_archive("code/sourcedir.tar.gz", **programs)
    folder = save(tmp_path / "other")
    rewrite(folder, scikit_learn="1.4.2")
    foreign = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    aws_account.put("in/a.json", '{"complaint_id": "1", "narrative": "A fee on my card."}\n')
    reasons = {}
    for name, archive in {"hostile": packed(sound, HOSTILE["above"][0]), "foreign": packed(foreign)}.items():
        settings = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": code}
        model = {"Image": "image", "ModelDataUrl": aws_account.put(f"{name}/model.tar.gz", archive)}
        role = "arn:aws:iam::123456789012:role/jobs"
        aws_account.sagemaker.create_model(
            ModelName=name, PrimaryContainer=model | {"Environment": settings}, ExecutionRoleArn=role
        )
        reasons[name] = transform(aws_account, f"with-{name}", name)["FailureReason"]
    assert reasons["hostile"] == "ClientError: cannot unpack packed.tar.gz: '../escaped' leaves the folder by '..'"
    assert "made by scikit-learn 1.4.2" in reasons["foreign"]
    assert aws_account.keys("out/") == []


def trained(environment: Environment, content: bytes = b"a new model") -> tuple[dict[str, Any], dict[str, str]]:
    """A training that went through: its plan, and what its job left."""
    environment.put("history/a.csv", b"history")
    plan = training.plan_training("history/")
    key = f"{key_of(plan['training_uri'])}job/output/model.tar.gz"
    environment.put(key, content)
    account = {"source": "history/a.csv", "rows_in": 2} | dict.fromkeys(TRAINING_FATES, 0) | {"train": 2}
    environment.put(f"{key_of(plan['account_uri'])}part-0.txt", {"by_source": [account]})
    job = {"TrainingJobName": "job", "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/{key}"}}
    return plan, training.trained_model({"Training": job})


@injects(Fault.MODEL_CHANGED)
@pytest.mark.parametrize(
    ("found", "told"),
    [
        (None, "has no evaluation.json: run evaluate_model again"),
        ({}, "evaluation.json has run_id None, but the trained model has"),
        ({"run_id": "another"}, "evaluation.json has run_id 'another'"),
        ({"model_sha256": "e" * 64}, f"evaluation.json has model_sha256 '{'e' * 64}', but .* has '[0-9a-f]{{64}}'"),
    ],
    ids=["none", "empty", "of another run", "of another model"],
)
def test_a_model_without_an_evaluation_of_its_own_is_not_registered_and_changes_nothing_in_service(
    environment: Environment, found: dict[str, str] | None, told: str
) -> None:
    plan, model = trained(environment)
    if found is not None:
        own = evaluation(plan["run_id"], model["sha256"]) if found else {}
        environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", own | found)
    before = environment.objects("models/")
    with pytest.raises(registry.ModelRefusedError, match=told):
        training.register_model(plan, model, untuned(plan["hyperparameters"]), PASSED)
    assert environment.objects("models/") == before


@injects(Fault.MODEL_CHANGED)
def test_a_model_that_changed_between_its_evaluation_and_its_registration_is_no_version(
    environment: Environment,
) -> None:
    plan, model = trained(environment)
    own = evaluation(plan["run_id"], model["sha256"])
    environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", own)
    environment.put(key_of(model["model_uri"]), b"another model")
    with pytest.raises(registry.ModelRefusedError, match=f"has SHA-256 {sha256(b'another model')}, but job says"):
        training.register_model(plan, model, untuned(plan["hyperparameters"]), PASSED)
    assert environment.get(registry.LATEST)["version"] == "v1"
    assert "models/versioned/v2/model.json" not in environment.keys("models/")


def test_a_version_that_is_registered_stays_as_it_is_when_its_training_is_repeated(environment: Environment) -> None:
    plan, model = trained(environment)
    own = evaluation(plan["run_id"], model["sha256"])
    environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", own)
    assert training.register_model(plan, model, untuned(plan["hyperparameters"]), PASSED) == "v2"
    before = environment.objects("models/")
    plan, again = trained(environment, b"a new model, packed at another time")
    environment.put(f"{key_of(plan['evaluation_uri'])}evaluation.json", own | {"model_sha256": again["sha256"]})
    assert training.register_model(plan, again, untuned(plan["hyperparameters"]), PASSED) == "v2"
    assert environment.objects("models/") == before


def transform(account: Account, name: str, model: str) -> dict[str, Any]:
    request = {
        "TransformJobName": name,
        "ModelName": model,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": account.uri("in/")}},
            "ContentType": "application/jsonlines",
            "SplitType": "Line",
        },
        "TransformOutput": {"S3OutputPath": account.uri("out"), "Accept": "application/jsonlines"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    account.sagemaker.create_transform_job(**request)
    return account.sagemaker_end("transform", name)
