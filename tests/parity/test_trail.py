"""What the comparison of two trails forgives, and what it does not."""

from __future__ import annotations

import json
from pathlib import Path

from tests.parity.trail import calls


def put(key: str) -> tuple[str, str, str]:
    return "s3", "PutObject", key


PLANNED = put("manifests/planned/run_id=1.json")


def told(folder: Path, *events: tuple[str, str, str]) -> list[tuple[str, str, object]]:
    """The calls of a trail of these events."""
    file = folder / "cloudtrail.jsonl"
    lines = (
        {
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "requestParameters": {"bucketName": "b", "key": key, "tags": []},
        }
        for service, name, key in events
    )
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return calls(file)


def test_objects_of_a_folder_may_be_put_in_any_order(tmp_path: Path) -> None:
    first = told(tmp_path, PLANNED, put("processed/a/0"), put("processed/a/1"), put("processed/account/0"))
    second = told(tmp_path, PLANNED, put("processed/a/1"), put("processed/a/0"), put("processed/account/0"))
    assert first == second
    assert len(first) == 4


def test_folders_may_not_and_neither_may_operations(tmp_path: Path) -> None:
    first = told(tmp_path, PLANNED, put("processed/a/0"), put("processed/account/0"))
    assert told(tmp_path, PLANNED, put("processed/account/0"), put("processed/a/0")) != first
    deleted = ("s3", "DeleteObject", "processed/a/0")
    assert told(tmp_path, PLANNED, deleted, put("processed/a/1")) != told(
        tmp_path, PLANNED, put("processed/a/1"), deleted
    )


def test_what_came_before_the_flow_and_the_starters_notes_are_left_out(tmp_path: Path) -> None:
    noise = (put("artifacts/x"), PLANNED, ("lambda", "Invoke", ""), put("ledger/versions/1.json"))
    assert [name for _, name, _ in told(tmp_path, *noise)] == ["PutObject"]
