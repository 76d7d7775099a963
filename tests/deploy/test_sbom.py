"""The bill of materials names every package of every lock, once, and says what a release ships."""

from __future__ import annotations

import json
import re
from pathlib import Path

from deploy.layer import PACKAGES
from deploy.sbom import sbom

LOCKS = {path.stem: path.read_text() for path in (Path(__file__).parents[2] / "locks").glob("*.txt")}


def test_every_package_of_every_lock_is_named_with_its_version_and_its_hashes() -> None:
    components = json.loads(sbom(LOCKS, "0123456789ab"))["components"]
    expected = sorted(
        f"{lock}:pkg:pypi/{name}@{version}"
        for lock, text in LOCKS.items()
        for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE)
    )
    assert sorted(each["bom-ref"] for each in components) == expected
    assert all(each["properties"][1:] for each in components)
    hashes = sum(text.count("--hash=sha256:") for text in LOCKS.values())
    assert sum(len(each["properties"]) - 1 for each in components) == hashes


def test_what_a_release_ships_is_what_the_layer_has() -> None:
    components = json.loads(sbom(LOCKS, "0123456789ab"))["components"]
    assert {each["name"] for each in components if each["scope"] == "required"} == set(PACKAGES)


def test_the_same_locks_give_the_same_bytes_and_another_release_another_number() -> None:
    assert sbom(LOCKS, "a") == sbom(dict(reversed(LOCKS.items())), "a")
    assert json.loads(sbom(LOCKS, "a"))["serialNumber"] != json.loads(sbom(LOCKS, "b"))["serialNumber"]
