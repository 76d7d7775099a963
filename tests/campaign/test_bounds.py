"""More than a run may take: bombs, endless lines, too many bad rows, none that is good, records beyond a payload."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from preparation import TooManyQuarantinedError

from complaints.aws.objects import ObjectVersion
from complaints.runs.inputs import within_limits
from complaints.runs.plans import PlanError
from complaints.settings import CONFIG, SettingsError, load_settings
from tests.campaign.faults import Fault, injects
from tests.campaign.reading import HEADER, LaidOut, ids, prepare, read, refusal, row

INCLUDE = Path(__file__).parents[2] / "include" / "glue"
SETTINGS = load_settings().pipeline
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def bomb(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """200 MB in 194 kB."""
    path = tmp_path_factory.mktemp("bomb") / "bomb.gz"
    with gzip.open(path, "wb") as file:
        file.write(HEADER.encode())
        for _ in range(200):
            file.write(b"x" * MEGABYTE)
    return path.read_bytes()


@injects(Fault.BOMB)
def test_a_gzip_bomb_is_refused_before_a_row_of_it_is_read(tmp_path: Path, bomb: bytes) -> None:
    assert len(bomb) < 200_000
    (only,) = read(tmp_path, bomb)
    assert (only.record, only.line) == (0, 1)
    assert "bytes expand to more than 100 times its size (limits.max_expansion_ratio)" in (only.reason or "")


@injects(Fault.BOMB)
def test_a_gzip_bomb_that_lies_about_its_size_is_refused_while_it_expands(tmp_path: Path, bomb: bytes) -> None:
    """The size at its end is that of a small second member."""
    reason = refusal(read(tmp_path, bomb + gzip.compress(b"x")))
    assert "more than 100 times its size" in reason


@injects(Fault.BOMB)
def test_a_zip_bomb_is_refused_by_its_table_of_contents_and_where_that_lies_while_it_expands(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as file:
        for _ in range(200):
            file.write(b"x" * MEGABYTE)
    honest = path.read_bytes()
    assert "more than 100 times its size" in refusal(read(tmp_path, honest))
    lying = bytearray(honest)
    table = lying.index(b"PK\x01\x02")
    lying[table + 24 : table + 28] = struct.pack("<I", 1000)
    assert refusal(read(tmp_path, bytes(lying)))


@injects(Fault.BOMB)
def test_a_zip_whose_table_of_contents_has_no_end_is_refused_before_it_is_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(50_000):
            archive.writestr(f"{number:05}-{'x' * 60}.csv", b"")
    assert "table of contents of more than 4 MB" in refusal(read(tmp_path, path.read_bytes()))


@injects(Fault.BOMB)
def test_what_expands_to_more_than_is_allowed_is_refused(tmp_path: Path) -> None:
    text = HEADER + "".join(row(number) for number in range(1, 60_000))
    reason = refusal(read(tmp_path, gzip.compress(text.encode(), 1), max_expanded_mb=2))
    assert reason == "it expands to more than 2 MB (limits.max_expanded_mb)"


@injects(Fault.BOMB)
def test_a_small_file_may_be_as_alike_as_it_likes(tmp_path: Path) -> None:
    """No limit trips on repetitive text alone."""
    text = HEADER + row(1, "x" * 1000) * 40_000
    assert len(read(tmp_path, gzip.compress(text.encode(), 9))) == 40_000


@injects(Fault.BOMB, Fault.HUGE_RECORD)
def test_too_many_or_too_large_objects_are_refused_when_the_run_is_planned_with_the_setting_to_turn() -> None:
    """Before anything is read."""
    limits = SETTINGS.limits.model_copy(update={"max_files": 2, "max_file_mb": 10})
    small, large = (ObjectVersion(f"raw/{size}.csv", "e", size * MEGABYTE) for size in (10, 11))
    assert within_limits([small, small], bucket="b", limits=limits) == [small, small]
    with pytest.raises(PlanError, match=r"s3://b/raw/11\.csv has 11\.0 MB: .*limits\.max_file_mb \(10\)"):
        within_limits([small, large], bucket="b", limits=limits)
    with pytest.raises(PlanError, match=r"3 files are more than one run may read: .*limits\.max_files \(2\)"):
        within_limits([small] * 3, bucket="b", limits=limits)


@injects(Fault.HUGE_RECORD)
def test_a_field_of_200_kb_is_quarantined_and_the_rows_around_it_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER + row(1) + row(2, "x" * 200_000) + row(3))
    assert [record.reason for record in found] == [
        None,
        "a field longer than 131,072 characters (limits.max_field_characters)",
        None,
    ]


@injects(Fault.HUGE_RECORD)
def test_a_long_narrative_of_many_lines_is_quarantined_once_and_reading_goes_on_behind_it(tmp_path: Path) -> None:
    told = '"' + "a line\n" * 30_000 + '"'
    # Of a record that is too long, no more is kept than a record may have.
    for longest, limit, kept in (
        ({"max_field_characters": 9_000}, "max_field", 10_000),
        ({"max_row_kb": 9}, "max_row_kb", 9_001),
    ):
        found = read(tmp_path, HEADER + row(1) + row(2, told) + row(3) + row(4), **longest)
        assert ids(found) == ["1", None, "3", "4"]
        assert limit in (found[1].reason or "")
        assert len(found[1].raw or "") == kept


# Each writes 320 MB of one record, bad in another way, between two sound rows; and how many rows are read then.
ENDLESS = {
    "one line": ("2026-01-02,Mortgage,", "x" * MEGABYTE, ",2\n", 4),
    "a quote that is never closed": ('2026-01-02,Mortgage,"', "x" * 999_999 + "\n", "\n", 323),
    "quoted lines": ('2026-01-02,Mortgage,"', f'""No"", he said{"." * 980}\n' * 1_000, '",2\n', 4),
}
CHILD = """
import json, resource, sys
from exact_csv.tables import tables_of
from exact_csv.splitting import Piece
from exact_csv.inputs import Input, Opener
from exact_csv.limits import ReaderLimits
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
limits = ReaderLimits(**json.loads(sys.argv[2]))
tables = tables_of(Opener(), Piece(Input(sys.argv[1])), limits, lambda found: None)
found = [(row["complaint_id"], row["reason"]) for table in tables for row in table.to_pylist()]
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps([grown / 1000, found]))
"""


@injects(Fault.HUGE_RECORD)
@pytest.mark.parametrize(("begin", "piece", "end", "rows"), ENDLESS.values(), ids=ENDLESS)
def test_a_record_of_320_mb_takes_a_few_mb_of_memory_and_is_quarantined(
    tmp_path: Path, begin: str, piece: str, end: str, rows: int
) -> None:
    path = tmp_path / "endless.csv"
    with path.open("w", newline="") as file:
        file.write(HEADER + row(1) + begin)
        for _ in range(320):
            file.write(piece)
        file.write(end + row(3) + row(4))
    limits = json.dumps(SETTINGS.limits.of_reading())
    environment = {"PYTHONPATH": str(INCLUDE), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-W", "ignore", "-c", CHILD, str(path), limits]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    path.unlink()
    assert done.returncode == 0, done.stderr[-1500:]
    grown, found = json.loads(done.stdout.splitlines()[-1])
    assert [identifier for identifier, _ in found if identifier] == ["1", "3", "4"]
    assert "limits.max_" in found[1][1]
    assert len(found) == rows
    assert grown < 40, f"reading took {grown:.0f} MB"


@injects(Fault.MANY_BAD_ROWS)
def test_a_run_with_too_many_bad_rows_fails_with_the_numbers_and_says_where_they_are(run_of: LaidOut) -> None:
    bad = "2026-01-02,Mortgage,too few\n"
    run = run_of({"a.csv": HEADER + "".join(row(number) for number in range(1, 101)) + bad * 51})
    with pytest.raises(TooManyQuarantinedError) as refused:
        prepare(run)
    assert str(refused.value) == (
        "51 of 151 rows (33.8%) cannot be read, and tolerated are 50 rows and 25.0% (limits.quarantine); "
        f"most frequent (51): 3 fields where the header has 4; see {run.uri('quarantine')}"
    )
    assert len(run.lines("quarantine")) == 51
    assert not (run.folder / "account").exists()


@injects(Fault.MANY_BAD_ROWS)
@pytest.mark.parametrize(("good", "bad"), [(1, 50), (200, 60)], ids=["few", "a small part"])
def test_few_bad_rows_or_a_small_part_of_all_fail_no_run(run_of: LaidOut, good: int, bad: int) -> None:
    """Both limits must be exceeded."""
    rows = [row(number) for number in range(1, good + 1)]
    run = prepare(run_of({"a.csv": HEADER + "".join(rows) + "2026-01-02,Mortgage,too few\n" * bad}))
    assert run.document("account")["by_source"][0]["quarantined"] == bad


@injects(Fault.NO_NARRATIVE)
def test_a_run_whose_narratives_are_all_empty_ends_with_its_account(run_of: LaidOut) -> None:
    run = prepare(run_of({"a.csv": HEADER + row(1, "") + row(2, " ") + row(3, "\x01") + row(4, "N/A")}))
    assert run.document("account")["by_source"][0]["without_narrative"] == 4
    assert run.lines("records") == []


@injects(Fault.PAYLOAD)
def test_the_longest_record_that_is_read_fits_into_a_payload(run_of: LaidOut) -> None:
    longest = SETTINGS.limits.max_field_characters
    told = "\U0001f600\x1e" * (longest // 2)  # four bytes each, or twelve as ASCII JSON; the other is taken out
    run = prepare(run_of({"a.csv": HEADER + row(1, told) + row(2, "\U0001f600" * longest)}))
    records = run.lines("records")
    assert len(records) == 2
    assert max(len(json.dumps(each)) for each in records) > 11 * longest
    assert max(len(json.dumps(each)) for each in records) <= SETTINGS.sagemaker.transform.max_payload_mb * MEGABYTE


@injects(Fault.PAYLOAD)
@pytest.mark.parametrize(("longest", "payload"), [(600_000, 6), (131_072, 1)])
def test_settings_whose_longest_record_would_not_fit_into_a_payload_are_refused(
    tmp_path: Path, longest: int, payload: int
) -> None:
    config = Path(shutil.copytree(CONFIG, tmp_path / "config"))
    text = (config / "pipeline_config.yaml").read_text()
    text = text.replace("max_field_characters: 131072", f"max_field_characters: {longest}")
    (config / "pipeline_config.yaml").write_text(text.replace("max_payload_mb: 6", f"max_payload_mb: {payload}"))
    said = (
        rf"limits\.max_field_characters: {longest}: a record of .* sagemaker\.transform\.max_payload_mb \({payload}\)"
    )
    with pytest.raises(SettingsError, match=said):
        load_settings(config)
