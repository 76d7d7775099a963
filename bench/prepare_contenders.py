"""`python -m bench.prepare_contenders NAME STEP FOLDER CORES`: one contender prepares complaints, or audits answers.

`FOLDER` holds `complaints.csv` and, for the audit, `answers/` with the model's answers as JSON Lines. What a contender
writes stands below `FOLDER/NAME/`: for `prepare` every row with its fate (`complaints`, Parquet) and the records to
classify (`records`, JSON Lines); for `audit` the results (`results`, Parquet). It prints a JSON object with the
seconds of each step, without the time that its program takes to start, and the counts that it found.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

# Fates of rows, and flags of complaints with a narrative.
Counts: TypeAlias = dict[str, int]
Work: TypeAlias = Callable[[Path, Path], Counts]

EMAIL = r"(?i)[a-z0-9_.%+-]{1,64}@(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}"
SSN = r"\b[0-8][0-9]{2}[- ][0-9]{2}[- ][0-9]{4}\b"
PHONE = r"\(?\b[2-9][0-9]{2}(?:\) ?|[-. ])[2-9][0-9]{2}[-. ][0-9]{4}\b"
CARD = r"\b(?:[0-9][ -]?){12,15}[0-9]\b"
MASKS = (EMAIL, SSN, PHONE, CARD)
ENGLISH = r"(?i)\b(?:the|and|my|was|that|with|for|have|this|they|is|of|not|from)\b"
CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
_SHORT = 100


def main() -> None:
    """Runs one step of one contender."""
    name, step, folder, cores = sys.argv[1:]
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
    version, prepare, audit = CONTENDERS[name](int(cores))
    target = Path(folder) / name
    target.mkdir(exist_ok=True)
    start = time.perf_counter()
    counts = (prepare if step == "prepare" else audit)(Path(folder), target)
    print(json.dumps({"seconds": time.perf_counter() - start, "counts": counts, "version": version}))


def _duckdb(cores: int) -> tuple[str, Work, Work]:
    duckdb = importlib.import_module("duckdb")
    database = duckdb.connect(config={"threads": cores})

    def prepare(folder: Path, target: Path) -> Counts:
        masked = f"regexp_replace(\"Consumer complaint narrative\", '{CONTROLS}', '', 'g')"
        for mask in MASKS:
            masked = f"regexp_replace({masked}, '{mask}', 'XXXX', 'g')"
        database.execute(f"""
            CREATE TABLE complaints AS
            SELECT *, CASE WHEN copy > 1 THEN 'superseded'
                WHEN narrative IS NULL OR trim(narrative) = '' THEN 'without_narrative'
                ELSE 'with_narrative' END AS fate,
              length(narrative) BETWEEN 1 AND {_SHORT - 1} AS short_narrative,
              length(narrative) >= {_SHORT} AND NOT regexp_matches(narrative, '{ENGLISH}') AS not_english,
              sha256(lower(regexp_replace(narrative, '\\s+', ' ', 'g'))) AS text_group
            FROM (SELECT * EXCLUDE ("Consumer complaint narrative"), {masked} AS narrative,
                try_cast("Date received" AS DATE) AS received_on, try_cast("Date sent to company" AS DATE) AS sent_on,
                row_number() OVER (PARTITION BY "Complaint ID" ORDER BY "Date received" DESC) AS copy
              FROM read_csv('{folder / "complaints.csv"}', header=true, all_varchar=true, quote='"', escape='"'))""")
        database.execute(f"COPY complaints TO '{target / 'complaints.parquet'}' (FORMAT parquet)")
        records = """SELECT "Complaint ID" AS complaint_id, narrative FROM complaints
            WHERE fate = 'with_narrative' ORDER BY complaint_id"""
        database.execute(f"COPY ({records}) TO '{target / 'records.json'}' (FORMAT json)")
        counted = database.execute("""
            SELECT count(*), count_if(fate = 'with_narrative'), count_if(fate = 'without_narrative'),
              count_if(fate = 'superseded'), count_if(fate != 'superseded' AND short_narrative),
              count_if(fate != 'superseded' AND not_english) FROM complaints""").fetchone()
        return dict(zip(COUNTED, counted, strict=True))

    def audit(folder: Path, target: Path) -> Counts:
        answers = f"read_json('{folder}/answers/*.out', format='newline_delimited')"
        database.execute(f"""COPY (SELECT * FROM {answers} JOIN
            (SELECT "Complaint ID" AS complaint_id, received_on, "Product", "Company", "State"
              FROM '{target / "complaints.parquet"}' WHERE fate = 'with_narrative') USING (complaint_id)
            ORDER BY complaint_id) TO '{target / "results.parquet"}' (FORMAT parquet)""")
        found = database.execute(f"SELECT count(*) FROM '{target / 'results.parquet'}'").fetchone()
        return {"classified": found[0]}

    return duckdb.__version__, prepare, audit


def _polars(cores: int) -> tuple[str, Work, Work]:
    os.environ["POLARS_MAX_THREADS"] = str(cores)
    pl = importlib.import_module("polars")

    def prepare(folder: Path, target: Path) -> Counts:
        narrative = pl.col("Consumer complaint narrative").str.replace_all(CONTROLS, "")
        for mask in MASKS:
            narrative = narrative.str.replace_all(mask, "XXXX")
        rows = pl.read_csv(folder / "complaints.csv", infer_schema=False).with_columns(
            narrative.alias("narrative"),
            *(pl.col(name).str.to_date("%Y-%m-%d", strict=False) for name in ("Date received", "Date sent to company")),
        )
        copy = pl.col("Date received").rank("ordinal", descending=True).over("Complaint ID")
        length = pl.col("narrative").str.len_chars()
        group = pl.col("narrative").str.to_lowercase().str.replace_all(r"\s+", " ").hash()
        rows = rows.drop("Consumer complaint narrative").with_columns(
            pl.when(copy > 1)
            .then(pl.lit("superseded"))
            .when(pl.col("narrative").is_null() | (pl.col("narrative").str.strip_chars() == ""))
            .then(pl.lit("without_narrative"))
            .otherwise(pl.lit("with_narrative"))
            .alias("fate"),
            length.is_between(1, _SHORT - 1).alias("short_narrative"),
            ((length >= _SHORT) & ~pl.col("narrative").str.contains(ENGLISH)).alias("not_english"),
            group.alias("text_group"),
        )
        rows.write_parquet(target / "complaints.parquet", compression="snappy")
        records = rows.filter(pl.col("fate") == "with_narrative")
        records = records.select(pl.col("Complaint ID").alias("complaint_id"), "narrative").sort("complaint_id")
        records.write_ndjson(target / "records.json")
        fates = dict(rows.group_by("fate").len().iter_rows())
        kept = rows.filter(pl.col("fate") != "superseded")
        flags = [kept[name].fill_null(False).sum() for name in ("short_narrative", "not_english")]
        known = [fates.get(name, 0) for name in ("with_narrative", "without_narrative", "superseded")]
        return dict(zip(COUNTED, [rows.height, *known, *flags], strict=True))

    def audit(folder: Path, target: Path) -> Counts:
        answers = pl.concat([pl.read_ndjson(path) for path in sorted((folder / "answers").glob("*.out"))])
        columns = ["Complaint ID", "Date received", "Product", "Company", "State", "fate"]
        asked = pl.read_parquet(target / "complaints.parquet", columns=columns)
        asked = asked.filter(pl.col("fate") == "with_narrative").rename({"Complaint ID": "complaint_id"})
        results = answers.join(asked, on="complaint_id").sort("complaint_id")
        results.write_parquet(target / "results.parquet", compression="snappy")
        return {"classified": results.height}

    return pl.__version__, prepare, audit


COUNTED = ("rows", "with_narrative", "without_narrative", "superseded", "short_narrative", "not_english")
CONTENDERS: Mapping[str, Callable[[int], tuple[str, Work, Work]]] = {"duckdb": _duckdb, "polars": _polars}

if __name__ == "__main__":
    main()
