"""A small Spark job that does what most do: the archive of class data is made from its run, and a JVM warmed by it.

It runs as a script in an interpreter of its own and imports nothing of local AWS.
"""

from collections.abc import Iterator

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

_ROWS = 40
# Mapped to a folder as the buckets of a job are, so that the classes behind `s3://` are among those that are loaded.
_ROOT = "s3://warm-up"
_SCHEMA = "id long, name string, day date, group long, score double, tags array<string>"


def steps(spark: SparkSession) -> Iterator[None]:
    """Runs the usual operations one after the other; between two of them the caller may stop."""
    rows = _rows(spark)
    rows.repartition(2, "id").sortWithinPartitions("id").write.mode("overwrite").parquet(f"{_ROOT}/rows")
    yield
    read = spark.read.parquet(f"{_ROOT}/rows")
    read.groupBy("group").agg(F.max("id"), F.count_if(F.col("score") > 0), F.avg("score")).sort("group").collect()
    yield
    _windowed(read).write.mode("overwrite").partitionBy("kind").parquet(f"{_ROOT}/windowed")
    yield
    read.select("id", "name").repartition(1).sortWithinPartitions("id").write.mode("overwrite").json(f"{_ROOT}/lines")
    lines = spark.read.schema(_SCHEMA).json(f"{_ROOT}/lines")
    read.join(lines.select("id", F.lit(True).alias("again")), on="id", how="left").filter("again").count()
    yield
    spark.range(1).select(F.lit("{}").alias("value")).coalesce(1).write.mode("overwrite").text(f"{_ROOT}/text")
    spark.read.text(f"{_ROOT}/text").collect()
    files = spark.read.format("binaryFile").load(f"{_ROOT}/rows")
    files.select("_metadata.file_name", "length", F.sha2("content", 256)).collect()
    yield
    spark.sparkContext.parallelize(range(4), 2).mapPartitions(lambda part: [sum(part)]).collect()
    spark.createDataFrame([(1, "a")], "id long, name string").join(read, on="id").collect()
    yield


def _rows(spark: SparkSession) -> DataFrame:
    number = F.col("id")
    return spark.range(_ROWS).select(
        "id",
        F.concat_ws(" ", F.lit("name"), number.cast("string"), F.lower(F.lit("Of A"))).alias("name"),
        F.to_date(F.format_string("2026-01-%02d", number % 28 + 1), "yyyy-MM-dd").alias("day"),
        (number % 3).alias("group"),
        F.when(number % 2 == 0, number / 7).otherwise(F.lit(None)).alias("score"),
        F.array(F.lit("a"), F.lit("b")).alias("tags"),
    )


def _windowed(rows: DataFrame) -> DataFrame:
    newest = Window.partitionBy("group").orderBy(F.desc("day"), "id")
    text = F.trim(F.regexp_replace(F.lower("name"), r"\s+", " "))
    return (
        rows.withColumn("rank", F.row_number().over(newest))
        .withColumn("newest", F.max("day").over(Window.partitionBy("group")))
        .withColumn("hash", F.conv(F.substring(F.sha2(text, 256), 1, 8), 16, 10).cast("long"))
        .withColumn("kind", F.when(F.col("rank") == 1, "first").otherwise("other"))
        .filter(F.array_contains("tags", "a") & F.col("kind").isin("first", "other"))
        .drop("tags")
    )


def main() -> None:
    """Runs every step in a new session."""
    spark = SparkSession.builder.getOrCreate()
    for _ in steps(spark):
        pass
    spark.stop()


if __name__ == "__main__":
    main()
