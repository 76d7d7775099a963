"""The image of the SageMaker jobs, in every region that has one."""

from __future__ import annotations

import pytest

from complaints.settings import SettingsError, load_settings
from complaints.settings.images import image_uri

TAG = load_settings().pipeline.sagemaker.image_tag


@pytest.mark.parametrize(
    ("region", "registry"),
    [
        # AWS's developer guide, "Docker registry paths".
        ("us-east-1", "683313688378.dkr.ecr.us-east-1.amazonaws.com"),
        ("eu-central-1", "492215442770.dkr.ecr.eu-central-1.amazonaws.com"),
        ("cn-north-1", "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_region_has_its_own_registry(region: str, registry: str) -> None:
    assert image_uri(region, TAG) == f"{registry}/sagemaker-scikit-learn:{TAG}"


def test_a_region_without_the_image_is_refused_with_those_that_have_it() -> None:
    with pytest.raises(
        SettingsError, match=r"'mars-north-1' has no scikit-learn image of AWS; use af-south-1, .*us-west-2"
    ):
        image_uri("mars-north-1", TAG)


def test_a_tag_that_was_never_looked_up_is_refused_with_the_command_that_does() -> None:
    with pytest.raises(SettingsError, match=r"'9\.9-cpu-py3': not in images\.yaml; run make export"):
        image_uri("us-east-1", "9.9-cpu-py3")
