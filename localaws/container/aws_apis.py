"""Lets boto3 keep what it reads: by itself it reads the description of an API anew for each session."""

import json
import marshal
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO, Any

import boto3
import botocore.session
from botocore.loaders import JSONFileLoader

# Those that functions use and that take long to read.
_SERVICES = ("cloudwatch", "glue", "logs", "s3", "sagemaker", "sns", "stepfunctions")
# Each reader gets a copy, since botocore and moto write into theirs. Marshal is the fastest way to one.
_kept: dict[str, bytes] = {}
_load_file = JSONFileLoader.load_file


def keep() -> None:
    """From now on this process, and each fork of it, reads a description once."""
    JSONFileLoader.load_file = _kept_file
    # As it is, it makes each object an OrderedDict, which takes longer, and which marshal does not know.
    JSONFileLoader._load_file = _parsed


def read() -> None:
    """Reads the descriptions that functions need, for all of their sessions."""
    keep()
    # A session's own loader keeps what it has read and parsed: with one for all, a fork reads and parses nothing again.
    botocore.session.create_loader = cache(botocore.session.create_loader)
    session = boto3.Session(aws_access_key_id="none", aws_secret_access_key="none", region_name="us-east-1")
    loader = botocore.session.Session().get_component("data_loader")
    for service in _SERVICES:
        session.client(service).close()
        loader.load_service_model(service, "paginators-1")


def _kept_file(loader: JSONFileLoader, path: str) -> Any:
    if path not in _kept:
        _kept[path] = marshal.dumps(_load_file(loader, path))
    return marshal.loads(_kept[path])


def _parsed(_: JSONFileLoader, path: str, open_file: Callable[..., IO[bytes]]) -> Any:
    if not Path(path).is_file():
        return None
    with open_file(path, "rb") as file:
        return json.loads(file.read())
