"""Glue job: prepares complaints for training. Labelled files in; rows to train on and rows to test on out.

Writes `--complaints` (Parquet, every row that was read), `--rows` (Parquet by use and fate: `use=train`,
`use=evaluate/fate=test`, `use=evaluate/fate=newest`, `use=none`), `--quarantine` (JSON Lines) and, last of all,
`--account` (one JSON document): where that is, all else is. Fails when a file (unless `--limits` sets it aside) or too
many rows cannot be read, or when no rows are left to train on or to test on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from cleaned_rows import UNMAPPED
from complaint_rows import place
from issue_names import IssueRule, named_issue
from job_log import log_counts, totals
from preparation import arguments, prepare
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from run_files import account_of, spark_session, write_document

_NAMED, _LONGEST_NAME = 10, 100  # products in an error, and characters of each
FATES = ("train", "test", "newest", "without_narrative", "unmapped", "quarantined", "superseded")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own.

    Raises:
        InputFilesRefusedError: a file could not be read to its end, and is not set aside.
        TooManyQuarantinedError: more rows than are tolerated could not be read.
        ValueError: no complaint is left to train on, or none to test on.
    """
    parser = arguments(__doc__)
    parser.add_argument("--rows", required=True, help="where the split rows go")
    parser.add_argument("--newest_fraction", required=True, type=float)
    parser.add_argument("--test_fraction", required=True, type=float)
    parser.add_argument(
        "--issue_rules", required=True, type=json.loads, help="JSON: null, or renamed issues: [[old, new, until], ...]"
    )
    options, _ = parser.parse_known_args(argv)

    spark = spark_session()
    found = prepare(spark, options)
    rows = split(found.complaints, options.newest_fraction, options.test_fraction, options.issue_rules)
    # By the hash of a row's id, and in a fixed order: training on a re-run's files gives the same model.
    placed = rows.repartition(found.files, "complaint_id", place()).sortWithinPartitions(
        "use", "fate", "source", "record"
    )
    placed.write.mode("overwrite").partitionBy("use", "fate").parquet(options.rows)

    # With the schema at hand: no row leaves no file to take it from.
    written = spark.read.schema(rows.schema).parquet(options.rows)
    by_source = account_of(written, found.sources, FATES).by_source
    counts = {fate: sum(source[fate] for source in by_source) for fate in FATES}
    print(", ".join(f"{count:,} {fate}" for fate, count in counts.items()), flush=True)
    log_counts("prepare_history", options.account, totals(by_source))
    if not counts["train"] or not counts["test"] + counts["newest"]:
        problem = "too few labelled complaints with a narrative to learn from and to test on"
        raise ValueError(f"{problem}: {counts}{unmapped_products(found.complaints)}")
    account = {
        "by_source": by_source,
        "quarantined_by_reason": found.quarantined_by_reason,
        "unreadable_files": found.unreadable_files,
        **found.oddities,
    }
    write_document(spark, account, options.account)


def unmapped_products(complaints: DataFrame) -> str:
    """The end of a message: the products that have no class, the most frequent first; empty where there are none."""
    unmapped = complaints.filter((F.col("fate") == "with_narrative") & (F.col("label") == UNMAPPED))
    counts = unmapped.groupBy("product").count().cache()
    products, first = counts.count(), counts.sort(F.desc("count"), "product").limit(_NAMED).collect()
    if not products:
        return ""
    names = ", ".join(f"{row.product[:_LONGEST_NAME]!r} ({row['count']:,})" for row in first)
    more = f" and {products - len(first):,} more" if products > len(first) else ""
    which = "this product matches no rule" if products == 1 else f"these {products:,} products match no rule"
    return f"; {which} of `labels` in model_config.yaml: {names}{more}"


def split(
    complaints: DataFrame, newest_fraction: float, test_fraction: float, issue_rules: Sequence[IssueRule] | None = None
) -> DataFrame:
    """Complaints with their use; identical narratives always stand on the same side.

    Narratives that differ in case and white space only form a group. Of the groups with a date, the newest
    `newest_fraction` by their newest member are kept for `newest`; of the others, `test_fraction` for `test`, chosen
    by the hash of their text, so that a narrative stays on its side when the history grows. With `issue_rules`, the
    rows have the complaint's issue, as it is called now.
    """
    grouped = complaints.withColumn("teaches", _teaches())
    text_groups = Window.partitionBy(F.coalesce("text_group", place()))
    dated = grouped.withColumn(
        "group_date",
        F.max(F.when(F.col("teaches"), F.col("received_on"))).over(text_groups),
    )
    days = F.unix_date("group_date")
    cut = dated.filter(F.col("teaches")).agg(F.percentile(days, 1 - newest_fraction)).collect()[0][0]
    is_newest = F.lit(False) if cut is None or not newest_fraction else F.coalesce(days > cut, F.lit(False))
    hashed = F.conv(F.substring("text_group", 1, 8), 16, 10).cast("long") / F.lit(2**32)
    fate = (
        F.when(~F.col("teaches"), F.when(F.col("fate") == "with_narrative", UNMAPPED).otherwise(F.col("fate")))
        .when(is_newest, "newest")
        .when(hashed < test_fraction, "test")
        .otherwise("train")
    )
    return dated.withColumn("fate", fate).select(
        *("source", "record", "complaint_id", "received_on", "company", "narrative", "label", "text_group"),
        *([] if issue_rules is None else [named_issue(issue_rules).alias("issue")]),
        F.when(F.col("fate") == "train", "train")
        .when(F.col("fate").isin("test", "newest"), "evaluate")
        .otherwise("none")
        .alias("use"),
        "fate",
    )


def _teaches() -> Column:
    """A complaint that can teach has a narrative, and a product that a rule knows."""
    return (F.col("fate") == "with_narrative") & F.coalesce(F.col("label") != UNMAPPED, F.lit(False))


if __name__ == "__main__":
    main()
