"""S3 URIs, and objects streamed to and from files."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from localaws.jobs.job import InputError

WORKERS = 4
# Several parts must fit into memory; smaller objects are uploaded in one request.
TRANSFER = TransferConfig(multipart_threshold=64 << 20, multipart_chunksize=64 << 20, use_threads=False)
DELETE_BATCH = 1_000

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class Place:
    """A bucket and a key, or a prefix of keys."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def below(self, relative: str) -> "Place":
        """The key `relative` under this prefix, with exactly one slash between them."""
        return Place(self.bucket, f"{self.key.rstrip('/')}/{relative}".lstrip("/"))


def place(uri: str) -> Place:
    """The bucket and key of an `s3://bucket/key` URI. Raises InputError for any other URI."""
    # Not urlsplit: '?' and '#' are ordinary characters of a key.
    match = re.fullmatch(r"s3[an]?://([^/]+)/?(.*)", uri, re.DOTALL)
    if not match:
        raise InputError(f"not an S3 URI: {uri!r} (expected s3://bucket/key)")
    return Place(match[1], match[2])


@dataclass(frozen=True)
class Storage:
    """S3 through a boto3 client."""

    client: Any

    def objects(self, prefix: Place) -> Iterator[tuple[str, int]]:
        """Keys that begin with the prefix (in S3's sense: any text) and their sizes in bytes, in key order.

        Directory markers are left out. Raises InputError if the bucket is missing.
        """
        return ((key, size) for key, size in self.listing(prefix) if not is_marker(key))

    def listing(self, prefix: Place) -> Iterator[tuple[str, int]]:
        """The same with directory markers. Raises InputError if the bucket is missing."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key)
        try:
            for page in pages:
                for item in page.get("Contents", []):
                    yield item["Key"], item["Size"]
        except self.client.exceptions.NoSuchBucket:
            raise InputError(f"{prefix}: bucket {prefix.bucket!r} does not exist") from None

    def download(self, source: Place, target: Path) -> None:
        """Download an object into a file. Raises InputError if it cannot be read."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            body = self.client.get_object(Bucket=source.bucket, Key=source.key)["Body"]
        except ClientError as error:
            raise InputError(f"cannot read {source}: {error.response['Error']['Message']}") from None
        # Not download_file: above 8 MB it asks for ranges, each a request of its own to the same process.
        with body, target.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)

    def upload(self, source: Path, target: Place) -> None:
        """Upload a file."""
        self.client.upload_file(str(source), target.bucket, target.key, Config=TRANSFER)

    def put_marker(self, folder: Place) -> None:
        """A directory marker, as S3A writes it."""
        self.client.put_object(
            Bucket=folder.bucket, Key=f"{folder.key}/", Body=b"", ContentType="application/x-directory"
        )

    def download_prefix(self, prefix: Place, folder: Path) -> list[str]:
        """Download every object under an S3Prefix into SageMaker's layout; returns the relative paths.

        Raises InputError if there is none.
        """
        keys = {relative_key(prefix.key, key): key for key, _ in self.objects(prefix)}
        if not keys:
            raise InputError(f"No S3 objects found under S3 URL {str(prefix)!r} given in input data source.")
        for relative in keys:
            within(folder, relative)
        in_parallel(
            lambda item: self.download(Place(prefix.bucket, item[1]), folder / item[0]),
            keys.items(),
        )
        return list(keys)

    def download_listed(self, manifest: Place, folder: Path) -> None:
        """Download the objects that a SageMaker manifest lists to their paths below its prefix.

        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
        Raises InputError for another document, a list without objects, or an object that cannot be read.
        """
        try:
            body = self.client.get_object(Bucket=manifest.bucket, Key=manifest.key)["Body"]
            first, *relatives = json.loads(body.read())
            prefix = first["prefix"]
        except ClientError as error:
            raise InputError(f"cannot read {manifest}: {error.response['Error']['Message']}") from None
        except (ValueError, TypeError, KeyError):
            raise InputError(f'{manifest} is no manifest: expected [{{"prefix": "s3://..."}}, "key", ...]') from None
        if not relatives:
            raise InputError(f"{manifest} lists no object")
        sources = {each: place(f"{prefix}{each}") for each in relatives}
        in_parallel(lambda item: self.download(item[1], within(folder, item[0])), sources.items())

    def upload_folder(self, folder: Path, target: Place) -> None:
        """Upload every file of a folder under a prefix."""
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        in_parallel(lambda path: self.upload(path, target.below(path.relative_to(folder).as_posix())), files)

    def delete(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects."""
        sorted_keys = sorted(keys)
        for start in range(0, len(sorted_keys), DELETE_BATCH):
            batch = [{"Key": key} for key in sorted_keys[start : start + DELETE_BATCH]]
            self.client.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})


def is_marker(key: str) -> bool:
    """True for the key of a directory marker, which holds no data: `records/`."""
    return key.endswith("/")


def relative_key(prefix: str, key: str) -> str:
    """The path of an object below the last whole folder of its S3Prefix.

    >>> relative_key("raw/2026", "raw/2026/a.json"), relative_key("raw/2026/a.json", "raw/2026/a.json")
    ('a.json', 'a.json')
    >>> relative_key("raw/part-", "raw/part-0/a.json")
    'part-0/a.json'
    """
    if key.startswith(prefix.rstrip("/") + "/"):
        return key[len(prefix.rstrip("/")) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def within(folder: Path, relative: str) -> Path:
    """`folder/relative`, if that is inside the folder. Raises InputError for keys such as `../../x`."""
    path = folder / relative
    if ".." in path.parts or not path.is_relative_to(folder):
        raise InputError(f"the object key {relative!r} cannot be a path in a folder")
    return path


def in_parallel(do: Callable[[T], object], items: Iterable[T]) -> None:
    """Calls `do` with every item, a few at a time; raises the first error."""
    with ThreadPoolExecutor(WORKERS) as pool:
        for result in [pool.submit(do, item) for item in items]:
            result.result()
