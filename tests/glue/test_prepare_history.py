"""The preparing job of a training: what is learned from and what is tested on stand apart."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import prepare_history
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from complaints.runs.accounting import TRAINING_FATES, check_account
from tests.glue.local_runs import LIMITS, Run, lay_out

HEADER = "Date received,Product,Consumer complaint narrative,Complaint ID\n"
FIRST_DAY = date(2020, 1, 1)
SPELLINGS = ("Story {0} of mine.", "STORY {0}  of\u00a0mine. ", "\tstory {0} Of Mine.")

LaidOut = Callable[[Mapping[str, str | bytes]], Run]
Row = tuple[int | None, str, str | None, str]  # day, product, narrative, id


def csv_of(rows: Sequence[Row]) -> str:
    lines = (
        f"{'' if day is None else FIRST_DAY + timedelta(day)},{product},{told or ''},{identifier}\n"
        for day, product, told, identifier in rows
    )
    return HEADER + "".join(lines)


def story(number: int) -> str:
    """What a narrative of these tests tells, however it is spelled."""
    return f"story {number} of mine."


# Each of 60 stories is told three times, months apart, in other spellings and now and then about another product.
TOLD: list[Row] = [
    (
        number + 100 * turn,
        ("Mortgage", "Credit card")[number * turn % 2],
        spelling.format(number),
        f"{turn + 1}{number:03}",
    )
    for turn, spelling in enumerate(SPELLINGS)
    for number in range(60)
]
OTHERS: list[Row] = [
    (300, "Mortgage", None, "9001"),
    (300, "Imaginary product", "Nobody knows what this is about.", "9002"),
    (300, "", "Nobody says what this is about.", "9003"),
    (300, "Mortgage", "No number.", "no number"),
    (None, "Mortgage", "Nobody knows when.", "9004"),
    (1, "Mortgage", "Told again later.", "9005"),
    (2, "Mortgage", "Told again and in other words.", "9005"),
]


def prepare(run: Run, newest: float = 0.1, test: float = 0.3, **limits: str) -> Run:
    fractions = {"newest_fraction": str(newest), "test_fraction": str(test)}
    run.prepare(prepare_history.main, LIMITS | limits, rows=run.uri("rows"), **fractions)
    return run


def rows_of(run: Run) -> list[dict[str, Any]]:
    """Every row that the job wrote, with the use and the fate of its folder."""
    found = []
    for path in sorted((run.folder / "rows").glob("use=*/fate=*/*.parquet")):
        place = {"use": path.parts[-3].removeprefix("use="), "fate": path.parts[-2].removeprefix("fate=")}
        found += [place | row for row in pq.ParquetFile(path).read().to_pylist()]
    return found


def fates_of(run: Run) -> dict[str, str]:
    """Where each complaint's newest copy stands, by its id."""
    return {
        row["complaint_id"]: row["fate"] for row in rows_of(run) if row["fate"] not in ("superseded", "quarantined")
    }


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    files = {"a.csv": csv_of(TOLD[:90]), "b.csv": csv_of(TOLD[90:] + OTHERS)}
    return prepare(lay_out(tmp_path_factory.mktemp("history") / "run", files))


def test_every_row_has_one_fate_and_the_account_adds_up(run: Run) -> None:
    totals = check_account(run.document("account"), TRAINING_FATES)
    written = [row["fate"] for row in rows_of(run)]
    assert totals == {"rows_in": 187} | {fate: written.count(fate) for fate in TRAINING_FATES}
    assert min(totals.values()) > 0


def test_narratives_that_differ_in_case_and_white_space_only_never_stand_on_both_sides(run: Run) -> None:
    sides: dict[str, set[str]] = {}
    for row in rows_of(run):
        if row["complaint_id"] in {identifier for *_, identifier in TOLD}:
            sides.setdefault(" ".join(row["narrative"].lower().split()), set()).add(row["fate"])
    assert sides.keys() == {story(number) for number in range(60)}
    assert {len(fates) for fates in sides.values()} == {1}
    assert set.union(*sides.values()) == {"train", "test", "newest"}


def test_the_newest_slice_is_newer_than_all_that_is_learned_from(run: Run) -> None:
    newest_telling: dict[str, date] = {}
    for row in rows_of(run):
        if row["use"] != "none" and row["received_on"]:
            told = " ".join(row["narrative"].lower().split())
            newest_telling[told] = max(row["received_on"], newest_telling.get(told, FIRST_DAY))
    dates: dict[str, list[date]] = {"train": [], "test": [], "newest": []}
    for row in rows_of(run):
        if row["use"] != "none" and row["received_on"]:
            dates[row["fate"]].append(newest_telling[" ".join(row["narrative"].lower().split())])
    assert min(dates["newest"]) > max(dates["train"] + dates["test"])


def test_each_fate_has_the_use_that_its_name_says(run: Run) -> None:
    assert {(row["fate"], row["use"]) for row in rows_of(run)} == {
        ("train", "train"),
        ("test", "evaluate"),
        ("newest", "evaluate"),
        ("without_narrative", "none"),
        ("unmapped", "none"),
        ("quarantined", "none"),
        ("superseded", "none"),
    }


