"""Checks the answers of the batch transform: all of them must be sound, and answer this run's records.

SageMaker answers the records file `<name>` with `<name>.out`. A transform that failed leaves the outputs of the files
that went through, and a run that was repeated finds those of its earlier attempt:
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

from __future__ import annotations

from collections.abc import Sequence

from exact_csv.outputs import data_files_below
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

EVIDENCE = "evidence array<struct<product: string, ngram: string, weight: double>>"
ISSUES = (
    "predicted_issue string, issue_confidence double, "
    "issue_alternatives array<struct<issue: string, confidence: double>>"
)
_SCORES = (
    "complaint_id string, predicted_product string, confidence double, runner_up string, "
    f"runner_up_confidence double, known_ngrams long, {EVIDENCE}, {ISSUES}, error string"
)
_OUTPUT = ".out"
_NAMED = 5  # complaints, or files, that an error names
_ROUNDING = 1e-6


class ScoresRefusedError(ValueError):
    """The answers are not those of the model to this run's records; nothing may be made of any of them."""


def no_scores(spark: SparkSession) -> DataFrame:
    """The answers of a run that asked nothing."""
    return spark.createDataFrame([], _SCORES)


def read_scores(spark: SparkSession, records_uri: str, scores_uri: str) -> DataFrame:
    """The answers to the files of records that are there now, one row a line.

    Outputs of other names are left from an earlier attempt: they are ignored, and counted in the log.

    Raises:
        ScoresRefusedError: a file of records has no output, as after a transform that failed; it is named.
    """
    asked, answered = (
        {each.rpartition("/")[2] for each in data_files_below(folder)} for folder in (records_uri, scores_uri)
    )
    wanted = {f"{name}{_OUTPUT}" for name in asked}
    if missing := sorted(wanted - answered):
        named = ", ".join(name.removesuffix(_OUTPUT) for name in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise ScoresRefusedError(
            f"{len(missing)} of {len(asked)} records files have no output in {scores_uri}: {named}{more}; "
            f"each needs one of its name and {_OUTPUT!r}: run the batch transform again"
        )
    if not wanted:
        raise ScoresRefusedError(f"{records_uri} holds no records: run the preparation again")
    print(f"outputs read: {len(wanted)}; ignored, of an earlier attempt: {len(answered - wanted)}", flush=True)
    folder = scores_uri.rstrip("/")
    return spark.read.schema(_SCORES).json([f"{folder}/{name}" for name in sorted(wanted)])


def check_scores(scores: DataFrame, asked: DataFrame, classes: Sequence[str]) -> None:
    """Refuses answers that a sound model cannot have given to the complaints in `asked`; their order does not matter.

    Raises:
        ScoresRefusedError: for each rule that is broken, the number of answers, some ids, and what would be right.
    """
    rules = _rules(classes)
    fault = F.lit(None).cast("int")
    for number in reversed(range(len(rules))):
        # A comparison with null is null: then the rule is not broken, unless it says so itself.
        fault = F.when(F.coalesce(rules[number][0], F.lit(False)), F.lit(number)).otherwise(fault)
    copies = Window.partitionBy("complaint_id")
    judged = (
        scores.join(asked.select("complaint_id", F.lit(True).alias("asked")), on="complaint_id", how="left")
        .withColumn("answers", F.count(F.lit(1)).over(copies))
        .select("complaint_id", fault.alias("fault"))
        .filter(F.col("fault").isNotNull())
    )
    counts = judged.groupBy("fault").count().sort("fault").collect()
    if counts:
        raise ScoresRefusedError(
            "; ".join(_sentence(judged, row.fault, row["count"], rules[row.fault]) for row in counts)
        )


def _rules(classes: Sequence[str]) -> list[tuple[Column, str, str]]:
    """The rules that answers may break, in order: the condition, its name, and what would be right."""
    predicts = F.col("error").isNull()
    product, second = F.col("predicted_product"), F.col("runner_up")
    confidence, second_confidence = F.col("confidence"), F.col("runner_up_confidence")
    known = ", ".join(sorted(classes))
    number = "a probability is a number from 0 to 1"
    return [
        (F.col("asked").isNull(), "for a complaint that was never asked about", "only this run's records are answered"),
        (F.col("answers") > 1, "for a complaint that was scored more than once", "each record has one answer"),
        (predicts & product.isNull(), "with neither a prediction nor an error", "each answer is one of the two"),
        (predicts & _no_class(product, classes), "with a predicted_product that is no class of the model", known),
        (predicts & _no_class(second, classes), "with a runner_up that is no class of the model", known),
        (predicts & _no_probability(confidence), "with an invalid confidence", number),
        (predicts & _no_probability(second_confidence), "with an invalid runner_up_confidence", number),
        (predicts & (second == product), "with its predicted_product as runner_up", "they are two classes"),
        (
            predicts & (second_confidence > confidence),
            "with a runner_up_confidence above its confidence",
            "the runner-up is at most as likely as the prediction",
        ),
        (
            predicts & (confidence + second_confidence > 1 + _ROUNDING),
            "with a confidence and a runner_up_confidence above 1 together",
            "the probabilities of all classes are 1 together",
        ),
        (
            F.col("predicted_issue").isNotNull() & _no_probability(F.col("issue_confidence")),
            "with an invalid issue_confidence",
            number,
        ),
    ]


def _no_class(name: Column, classes: Sequence[str]) -> Column:
    return ~F.coalesce(name.isin(list(classes)), F.lit(False))


def _no_probability(number: Column) -> Column:
    # Spark sorts NaN above every number.
    return ~F.coalesce(number.between(0, 1), F.lit(False))


def _sentence(judged: DataFrame, fault: int, count: int, rule: tuple[Column, str, str]) -> str:
    """One sentence about a broken rule. An id in a wrong answer may be of any length, so it is cut."""
    broken = judged.filter(F.col("fault") == fault).select(F.substring("complaint_id", 1, 40).alias("id")).distinct()
    ids = [row.id for row in broken.sort("id").limit(_NAMED + 1).collect()]
    named = ", ".join(map(repr, ids[:_NAMED])) + (", …" if len(ids) > _NAMED else "")
    return f"{count:,} answer{'s' * (count != 1)} {rule[1]}, complaint_id {named}: {rule[2]}"
