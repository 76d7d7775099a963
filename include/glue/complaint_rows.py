"""What a complaint is once it is read: identified, dated, labelled, the newest of its copies, with one fate.

Each function is one step, DataFrame in and DataFrame out, as Spark SQL expressions only.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

UNMAPPED = "unmapped"
FATES = ("with_narrative", "without_narrative", "quarantined", "superseded")

_PLAN = "inputs array<struct<uri: string, etag: string>>"

# Excel writes 2020/3/18 for 2020-03-18, the CFPB's search page 03/18/20.
_DATE_FORMATS = ("yyyy-M-d", "yyyy/M/d", "M/d/yyyy", "M/d/yy")


def run_inputs(spark: SparkSession, plan_uri: str) -> DataFrame:
    """The objects that the run's plan names: source (URI), etag, input_rank (0 is the oldest)."""
    plan = spark.read.schema(_PLAN).json(plan_uri, multiLine=True)
    inputs = plan.select(F.posexplode("inputs").alias("input_rank", "input"))
    return inputs.select(F.col("input.uri").alias("source"), F.col("input.etag").alias("etag"), "input_rank")


def prepared(read: DataFrame, inputs: DataFrame, rules: Sequence[Sequence[str]]) -> DataFrame:
    """Every record that was read, as a complaint with one of `FATES`.

    `read` is that of `read_complaints`, `inputs` that of `run_inputs`; `rules` are pairs of text and label.
    """
    identified = _identified(read.join(F.broadcast(inputs), on="source", how="left"))
    judged = identified.withColumn("is_newest", _is_newest())
    return judged.select(
        *("source", "record", "line", "complaint_id"),
        _date(F.col("date_received")).alias("received_on"),
        "product",
        label(F.col("product"), rules).alias("label"),
        F.col("consumer_complaint_narrative").alias("narrative"),
        _fate().alias("fate"),
        *("reason", "raw"),
    )


def label(product: Column, rules: Sequence[Sequence[str]]) -> Column:
    """The class of a product: the label of the first rule whose text the lower-cased name holds.

    A product that no rule knows is `unmapped`; a complaint without a product has no label (null).
    """
    known = F.when(product.isNull(), F.lit(None))
    for text, name in rules:
        known = known.when(F.contains(F.lower(product), F.lit(text)), F.lit(name))
    return known.otherwise(F.lit(UNMAPPED))


def _identified(complaints: DataFrame) -> DataFrame:
    """Gives complaints of files that carry no ids one made of the file's content and the record's place."""
    made_up = F.concat_ws("-", F.substring("etag", 1, 12), F.lpad(F.col("record").cast("string"), 9, "0"))
    # The reader lets through nothing but digits with white space around them.
    published = F.regexp_extract("complaint_id", "[0-9]+", 0)
    identifier = F.when(F.col("reason").isNull(), F.coalesce(published, made_up))
    return complaints.withColumn("complaint_id", identifier)


def _date(text: Column) -> Column:
    """The date in one of the known ways of writing it, with or without a time behind it; else null."""
    day = F.regexp_extract(text, r"^[^T ]*", 0)
    return F.coalesce(*(F.to_date(day, each) for each in _DATE_FORMATS))


def place() -> Column:
    """A key that no two rows share: keeps rows without a key of their own from piling up in one partition."""
    return F.concat_ws("#", "source", "record")


def _is_newest() -> Column:
    """A complaint is published again when its ZIP is unmasked or its company renamed: the newest copy wins.

    Newest is the last record of the youngest object. Records that could not be read stand outside.
    """
    copies = Window.partitionBy(F.coalesce("complaint_id", place())).orderBy(F.desc("input_rank"), F.desc("record"))
    return F.when(F.col("complaint_id").isNull(), F.lit(False)).otherwise(F.row_number().over(copies) == 1)


def _fate() -> Column:
    """What becomes of a row: the first condition that applies decides."""
    # (?U): what Unicode calls white space, a no-break space for instance, is no narrative either.
    has_narrative = F.coalesce(F.col("consumer_complaint_narrative").rlike(r"(?U)\S"), F.lit(False))
    return (
        F.when(F.col("reason").isNotNull(), "quarantined")
        .when(~F.col("is_newest"), "superseded")
        .when(~has_narrative, "without_narrative")
        .otherwise("with_narrative")
    )
