"""Turns records into complaints: each identified, dated, labelled, compared with its copies, and given one fate.

Each function is one step, DataFrame in and DataFrame out, as Spark SQL expressions only.
"""

from __future__ import annotations

from collections.abc import Sequence

from narratives import flags_of_narrative, is_written, without_controls
from personal_data import kinds_in, masked
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from written_dates import date_of, is_ambiguous

UNMAPPED = "unmapped"
FATES = ("with_narrative", "without_narrative", "quarantined", "superseded")
FLAGS = (
    *("date_unreadable", "sent_before_received", "received_in_future", "masked_personal_data"),
    *("control_characters", "short_narrative", "not_english"),
    *("date_ambiguous", "id_restored", "in_open_quote"),
)
# A row that may be a line of a narrative takes no other's place.
IN_OPEN_QUOTE = "found behind a quote that is not closed, with the Complaint ID of another row"

_PLAN = (
    "inputs array<struct<uri: string, etag: string, version: string, size: long, last_modified: string>>, run_id string"
)

# Columns that are carried as they were read.
_CARRIED = (
    *("product", "sub_product", "issue", "sub_issue", "company", "company_public_response", "state", "tags"),
    *("consumer_consent_provided", "submitted_via", "company_response_to_consumer", "timely_response"),
    "consumer_disputed",
)
# Bytes of stored input for which one file of prepared rows is written.
_INPUT_A_FILE = 32 << 20


def run_inputs(spark: SparkSession, plan_uri: str) -> DataFrame:
    """The objects that the run's plan names: source (URI), etag, version, size, arrived_on, input_rank (0: oldest)."""
    plan = spark.read.schema(_PLAN).json(plan_uri, multiLine=True)
    inputs = plan.select(F.posexplode("inputs").alias("input_rank", "input"))
    return inputs.select(
        F.col("input.uri").alias("source"),
        F.col("input.etag").alias("etag"),
        F.coalesce("input.version", F.lit("")).alias("version"),
        F.coalesce("input.size", F.lit(0)).alias("size"),
        F.to_date(F.substring("input.last_modified", 1, 10)).alias("arrived_on"),
        "input_rank",
    )