def test_a_complaint_of_no_known_product_teaches_nothing(run: Run) -> None:
    assert [fates_of(run)[identifier] for identifier in ("9002", "9003")] == ["unmapped", "unmapped"]


def test_an_undated_complaint_is_used_but_is_never_newest(run: Run) -> None:
    assert fates_of(run)["9004"] in ("train", "test")


def test_what_is_learned_from_has_an_id_a_narrative_and_a_label(run: Run) -> None:
    taught = [row for row in rows_of(run) if row["use"] != "none"]
    assert {row["label"] for row in taught} == {"mortgage", "card"}
    columns = {"use", "fate", "source", "record", "complaint_id", "received_on", "company"}
    columns |= {"narrative", "label", "text_group"}
    assert {*taught[0]} == columns
    assert all(row["complaint_id"] and row["narrative"] for row in taught)


def test_the_same_complaints_are_split_alike_in_whatever_order_and_files_they_come(run: Run, run_of: LaidOut) -> None:
    turned = prepare(run_of({"only.csv": csv_of(OTHERS[-2:] + TOLD[::-1] + OTHERS[:-2])}))
    assert fates_of(turned) == fates_of(run)


def test_a_narrative_stays_out_of_training_when_the_history_grows(run: Run, run_of: LaidOut) -> None:
    later: list[Row] = [(1000 + day, "Mortgage", f"Later {day}.", f"8{day:03}") for day in range(200)]
    grown = fates_of(prepare(run_of({"a.csv": csv_of(TOLD + OTHERS), "b.csv": csv_of(later)})))
    before = {identifier for identifier, fate in fates_of(run).items() if fate == "test"}
    assert {grown[identifier] for identifier in before} == {"test"}


def test_the_fractions_are_what_they_say(run_of: LaidOut) -> None:
    rows: list[Row] = [(day, "Mortgage", f"Number {day}.", str(day + 1)) for day in range(400)]
    counts = check_account(prepare(run_of({"a.csv": csv_of(rows)}), 0.1, 0.5).document("account"), TRAINING_FATES)
    assert counts["newest"] == 40
    assert 140 < counts["test"] < 220  # half of 360, less or more six standard deviations of chance


def test_the_newest_slice_takes_whole_days_and_no_more_than_its_fraction(run_of: LaidOut) -> None:
    days = [0] * 80 + [1] * 15 + [2] * 5
    rows: list[Row] = [(day, "Mortgage", f"Number {number}.", str(number + 1)) for number, day in enumerate(days)]
    fates = fates_of(prepare(run_of({"a.csv": csv_of(rows)})))
    assert {identifier for identifier, fate in fates.items() if fate == "newest"} == {"96", "97", "98", "99", "100"}


def test_nothing_is_kept_as_newest_where_the_fraction_is_none(run_of: LaidOut) -> None:
    counts = check_account(prepare(run_of({"a.csv": csv_of(TOLD)}), newest=0).document("account"), TRAINING_FATES)
    assert counts["newest"] == 0
    assert counts["train"] + counts["test"] == 180


@pytest.mark.parametrize(
    ("rows", "newest", "test"),
    [(TOLD[:5], 0, 0), (OTHERS[:3], 0.1, 0.3), ([], 0.1, 0.3)],
    ids=["nothing to test on", "no known product", "no complaint"],
)
def test_too_little_to_learn_from_and_to_test_on_fails_with_the_numbers(
    run_of: LaidOut, rows: list[Row], newest: float, test: float
) -> None:
    run = run_of({"a.csv": csv_of(rows)})
    with pytest.raises(ValueError, match=r"too few labelled complaints .* to learn from and to test on: \{'train': "):
        prepare(run, newest, test)
    assert not (run.folder / "account").exists()


def test_products_that_no_rule_maps_are_named_when_nothing_is_left_to_train_on(run_of: LaidOut) -> None:
    rows = "".join(f"{n},telepathy,Story {n}.\n" for n in range(3)) + "3,aura reading,Story 3.\n"
    run = run_of({"a.csv": ",product,narrative\n" + rows})
    named = (
        r"; these 2 products match no rule of `labels` in model_config.yaml: 'telepathy' \(3\), 'aura reading' \(1\)$"
    )
    with pytest.raises(ValueError, match=named):
        prepare(run)


def test_the_number_of_products_that_no_rule_maps_is_not_cut_with_their_names(run_of: LaidOut) -> None:
    run = run_of({"a.csv": ",product,narrative\n" + "".join(f"{n},Cuenta {n:02d},Story {n}.\n" for n in range(25))})
    with pytest.raises(ValueError, match=r"these 25 products .*: 'Cuenta 00' \(1\), .* and 15 more$"):
        prepare(run)


def test_a_history_may_go_on_without_a_file_that_cannot_be_read(run_of: LaidOut) -> None:
    broken = csv_of(TOLD).encode("utf-16")
    run = prepare(run_of({"history.csv": csv_of(TOLD), "broken.csv": broken}), on_unreadable_file="quarantine")
    account = run.document("account")
    (aside,) = account["unreadable_files"]
    assert (aside["source"], aside["size"]) == (run.source("broken.csv"), len(broken))
    assert check_account(account, TRAINING_FATES)["rows_in"] == len(TOLD)
    assert [each["rows_in"] for each in account["by_source"]] == [len(TOLD), 0]
