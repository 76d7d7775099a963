"""Glue job: complaints and their scores in; the candidate table of results, and the account of every row, out.

Refuses answers that a sound model cannot have given to this run's records. Writes `--candidate` (Parquet, with the
columns of `_RESULTS`: the prediction, the complaint's place in its file, and what `--columns` names), which is not
visible until it is published, and last of all `--account` (one JSON document, with each candidate file's size, rows and
SHA-256): where it exists, the job has completed. A complaint that the model could not score is quarantined with the
model's error; a complaint without a score is missing from the account, which then does not add up.

`review_reason` says why a person should look at a result: `no_evidence`, the narrative has no word that the model
knows; `little_evidence`, it has very few of them; `low_confidence`, the model is not sure. It is null for the others.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from cleaned_rows import UNMAPPED
from issue_names import issue_class
from job_log import log_counts, totals
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from run_files import account_of, read_document, spark_session, write_document
from score_audit import EVIDENCE, ISSUES, check_scores, no_scores, read_scores

FATES = ("classified", "without_narrative", "quarantined", "superseded")
_RESULTS = (
    "complaint_id string, predicted_product string, confidence double, runner_up string, "
    "runner_up_confidence double, needs_review boolean, review_reason string, model_version string, run_id string, "
    "source string, record bigint, line bigint, received_on date, product string, sub_product string, "
    "issue string, sub_issue string, company string, state string"
)
# Those that `--columns` fills. The others are null, but there: the files of all runs have one schema.
OPTIONAL = ("received_on", "product", "sub_product", "issue", "sub_issue", "company", "state")
# The n-grams that decided. They are of the narrative, so they are a column only where `--columns` names it.
_EVIDENCE = "evidence"
# The answer to the second question, where `--issues` asks for it.
_ISSUES = f"{ISSUES}, issue_needs_review boolean, issue_review_reason string"
# Of the complaints: neither narratives nor raw texts, which take most of the space.
_NEEDED = ("complaint_id", "source", "record", "line", "label", "text_group", "fate", *OPTIONAL)
REVIEW_REASONS = ("no_evidence", "little_evidence", "low_confidence")
# Different known n-grams below which a narrative says next to nothing: "my mortgage" has three.
_LITTLE_EVIDENCE = 3
_CONFIDENCE_BINS = 10
# Columns whose largest values the account counts, and how many values of each.
_COUNTED = ("company", "state")
_LARGEST = 25
# Of one file of results: about 20 MB.
_ROWS_A_FILE = 1_000_000
# One encoding a column. A footer lists the encodings of a column in the order of their hash codes, which each JVM draws
# anew (parquet-java keeps them in a HashSet), so that files with the same pages would differ.
_PARQUET = {"parquet.writer.version": "v2", "parquet.enable.dictionary": "false"}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the job with Glue's arguments, of which it knows its own."""
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
    options, _ = parser.parse_known_args(argv)

    spark = spark_session()
    complaints = spark.read.parquet(options.complaints).select(*_NEEDED)
    prepared = read_document(options.prepared)
    rows = sum(source["with_narrative"] for source in prepared["by_source"])
    scores = (read_scores(spark, options.records, options.scores) if rows else no_scores(spark)).cache()
    asked = complaints.filter(F.col("fate") == "with_narrative")
    check_scores(scores, asked, options.classes)
    scored = with_scores(complaints, scores)
    origin = (options.model_version, options.run_id)
    issues = options.issues
    table = results(scored, options.review_below, *origin, options.columns, issues and issues["review_below"])
    write_candidate(table, rows, options.candidate)

    candidate = spark.read.schema(schema_of(options.columns, options.issues is not None)).parquet(options.candidate)
    files = candidate_files(spark, candidate, options.candidate)
    account = account_document(scored, candidate, prepared, trained_on(spark, options.trained_on), issues)
    print(f"{sum(each['rows'] for each in files):,} results in {len(files)} files", flush=True)
    log_counts("audit_results", options.account, totals(account["by_source"]))
    # Nothing may follow that could fail.
    write_document(spark, {**account, "files": files}, options.account)


def schema_of(columns: Sequence[str], with_issues: bool = False) -> str:
    """The columns of the table of results, where those in `columns` are asked for, and perhaps issues."""
    more = [EVIDENCE] if _EVIDENCE in columns else []
    return ", ".join([_RESULTS, *more, *([_ISSUES] if with_issues else [])])


def with_scores(complaints: DataFrame, scores: DataFrame) -> DataFrame:
    """Every complaint with its score, where it has one, and its final fate."""
    joined = complaints.join(scores, on="complaint_id", how="left")
    fate = (
        F.when(F.col("fate") != "with_narrative", F.col("fate"))
        .when(F.col("error").isNotNull(), "quarantined")
        .when(F.col("predicted_product").isNotNull(), "classified")
        .otherwise("unscored")
    )
    return joined.withColumn("fate", fate)


