"""Glue job: complaints and their scores in; the candidate table of results, and the account of every row, out.

Refuses answers that a sound model cannot have given to this run's records. Writes `--candidate` (Parquet, with the
columns of `result_table.py`: the prediction, the complaint's place in its file, and what `--columns` names), which is
not visible until it is published, and last of all `--account` (one JSON document, with each candidate file's size, rows
and SHA-256): where it exists, the job has completed. A complaint that the model could not score is quarantined with the
model's error; a complaint without a score is missing from the account, which then does not add up.

One Spark job of two steps. Tasks read the files of complaints, answers and training rows, and send each row to the file
of results that its id belongs to (`result_parts.py`); one task a file then checks the answers (`score_audit.py`), and
makes, writes and counts the table (`result_file.py`).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from functools import partial

from exact_csv.outputs import data_files_below, files_below, remove_files
from job_log import log_counts, totals
from pyspark.sql import SparkSession
from result_counts import account_of_results
from result_file import Audited, Writing, audited
from result_parts import ASKED, SCORES, TAUGHT, Source, parts, sending
from result_table import Publication
from run_files import put_document, read_document, spark_session
from score_audit import ScoresRefusedError, check_scores
from score_files import score_files

# Of one file of results: about 20 MB.
_ROWS_A_FILE = 1_000_000
# That a task reads. A Python worker spends a sixth of a second around each task, whatever it does.
_SOURCES_A_TASK = 50


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own.

    Raises:
        ScoresRefusedError: answers are missing, or are not those of the model to this run's records.
    """
    options = _arguments(argv)
    spark = spark_session()
    prepared = read_document(options.prepared)
    rows = sum(source["with_narrative"] for source in prepared["by_source"])
    scores = score_files(options.records, options.scores) if rows else []
    sources = [
        *(Source(SCORES, uri) for uri in scores),
        *(Source(ASKED, uri) for uri in data_files_below(options.complaints)),
        *(Source(TAUGHT, uri) for uri in taught_files(options.trained_on)),
    ]
    origin = (options.model_version, options.run_id)
    publication = Publication(*origin, options.review_below, options.columns, options.issues)
    sent = sending(max(1, math.ceil(rows / _ROWS_A_FILE)), publication)
    # An earlier attempt's: until the new account is there, nothing vouches for any file.
    remove_files([*files_below(options.account), *files_below(options.candidate)])
    found = write_results(spark, sources, Writing(options.candidate, sent, publication, options.classes))

    account = account_of_results([each.counts for each in found if each.counts], prepared)
    files = [each.file for each in found if each.file]
    print(f"{sum(each['rows'] for each in files):,} results in {len(files)} files", flush=True)
    log_counts("audit_results", options.account, totals(account["by_source"]))
    # Nothing may follow that could fail.
    put_document({**account, "files": files}, options.account)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("run_id", "model_version", "complaints", "prepared", "records", "scores", "candidate", "account"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--columns", required=True, type=json.loads, help="JSON: the columns of the complaint to fill")
    parser.add_argument(
        "--trained_on", required=True, type=json.loads, help="where the model's training rows are: URIs"
    )
    parser.add_argument("--classes", required=True, type=json.loads, help="JSON: the model's classes")
    parser.add_argument("--review_below", required=True, type=float, help="the confidence below which a person looks")
    parser.add_argument(
        "--issues",
        required=True,
        type=json.loads,
        help="JSON: null, or review_below, the model's classes, other, and renamed: [[old, new, until], ...]",
    )
    return parser.parse_known_args(argv)[0]


def taught_files(uris: Sequence[str]) -> list[str]:
    """The files of the rows that the model was trained on; none where some of these rows are no longer kept.

    A URI that ends with a pattern, `fate=*/`, stands for the folder before it: its files are those of all partitions.
    """
    folders = [f"{uri.partition('*')[0].rpartition('/')[0]}/" if "*" in uri else uri for uri in uris]
    found = [data_files_below(folder) for folder in folders]
    return [each for files in found for each in files] if all(found) else []


def write_results(spark: SparkSession, sources: Sequence[Source], writing: Writing) -> list[Audited]:
    """Writes the files of results, in their order, if all answers are sound.

    Raises:
        ScoresRefusedError: some are not; then there is no file.
    """
    context = spark.sparkContext
    rounds = math.ceil(len(sources) / (_SOURCES_A_TASK * context.defaultParallelism))
    tasks = max(1, min(len(sources), rounds * context.defaultParallelism))
    shares = context.parallelize([sources[number::tasks] for number in range(tasks)], tasks)
    sent = shares.mapPartitions(partial(parts, writing.sent)).partitionBy(writing.sent.files, int)
    found: list[Audited] = sent.mapPartitionsWithIndex(partial(audited, writing)).collect()
    try:
        check_scores((fault for each in found for fault in each.faults), writing.classes)
    except ScoresRefusedError:
        # Another file's answers may be sound.
        remove_files(files_below(writing.folder))
        raise
    return found


if __name__ == "__main__":
    main()
