"""`python -m deploy.image_table`: writes `images.yaml`, AWS's scikit-learn image by region, from the SageMaker SDK.

In the environment `deploy`, which has the SDK. With `--check` it only compares, and fails if the file is stale.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

import yaml

from complaints.settings import SettingsError, load_settings
from complaints.settings.images import IMAGES_FILE

_TAG = re.compile(r"(?P<version>.+)-cpu-(?P<python>py\d+)")
# Any instance without a GPU.
_INSTANCE = "ml.m5.xlarge"
_HEAD = """\
# AWS's scikit-learn image in every region, from the SageMaker SDK; written by make export.
"""


def table(tag: str) -> str:
    """The content of the file for an image's tag, like `1.9-0-cpu-py3`.

    Raises:
        SettingsError: the tag is none of an image, or the SDK does not know its version.
    """
    # The SDK reads its configuration and greets when it is imported.
    from sagemaker.core import image_uris  # noqa: PLC0415

    named = _TAG.fullmatch(tag)
    versions = image_uris.config_for_framework("sklearn")["training"]["versions"]
    if named is None or named["version"] not in versions:
        raise SettingsError(
            f"pipeline_config.yaml: sagemaker.image_tag: {tag!r}: use <version>-cpu-py3, <version> one of "
            f"{', '.join(versions)}"
        )
    uris = {
        region: image_uris.retrieve(
            "sklearn", region, version=named["version"], py_version=named["python"], instance_type=_INSTANCE
        )
        for region in sorted(versions[named["version"]]["registries"])
    }
    return _HEAD + yaml.safe_dump({tag: uris}, width=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes or checks the file; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.image_table", description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the file is stale")
    content = table(load_settings().pipeline.sagemaker.image_tag)
    if not parser.parse_args(arguments).check:
        IMAGES_FILE.write_text(content, encoding="utf-8")
    elif not IMAGES_FILE.exists() or IMAGES_FILE.read_text(encoding="utf-8") != content:
        print(f"{IMAGES_FILE.name} is stale: make export", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
