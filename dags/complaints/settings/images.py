"""`images.yaml`: AWS's scikit-learn image in every region, as the SageMaker SDK knows it.

Written by `make export` (`deploy/image_table.py`), since the SDK can be installed neither on MWAA nor beside Airflow.
"""

from __future__ import annotations

from functools import cache

import yaml

from complaints.settings.loading import CONFIG, IMAGES, SettingsError

IMAGES_FILE = CONFIG / IMAGES


def image_uri(region: str, tag: str) -> str:
    """The URI of AWS's scikit-learn image with this tag in a region.

    Raises:
        SettingsError: the table has no such tag, or the image is not in the region.
    """
    by_tag = _images()
    if tag not in by_tag:
        raise SettingsError(f"pipeline_config.yaml: sagemaker.image_tag: {tag!r}: not in {IMAGES}; run make export")
    if region not in by_tag[tag]:
        known = ", ".join(sorted(by_tag[tag]))
        raise SettingsError(
            f"pipeline_config.yaml: aws.region: {region!r} has no scikit-learn image of AWS; use {known}"
        )
    return by_tag[tag][region]


@cache
def _images() -> dict[str, dict[str, str]]:
    """URIs by tag and region."""
    found: dict[str, dict[str, str]] = yaml.safe_load(IMAGES_FILE.read_text(encoding="utf-8"))
    return found
