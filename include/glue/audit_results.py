"""Glue job: complaints and their scores in; the table of results, and the account of every row, out.

Writes `--results` (Parquet: complaint_id, predicted_product, confidence, runner_up, runner_up_confidence,
model_version, run_id) and `--account` (one JSON document). A complaint that the model could not score is
quarantined with the model's words; a complaint without a score is missing from the account, which then does not
add up.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from complaint_rows import UNMAPPED
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from run_files import account_of, read_document, spark_session, write_document

FATES = ("classified", "without_narrative", "quarantined", "superseded")
_SCORES = (
    "complaint_id string, predicted_product string, confidence double, runner_up string, "
    "runner_up_confidence double, error string"
)
_CONFIDENCE_BINS = 10


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    for name in ("run_id", "model_version", "complaints", "prepared", "scores", "results", "account"):
        parser.add_argument(f"--{name}", required=True)
    options, _ = parser.parse_known_args(argv)

    spark = spark_session()
    complaints = spark.read.parquet(options.complaints)
    scores = spark.read.schema(_SCORES).json(options.scores)
    check_scores(scores, complaints)
    scored = with_scores(complaints, scores)
    results(scored, options.model_version, options.run_id).write.mode("overwrite").parquet(options.results)

    published = spark.read.parquet(options.results)
    prepared = read_document(spark, options.prepared)
    account = account_document(scored, published, prepared)
    write_document(spark, account, options.account)
    print(f"{published.count():,} results published", flush=True)


def check_scores(scores: DataFrame, complaints: DataFrame) -> None:
    """Refuses scores that this run never asked for.

    Raises:
        ValueError: a score's complaint_id is not among the run's complaints; one is named.
    """
    asked = complaints.filter(F.col("fate") == "with_narrative").select("complaint_id")
    foreign = scores.join(asked, on="complaint_id", how="left_anti")
    count = foreign.count()
    if count:
        example = foreign.first()
        raise ValueError(f"{count} scores belong to no complaint of this run, for instance {example}")


def with_scores(complaints: DataFrame, scores: DataFrame) -> DataFrame:
    """Every complaint with its score, where it has one, and its final fate."""
    joined = complaints.drop("narrative", "raw").join(scores, on="complaint_id", how="left")
    fate = (
        F.when(F.col("fate") != "with_narrative", F.col("fate"))
        .when(F.col("error").isNotNull(), "quarantined")
        .when(F.col("predicted_product").isNotNull(), "classified")
        .otherwise("unscored")
    )
    return joined.withColumn("fate", fate)


def results(scored: DataFrame, model_version: str, run_id: str) -> DataFrame:
    """The schema of the published table: one row a classified complaint."""
    return scored.filter(F.col("fate") == "classified").select(
        "complaint_id",
        "predicted_product",
        "confidence",
        "runner_up",
        "runner_up_confidence",
        F.lit(model_version).alias("model_version"),
        F.lit(run_id).alias("run_id"),
    )


def account_document(scored: DataFrame, published: DataFrame, prepared: dict[str, Any]) -> dict[str, Any]:
    """What became of every row that the preparation had read, and how the scores are spread.

    `classified` is counted in the table as it was published, `rows_in` when the files were read: nothing in
    between can hide a loss.
    """
    visible = published.select("complaint_id", F.lit(True).alias("published"))
    rows = scored.join(visible, on="complaint_id", how="left").withColumn(
        "fate",
        F.when(F.col("fate") == "classified", F.when(F.col("published"), "classified")).otherwise(F.col("fate")),
    )
    sources = [source["source"] for source in prepared["by_source"]]
    read = {source["source"]: source["rows_in"] for source in prepared["by_source"]}
    by_source = [{**each, "rows_in": read[each["source"]]} for each in account_of(rows, sources, FATES)]
    unscored = (
        rows.filter((F.col("fate") == "quarantined") & F.col("error").isNotNull()).groupBy("error").count().collect()
    )
    by_reason = {f"model: {row.error}": row["count"] for row in unscored}
    return {
        "by_source": by_source,
        "quarantined_by_reason": {**prepared["quarantined_by_reason"], **by_reason},
        "unmapped": rows.filter((F.col("fate") == "classified") & (F.col("label") == UNMAPPED)).count(),
        "scores": score_counts(rows),
    }


def score_counts(rows: DataFrame) -> list[dict[str, Any]]:
    """How often which label met which prediction in which tenth of confidence, with the confidences' sum."""
    tenth = F.least(F.floor(F.col("confidence") * _CONFIDENCE_BINS), F.lit(_CONFIDENCE_BINS - 1))
    grouped = (
        rows.filter(F.col("fate") == "classified")
        .groupBy("label", "predicted_product", tenth.alias("confidence_tenth"))
        .agg(F.count(F.lit(1)).alias("rows"), F.sum("confidence").alias("confidence_sum"))
        .sort("label", "predicted_product", "confidence_tenth")
    )
    return [row.asDict() for row in grouped.collect()]


if __name__ == "__main__":
    main()
