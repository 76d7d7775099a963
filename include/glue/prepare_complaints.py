"""Glue job: prepares complaints for classification. Raw files in; every row with its fate, and the records, out.

Writes `--complaints` (Parquet, every row that was read), `--records` (JSON Lines for the batch transform),
`--quarantine` (JSON Lines) and, last of all, `--account` (one JSON document): where that is, all else is. Fails when a
file (unless `--limits` sets it aside) or too many rows cannot be read, when there is no row at all, or when what was
written is not what was read. Where no complaint has a narrative, the records are one empty file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

from cleaned_rows import UNMAPPED
from exact_csv.outputs import remove_markers
from job_log import log_counts, totals
from preparation import arguments, listed, prepare
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from run_files import spark_session, write_document

# Rows of one JSON Lines file: about 20 MB of narratives, so that the instances of a transform share the files.
_ROWS_A_FILE = 20_000


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own.

    Raises:
        InputFilesRefusedError: a file could not be read to its end, and is not set aside.
        TooManyQuarantinedError: more rows than are tolerated could not be read.
        ValueError: the files hold no row.
    """
    parser = arguments(__doc__)
    parser.add_argument("--records", required=True, help="where the records to classify go")
    parser.add_argument("--issues", required=True, type=json.loads, help="JSON: null where no issue is asked for")
    options, _ = parser.parse_known_args(argv)

    spark = spark_session()
    found = prepare(spark, options)
    by_source = found.counts.by_source
    if not any(source["rows_in"] for source in by_source):
        raise ValueError(f"nothing to classify: no row in {listed(found.sources)}")
    count = sum(source["with_narrative"] for source in by_source)
    with_product = options.issues is not None
    write_records(found.complaints.filter(F.col("fate") == "with_narrative"), count, options.records, with_product)
    # The batch transform takes every object below the prefix, and AWS does not say what it makes of S3A's markers.
    remove_markers(options.records)
    account = {
        "by_source": by_source,
        "quarantined_by_reason": found.quarantined_by_reason,
        "unreadable_files": found.unreadable_files,
        UNMAPPED: found.counts.total[UNMAPPED],
        **found.oddities,
    }
    print(f"{count:,} complaints to classify", flush=True)
    log_counts("prepare_complaints", options.account, totals(by_source))
    write_document(spark, account, options.account)


def write_records(to_classify: DataFrame, count: int, uri: str, with_product: bool = False) -> None:
    """Writes the input of the batch transform: JSON Lines with complaint_id and narrative, in files of similar size.

    By the ids' hash, and in their order: a re-run writes the same files. `with_product`: also the class of the product
    in the file, where a rule knows it, for the question that follows from it.
    """
    product = F.when(F.col("label") != UNMAPPED, F.col("label")).alias("product")
    (
        to_classify.select("complaint_id", "narrative", *([product] if with_product else []))
        .repartition(max(1, math.ceil(count / _ROWS_A_FILE)), "complaint_id")
        .sortWithinPartitions("complaint_id")
        .write.mode("overwrite")
        .json(uri)
    )


if __name__ == "__main__":
    main()
