"""Glue job: downloads the public export of complaints to S3, checks it, and then makes it visible.

Writes `<exports>/<export>/` with the export as the server has it and, once it is checked, `export.json`, its record;
last of all, the same record as the one document below `--fetched`. A job that is started again takes up the download
where it broke off. An export that turns out to be damaged is removed. The job uses no Spark: the driver does the work.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Callable, Sequence
from typing import Any

from exact_csv import Input, reader_limits
from exact_csv.inputs import InputRefusedError, Opener, s3_client
from exact_csv.outputs import write_file
from export_check import checked
from export_download import Downloaded, Patience, Source, download
from job_log import log_counts

_MB = 1_000_000


class ExportRefusedError(ValueError):
    """The export was downloaded, but cannot be used; it was removed."""


def main(argv: Sequence[str] | None = None, source_of: Callable[[str, Patience], Source] = Source) -> None:
    """Runs the job with Glue's arguments, of which it knows its own.

    Raises:
        DownloadRefusedError: the export could not be downloaded.
        ExportRefusedError: it is damaged, too large, or no export of complaints.
    """
    options, _ = _parser().parse_known_args(argv)
    patience = Patience(options.connect_seconds, options.stall_seconds, options.tries)
    s3 = s3_client()
    found = download(
        source_of(options.url, patience),
        s3,
        options.bucket,
        options.exports,
        max_bytes=options.max_file_mb * _MB,
    )
    try:
        record = _record(options, found)
    except InputRefusedError as refused:
        s3.delete_object(Bucket=options.bucket, Key=found.key)
        raise ExportRefusedError(f"{options.url} ({found.version.validator}): {refused}") from None
    text = json.dumps(record, indent=2, sort_keys=True).encode()
    write_file(f"s3://{options.bucket}/{options.exports}{found.export}/export.json", io.BytesIO(text))
    write_file(f"{options.fetched.rstrip('/')}/export.json", io.BytesIO(text))
    print(f"{found.export}: {record['size']:,} bytes, {record['expanded_bytes']:,} of CSV", flush=True)
    log_counts("fetch_export", options.fetched, {name: record[name] for name in ("size", "expanded_bytes")})


def _record(options: argparse.Namespace, found: Downloaded) -> dict[str, Any]:
    given = Input(f"s3://{options.bucket}/{found.key}", found.etag, found.version_id, found.version.length)
    content = checked(Opener(), given, reader_limits(options.limits))
    return {
        "export": found.export,
        "url": options.url,
        "source_etag": found.version.etag,
        "source_last_modified": found.version.last_modified,
        "uri": given.uri,
        "etag": given.etag,
        "version": given.version,
        "size": given.size,
        "columns": content.columns,
        "expanded_bytes": content.expanded_bytes,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="the export, https://")
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--exports", required=True, help="the prefix in the bucket where the exports go")
    parser.add_argument("--fetched", required=True, help="the URI of the folder of the job's one document")
    parser.add_argument("--limits", required=True, help="JSON: the bounds of what is read")
    parser.add_argument("--max_file_mb", required=True, type=int)
    parser.add_argument("--connect_seconds", required=True, type=float)
    parser.add_argument("--stall_seconds", required=True, type=float)
    parser.add_argument("--tries", required=True, type=int)
    return parser


if __name__ == "__main__":
    main()
