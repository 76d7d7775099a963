"""Configuration that is wrong is refused with the file, the key, the value and what would be right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from complaints.settings import CONFIG, SettingsError, load_settings

# Each: the file, what is replaced by what, and what the message must say.
MISTAKES = [
    (
        "pipeline_config.yaml",
        "timeout_minutes: 120",
        "timeout_minutes: 0",
        ["glue.timeout_minutes", "0", "greater than"],
    ),
    ("pipeline_config.yaml", "poll_seconds:", "poll_secs:", ["orchestration.poll_secs", "not permitted"]),
    ("pipeline_config.yaml", "max_run_hours:", "max_hours:", ["orchestration.max_run_hours", "required"]),
    ("pipeline_config.yaml", "raw: raw/", "raw: raw", ["storage.raw", "'raw'", "pattern"]),
    ("local.yaml", "bucket: ptmlops", "bucket: PTMLops", ["storage.bucket", "PTMLops", "pattern"]),
    ("local.yaml", "role/ptmlops-sagemaker", "user/me", ["aws.sagemaker_role_arn", "user/me"]),
    ("pipeline_config.yaml", "max_payload_mb: 6", "max_payload_mb: 101", ["transform.max_payload_mb", "101", "100"]),
    (
        "pipeline_config.yaml",
        "max_concurrent_transforms: 4",
        "max_concurrent_transforms: 17",
        ["sagemaker.transform", "17", "at most 16", "100 MB"],
    ),
    ("pipeline_config.yaml", "max_files: 10000", "max_files: 0", ["limits.max_files", "0", "greater than"]),
    ("pipeline_config.yaml", "max_row_kb: 1000", "max_row_kb: x", ["limits.max_row_kb", "'x'", "integer"]),
    ("pipeline_config.yaml", "max_fraction: 0.25", "max_fraction: 2", ["quarantine.max_fraction", "2", "less than"]),
    ("pipeline_config.yaml", "max_expansion_ratio: 100", "max_ratio: 9", ["limits.max_ratio", "not permitted"]),
    ("pipeline_config.yaml", "url: https://", "url: http://", ["ingestion.url", "http://files", "pattern"]),
    ("pipeline_config.yaml", 'daily_at: "11:00"', 'daily_at: "24:00"', ["ingestion.daily_at", "24:00", "pattern"]),
    ("pipeline_config.yaml", "first_export: none", "first_export: some", ["ingestion.first_export", "'some'", "date"]),
    ("pipeline_config.yaml", "received, product", "received, id", ["ingestion.compared_columns", "'id'", "company"]),
    ("model_config.yaml", "test_fraction: 0.1", "test_fraction: 0.9", ["split.test_fraction", "0.9", "0.5"]),
    ("model_config.yaml", "contains: mortgage", "contains: Mortgage", ["labels.2.contains", "Mortgage"]),
    ("model_config.yaml", "review_below: 0.5", "review_below: 50", ["review_below", "50", "less than"]),
    ("model_config.yaml", "min_df: 2", "min_df: three", ["hyperparameters.min_df", "three", "integer"]),
    ("model_config.yaml", "{min: 0.02, max", "{min: 0.0, max", ["tuning.ranges.C", "min is 0.0", "more than 0"]),
    ("model_config.yaml", "{min: 0.02, max", "{min: 3.0, max", ["tuning.ranges.C", "min is 3.0, more than max"]),
    ("model_config.yaml", "[1, 2]", "[1, 5]", ["tuning.ranges.ngram_max", "5", "less than"]),
    ("model_config.yaml", "ngram_max: [1", "seed: [1", ["tuning.ranges.seed", "ngram_max"]),
    ("model_config.yaml", "parallel_jobs: 2", "parallel_jobs: 13", ["tuning", "at most max_jobs, 12"]),
    ("model_config.yaml", "strategy: Bayesian", "strategy: Grid", ["tuning", "C, balance have min and max"]),
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def test_the_files_of_the_repository_are_right() -> None:
    assert load_settings().pipeline.storage.raw == "raw/"


@pytest.mark.parametrize(("name", "right", "wrong", "said"), MISTAKES)
def test_a_mistake_is_named(config: Path, name: str, right: str, wrong: str, said: list[str]) -> None:
    text = (config / name).read_text()
    assert right in text
    (config / name).write_text(text.replace(right, wrong, 1))
    with pytest.raises(SettingsError) as refused:
        load_settings(config)
    assert all(part in str(refused.value) for part in [name, *said]), str(refused.value)


def test_a_missing_file_is_named(config: Path) -> None:
    (config / "model_config.yaml").unlink()
    with pytest.raises(SettingsError, match=r"model_config\.yaml: not found"):
        load_settings(config)


def test_what_is_not_yaml_is_refused(config: Path) -> None:
    (config / "model_config.yaml").write_text("labels: [")
    with pytest.raises(SettingsError, match=r"model_config\.yaml: not YAML"):
        load_settings(config)


def test_the_values_of_an_environment_replace_those_of_the_pipeline_and_no_others(config: Path) -> None:
    before = load_settings(config)
    (config / "environment.yaml").write_text("orchestration: {poll_seconds: 7}")
    after = load_settings(config)
    assert after.pipeline.orchestration.poll_seconds == 7
    assert after.pipeline.orchestration.retries == before.pipeline.orchestration.retries
    assert after.pipeline.model_dump(exclude={"orchestration"}) == before.pipeline.model_dump(exclude={"orchestration"})
    assert after.fingerprint() == before.fingerprint()


def test_a_local_run_may_look_for_the_end_of_its_jobs_more_than_once_a_second(config: Path) -> None:
    (config / "environment.yaml").write_text("orchestration: {poll_seconds: 0.25}")
    assert load_settings(config).pipeline.orchestration.poll_seconds == 0.25


def test_an_environment_may_have_one_price_for_every_glue_version(config: Path) -> None:
    (config / "environment.yaml").write_text("prices: {glue_dpu_hour: 0.5}")
    assert load_settings(config).pipeline.prices.glue_dpu_hour == 0.5


def test_a_mistake_in_the_values_of_an_environment_is_named(config: Path) -> None:
    (config / "environment.yaml").write_text("orchestration: {pol_seconds: 7}")
    with pytest.raises(SettingsError, match=r"^environment\.yaml: orchestration\.pol_seconds"):
        load_settings(config)


def test_without_any_environment_the_message_says_what_writes_one(config: Path) -> None:
    (config / "local.yaml").unlink()
    with pytest.raises(SettingsError, match=r"environment\.yaml: not found in .*; a deployment writes it"):
        load_settings(config)


def test_an_environment_without_the_values_of_its_account_is_refused_by_their_names(config: Path) -> None:
    (config / "local.yaml").unlink()
    (config / "environment.yaml").write_text("storage: {bucket: acme-complaints}")
    with pytest.raises(SettingsError, match=r"aws\.glue_role_arn: Field required"):
        load_settings(config)


def test_the_files_that_every_environment_shares_name_no_account_and_no_bucket() -> None:
    # images.yaml has AWS's own accounts.
    not_shared = ("local.yaml", "images.yaml")
    shared = "".join(path.read_text() for path in CONFIG.glob("*.yaml") if path.name not in not_shared)
    assert not re.search(r"(?<!\d)\d{12}(?!\d)|arn:aws|bucket:", shared)


def test_the_fingerprint_changes_with_what_decides_results_and_with_nothing_else(config: Path) -> None:
    before = load_settings(config).fingerprint()
    pipeline = config / "pipeline_config.yaml"
    pipeline.write_text(pipeline.read_text().replace("retries: 2", "retries: 3"))
    assert load_settings(config).fingerprint() == before
    model = config / "model_config.yaml"
    # Only a training that is tuned depends on it.
    model.write_text(model.read_text().replace("max_jobs: 12", "max_jobs: 13"))
    assert load_settings(config).fingerprint() == before
    model.write_text(model.read_text().replace("seed: 13", "seed: 14"))
    assert load_settings(config).fingerprint() != before