def trained_on(spark: SparkSession, uris: Sequence[str]) -> DataFrame | None:
    """Id and text group of the complaints that the model was trained on; None where their rows are no longer kept."""
    try:
        found = spark.read.schema("complaint_id string, text_group string").parquet(*uris)
    except AnalysisException as error:
        # As Spark 4 calls it, and as Spark 3.5 does.
        if getattr(error, "getCondition", error.getErrorClass)() != "PATH_NOT_FOUND":
            raise
        return None
    return None if found.isEmpty() else found


def results(
    scored: DataFrame,
    review_below: float,
    model_version: str,
    run_id: str,
    columns: Sequence[str] = OPTIONAL,
    issues: float | None = None,
) -> DataFrame:
    """The table of results: one row per classified complaint; of `OPTIONAL`, those in `columns` are filled.

    `evidence` is a column only where `columns` names it. `issues` is the confidence below which a person looks at the
    issue; None, where the table has no issues.
    """
    reason = _reason("confidence", review_below)
    return scored.filter(F.col("fate") == "classified").select(
        "complaint_id",
        "predicted_product",
        "confidence",
        "runner_up",
        "runner_up_confidence",
        reason.isNotNull().alias("needs_review"),
        reason.alias("review_reason"),
        F.lit(model_version).alias("model_version"),
        F.lit(run_id).alias("run_id"),
        *("source", "record", "line"),
        *(name if name in columns else F.lit(None).cast(_type(name)).alias(name) for name in OPTIONAL),
        *([_EVIDENCE] if _EVIDENCE in columns else []),
        *([] if issues is None else _issue_columns(issues)),
    )


def _reason(confidence: str, review_below: float) -> Column:
    """Why a person should look at an answer of this confidence; null where nobody needs to."""
    known = F.col("known_ngrams")
    return (
        F.when(known == 0, "no_evidence")
        .when(known < _LITTLE_EVIDENCE, "little_evidence")
        .when(F.col(confidence) < review_below, "low_confidence")
    )


def _issue_columns(review_below: float) -> list[Column]:
    """The issue, and whether a person should look at it; null where the model knows none."""
    is_answered = F.col("predicted_issue").isNotNull()
    reason = F.when(is_answered, _reason("issue_confidence", review_below))
    answer = [F.col(name) for name in ("predicted_issue", "issue_confidence", "issue_alternatives")]
    needs_review = F.when(is_answered, reason.isNotNull()).alias("issue_needs_review")
    return [*answer, needs_review, reason.alias("issue_review_reason")]


def _type(name: str) -> str:
    return "date" if name == "received_on" else "string"


def write_candidate(table: DataFrame, rows: int, uri: str, rows_a_file: int = _ROWS_A_FILE) -> None:
    """The same rows give the same files, to the byte; only their names are Spark's own and new each time."""
    files = max(1, math.ceil(rows / rows_a_file))
    parts = table.repartition(files, "complaint_id").sortWithinPartitions("complaint_id")
    parts.write.mode("overwrite").options(**_PARQUET).parquet(uri)


def candidate_files(spark: SparkSession, candidate: DataFrame, uri: str) -> list[dict[str, Any]]:
    """Name, size, rows and SHA-256 of each file, in the order of Spark's part numbers."""
    counts = candidate.groupBy("_metadata.file_name").count().collect()
    rows = {row.file_name: row["count"] for row in counts}
    digest = F.sha2("content", 256).alias("sha256")
    files = spark.read.format("binaryFile").load(uri).select("_metadata.file_name", "length", digest).collect()
    return [
        {"name": each.file_name, "size": each.length, "rows": rows.get(each.file_name, 0), "sha256": each.sha256}
        for each in sorted(files, key=lambda each: each.file_name)
    ]