def files_for(stored_bytes: int) -> int:
    """The number of files for the rows of inputs of this size: by the inputs alone, so that a re-run agrees."""
    return min(max(1, -(-stored_bytes // _INPUT_A_FILE)), 1_000)


def prepared(
    read: DataFrame,
    inputs: DataFrame,
    rules: Sequence[Sequence[str]],
    files: int = 1,
    numbered_rows: Sequence[str] = (),
) -> DataFrame:
    """Every record that was read, as a complaint with one of `FATES`, in `files` partitions of a fixed order.

    `read` is that of `read_complaints`, `inputs` that of `run_inputs`; `rules` are pairs of text and label. `flags`
    name what is odd about a complaint, `personal_data` what was masked in its narrative. The ids of the sources in
    `numbered_rows` are row numbers, and are not used.
    """
    identified = _identified(read.join(F.broadcast(inputs), on="source", how="left"), numbered_rows)
    # Copies of a complaint stand in one partition, and always in the same: the window below moves nothing.
    placed = identified.withColumn("copies_of", F.coalesce("complaint_id", place())).repartition(files, "copies_of")
    dated = (
        placed.withColumn("is_newest", _is_newest())
        .withColumn("reason", F.when(_is_forged(), IN_OPEN_QUOTE).otherwise(F.col("reason")))
        .withColumn("received_on", date_of(F.col("date_received")))
        .withColumn("sent_on", date_of(F.col("date_sent_to_company")))
        .withColumn("cleaned", without_controls(F.col("consumer_complaint_narrative")))
        .withColumn("personal_data", kinds_in(F.col("cleaned")))
        .withColumn("narrative", masked(F.col("cleaned"), F.col("personal_data")))
    )
    return dated.select(
        *("source", "record", "line"),
        F.when(F.col("reason").isNull(), F.col("complaint_id")).alias("complaint_id"),
        *("received_on", "sent_on"),
        *_CARRIED,
        _zip_code().alias("zip_code"),
        label(F.col("product"), rules).alias("label"),
        "narrative",
        _fate().alias("fate"),
        _flags().alias("flags"),
        *("personal_data", "reason"),
        F.when(F.col("reason").isNotNull(), F.col("raw")).alias("raw"),
    ).sortWithinPartitions("source", "record")


def label(product: Column, rules: Sequence[Sequence[str]]) -> Column:
    """The class of a product: the label of the first rule whose text the lower-cased name holds.

    A product that no rule knows is `unmapped`; a complaint without a product has no label (null).
    """
    known = F.when(product.isNull(), F.lit(None))
    for text, name in rules:
        known = known.when(F.contains(F.lower(product), F.lit(text)), F.lit(name))
    return known.otherwise(F.lit(UNMAPPED))


def numbered_rows(read: DataFrame, sources: Sequence[str]) -> list[str]:
    """Those of the sources whose ids are row numbers: most ids that they share belong to different complaints.

    `sources` are files whose ids come from a column that is called just "id".
    """
    if not sources:
        return []
    complaints = read.filter(F.col("source").isin(list(sources)) & F.col("reason").isNull())
    content = F.xxhash64(*("consumer_complaint_narrative", "date_received", "product"))
    by_id = complaints.groupBy(published_id(F.col("complaint_id")).alias("published"))
    copies = by_id.agg(F.count(F.lit(1)).alias("rows"), F.count_distinct(content).alias("complaints"))
    shared = copies.filter("rows > 1").agg(F.count(F.lit(1)), F.count_if(F.col("complaints") > 1)).collect()[0]
    return list(sources) if 2 * shared[1] > shared[0] else []


def published_id(text: Column) -> Column:
    """The digits of a Complaint ID, also where a spreadsheet wrote it as `123.0`, `8,000,001` or `00123`."""
    return F.regexp_extract(F.translate(text, ",", ""), "0*([0-9]+)", 1)


def _identified(complaints: DataFrame, numbered_rows: Sequence[str]) -> DataFrame:
    """Gives complaints of files that carry no ids one made of the file's content and the record's place."""
    made_up = F.concat_ws("-", F.substring("etag", 1, 12), F.lpad(F.col("record").cast("string"), 9, "0"))
    published = F.col("complaint_id")
    if numbered_rows:
        published = F.when(~F.col("source").isin(list(numbered_rows)), published)
    identifier = F.when(F.col("reason").isNull(), F.coalesce(published_id(published), made_up))
    restored = F.coalesce(~published.rlike(r"(?U)^\s*(?:0|[1-9][0-9]*)\s*$"), F.lit(False))
    return (
        complaints.withColumn("id_restored", restored)
        .withColumn("complaint_id", identifier)
        .withColumn("in_open_quote", F.coalesce("in_open_quote", F.lit(False)))
    )


def _zip_code() -> Column:
    """The ZIP code with the leading zeros that Excel takes for none; other ways of writing it (`021XX`) as they are."""
    written = F.trim("zip_code")
    return F.when(written.rlike("^[0-9]{1,4}$"), F.lpad(written, 5, "0")).otherwise(written)


def place() -> Column:
    """A key that no two rows share: keeps rows without a key of their own from piling up in one partition."""
    return F.concat_ws("#", "source", "record")


def _is_newest() -> Column:
    """A complaint is published again when its ZIP is unmasked or its company renamed: the newest copy wins.

    Newest is the last record of the youngest object. A row that may be a line of a narrative is older than all others.
    Records that could not be read are not compared.
    """
    order = (F.asc("in_open_quote"), F.desc("input_rank"), F.desc("record"))
    copies = Window.partitionBy("copies_of").orderBy(*order)
    return F.when(F.col("complaint_id").isNull(), F.lit(False)).otherwise(F.row_number().over(copies) == 1)


def _is_forged() -> Column:
    return F.col("in_open_quote") & F.col("complaint_id").isNotNull() & ~F.col("is_newest")


def _fate() -> Column:
    """The fate of a row: the first condition that applies decides."""
    has_narrative = F.coalesce(is_written(F.col("narrative")), F.lit(False))
    return (
        F.when(F.col("reason").isNotNull(), "quarantined")
        .when(~F.col("is_newest"), "superseded")
        .when(~has_narrative, "without_narrative")
        .otherwise("with_narrative")
    )


def _flags() -> Column:
    """The names of what is odd about a complaint that is kept nonetheless, in a fixed order."""
    received, sent = F.col("received_on"), F.col("sent_on")
    ambiguous = [is_ambiguous(F.col(written)) for written in ("date_received", "date_sent_to_company")]
    unreadable = [
        (F.trim(written) != "") & date.isNull() & ~is_ambiguous(F.col(written))
        for written, date in (("date_received", received), ("date_sent_to_company", sent))
    ]
    odd = {
        "date_unreadable": unreadable[0] | unreadable[1],
        "sent_before_received": sent < received,
        "received_in_future": received > F.col("arrived_on"),
        "date_ambiguous": ambiguous[0] | ambiguous[1],
        "id_restored": F.col("id_restored"),
        "in_open_quote": F.col("in_open_quote"),
        "masked_personal_data": F.size("personal_data") > 0,
        **flags_of_narrative(F.col("consumer_complaint_narrative"), F.col("cleaned")),
    }
    return F.array_compact(F.array(*(F.when(F.coalesce(odd[name], F.lit(False)), F.lit(name)) for name in FLAGS)))