def account_document(
    scored: DataFrame,
    candidate: DataFrame,
    prepared: dict[str, Any],
    trained: DataFrame | None,
    issues: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The fates of all rows that the preparation had read, the reasons for reviews, and the distribution of scores.

    `classified` is counted in the table as it was written, `rows_in` when the files were read: nothing in
    between can hide a loss. With `issues`, also the scores of the second question.
    """
    written = candidate.select("complaint_id", F.lit(True).alias("written"), "review_reason")
    fate = F.when(F.col("fate") == "classified", F.when(F.col("written"), "classified")).otherwise(F.col("fate"))
    rows = scored.join(written, on="complaint_id", how="left").withColumn("fate", fate)
    sources = [source["source"] for source in prepared["by_source"]]
    read = {source["source"]: source["rows_in"] for source in prepared["by_source"]}
    # By fate: a superseded copy has the complaint's id, too, and so finds the same answer.
    is_classified = F.col("fate") == "classified"
    is_unscored = (F.col("fate") == "quarantined") & F.col("error").isNotNull()
    conditions = {
        "unscored": is_unscored,
        UNMAPPED: is_classified & (F.col("label") == UNMAPPED),
        **{name: is_classified & (F.col("review_reason") == name) for name in REVIEW_REASONS},
    }
    counts = account_of(rows, sources, FATES, conditions)
    errors = rows.filter(is_unscored).groupBy("error").count().collect() if counts.total["unscored"] else []
    judged = with_seen(rows, trained)
    by_reason = {f"model: {row.error}": row["count"] for row in errors}
    return {
        "by_source": [{**each, "rows_in": read[each["source"]]} for each in counts.by_source],
        "quarantined_by_reason": {**prepared["quarantined_by_reason"], **by_reason},
        "unreadable_files": prepared["unreadable_files"],
        UNMAPPED: counts.total[UNMAPPED],
        "needs_review": {name: counts.total[name] for name in REVIEW_REASONS},
        "scores": score_counts(judged),
        **({} if issues is None else {"issue_scores": issue_counts(judged, issues)}),
        **largest(candidate),
    }


def largest(candidate: DataFrame, number: int = _LARGEST) -> dict[str, list[dict[str, Any]]]:
    """`by_company` and `by_state`: results and reviews of the largest values, and of all others under the name null.

    They are counted in the table as it was written: a column that is not published has no list either.
    """
    value = F.explode(F.array(*(F.struct(F.lit(of).alias("of"), F.col(of).alias("name")) for of in _COUNTED)))
    counts = (F.count(F.lit(1)).alias("rows"), F.sum(F.col("needs_review").cast("int")).alias("for_review"))
    named = candidate.select(value.alias("value"), "needs_review").groupBy("value.of", "value.name").agg(*counts)
    by_size = Window.partitionBy("of").orderBy(F.col("name").isNull(), F.desc("rows"), "name")
    name = F.when(F.row_number().over(by_size) <= number, F.col("name"))
    sums = (F.sum("rows").alias("rows"), F.sum("for_review").alias("for_review"))
    found = named.select("of", name.alias("name"), "rows", "for_review").groupBy("of", "name").agg(*sums)
    rows = found.sort("of", F.col("name").isNull(), F.desc("rows"), "name").collect()
    lists = {column: [each for each in rows if each["of"] == column] for column in _COUNTED}
    return {
        f"by_{column}": [{name: each[name] for name in ("name", "rows", "for_review")} for each in counted]
        for column, counted in lists.items()
        if any(each["name"] is not None for each in counted)
    }


def with_seen(rows: DataFrame, trained: DataFrame | None) -> DataFrame:
    """The rows with `seen`: True if the model was trained on this complaint or its narrative, null if nobody knows.

    Case and white space of the narrative do not count, as when the history was split.
    """
    if trained is None:
        return rows.withColumn("seen", F.lit(None).cast("boolean"))
    ids = trained.select("complaint_id", F.lit(True).alias("id_seen")).distinct()
    texts = trained.select("text_group", F.lit(True).alias("text_seen")).distinct()
    joined = rows.join(ids, on="complaint_id", how="left").join(texts, on="text_group", how="left")
    return joined.withColumn("seen", F.coalesce("id_seen", "text_seen", F.lit(False)))


def issue_counts(rows: DataFrame, issues: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scores of the second question: as of the first, with the class of the complaint's issue as the label."""
    label = issue_class(issues["renamed"], issues["classes"], issues["other"])
    answered = rows.filter(F.col("predicted_issue").isNotNull())
    return score_counts(
        answered.withColumn("label", label)
        .withColumn("predicted_product", F.col("predicted_issue"))
        .withColumn("confidence", F.col("issue_confidence"))
    )


def score_counts(rows: DataFrame) -> list[dict[str, Any]]:
    """The number of results by label, prediction, tenth of confidence and `seen`, and the sum of their confidences."""
    tenth = F.least(F.floor(F.col("confidence") * _CONFIDENCE_BINS), F.lit(_CONFIDENCE_BINS - 1))
    grouped = (
        rows.filter(F.col("fate") == "classified")
        .groupBy("label", "predicted_product", tenth.alias("confidence_tenth"), "seen")
        .agg(F.count(F.lit(1)).alias("rows"), F.sum("confidence").alias("confidence_sum"))
        .sort("label", "predicted_product", "confidence_tenth", "seen")
    )
    return [row.asDict() for row in grouped.collect()]


if __name__ == "__main__":
    main()
