"""Files that are not what they should be: archives, encodings, cuts, names, columns."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from pathlib import Path

import pytest
from exact_csv.faults import BEHIND_OPEN_QUOTE, CUT_IN_NUMBER, CUT_IN_QUOTES, CUT_IN_RECORD
from exact_csv.inputs import Input
from exact_csv.limits import ReaderLimits
from exact_csv.reading import read_complaints
from preparation import InputFilesRefusedError
from pyspark.sql import SparkSession

from complaints.arrivals.events import Arrival, why_ignored
from complaints.aws.objects import ObjectVersion
from complaints.runs.accounting import CLASSIFICATION_FATES, check_account
from complaints.runs.plans import PlanError
from complaints.settings import load_settings
from complaints.tasks import classification
from tests.campaign.environment import Environment, key_of
from tests.campaign.faults import Fault, injects
from tests.campaign.reading import HEADER, NEEDS_RAW, RAW, LaidOut, ids, prepare, read, refusal, row
from tests.glue.local_runs import LIMITS, Run, audit

STORAGE = load_settings().pipeline.storage
SOUND = HEADER + row(1) + row(2)
REAL = pytest.mark.skipif(not RAW.is_dir(), reason=NEEDS_RAW)


def zipped(*members: tuple[str, bytes], encrypted: bool = False) -> bytes:
    """A zip of these files, in this order."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    found = bytearray(packed.getvalue())
    if encrypted:  # bit 0 of the flags: of the file's own header, and of its entry in the table of contents
        found[6] |= 1
        found[found.index(b"PK\x01\x02") + 8] |= 1
    return bytes(found)


@injects(Fault.NOT_AN_INPUT)
@pytest.mark.parametrize(
    ("key", "size"),
    [
        *(("raw/", 0), ("raw/2026/", 0), ("raw/_tmp.csv", 9), ("raw/.a.csv", 9), ("raw/a.csv", 0), ("raw/a.txt", 9)),
        *(("raw/_temporary/0/a.csv", 9), ("raw/a/__MACOSX/b.csv", 9), ("raw/.ipynb_checkpoints/a.csv", 9)),
    ],
)
def test_an_object_that_is_no_complaints_file_is_passed_over_whoever_starts_the_run(
    in_memory_aws: None, key: str, size: int
) -> None:
    assert why_ignored(Arrival(STORAGE.bucket, ObjectVersion(key, "0", size)), STORAGE)  # by an event
    made = environment({key: b"x" * size})
    with pytest.raises(PlanError, match="no complaints under"):  # by Airflow
        classification.plan_classification("raw/")
    made.put("raw/good.csv", b"x")
    plan = classification.plan_classification("raw/")
    assert [each["key"] for each in made.get(key_of(plan["plan_uri"]))["inputs"]] == ["raw/good.csv"]


@injects(Fault.NOT_AN_INPUT)
def test_an_object_outside_of_raw_is_not_read_whoever_asks_for_it(in_memory_aws: None) -> None:
    environment({"history/a.csv": b"x"})
    assert why_ignored(Arrival(STORAGE.bucket, ObjectVersion("history/a.csv", "0", 9)), STORAGE)
    with pytest.raises(PlanError, match="may not be read"):
        classification.plan_classification("history/a.csv")


def environment(objects: dict[str, bytes]) -> Environment:
    """A bucket with a release, a model in service, and these objects."""
    made = Environment.in_memory()
    made.s3.delete_object(Bucket=STORAGE.bucket, Key="raw/a.csv")
    for key, body in objects.items():
        made.put(key, body)
    return made


@injects(Fault.DAMAGED_ARCHIVE)
@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(SOUND.encode()),
        gzip.compress(HEADER.encode() + row(1).encode()) + gzip.compress(row(2).encode()),
        gzip.compress(SOUND.encode()) + bytes(512),
        zipped(("export/", b""), ("export/complaints.csv", SOUND.encode()), ("__MACOSX/export/._complaints.csv", b"x")),
        zipped(("._a.csv", b"x"), (".DS_Store", b"x"), ("a.csv", SOUND.encode()), ("Thumbs.db", b"x")),
        zipped(("README.txt", b"x"), ("data/_A.CSV", SOUND.encode()), ("data/.ipynb_checkpoints/_A.csv", b"x")),
        gzip.compress(SOUND.encode()) + b"\r\n",
        gzip.compress(SOUND.encode()) + b"Some junk" * 1000,
    ],
    ids=[
        *(
            "gzip",
            "gzip of two members",
            "gzip filled up with zeros",
            "zip beside what macOS adds",
            "zip beside litter",
        ),
        *("zip beside a page", "gzip with a line end", "gzip with a tail"),
    ],
)
def test_a_compressed_file_is_read_whatever_it_is_called(tmp_path: Path, content: bytes) -> None:
    """Sound files are read."""
    assert ids(read(tmp_path, content)) == ["1", "2"]


CSV = ("a.csv", SOUND.encode())
UNFIT_ZIPS = {
    "climbing": (zipped(("../a.csv", b"x")), "names a file outside of itself, '../a.csv'"),
    "absolute": (zipped(("/etc/a.csv", b"x")), "names a file outside of itself, '/etc/a.csv'"),
    "a drive": (zipped(("C:\\a.csv", b"x")), "names a file outside of itself"),
    "nested": (zipped(CSV, ("more.zip", b"x")), "holds another archive, 'more.zip'"),
    "nested under another name": (zipped(("a.csv", zipped(CSV))), "an archive within an archive"),
    "a zip in a gzip": (gzip.compress(zipped(CSV)), "an archive within an archive"),
    "encrypted": (zipped(CSV, encrypted=True), "is encrypted ('a.csv')"),
    "none": (zipped(("folder/", b"")), "holds no file where there should be one .csv"),
    "several": (zipped(CSV, ("b.csv", b"x")), "holds 'a.csv', 'b.csv' where there should be one .csv"),
    "only hidden ones": (zipped((".a.csv", b"x")), "holds '.a.csv' where there should be one .csv"),
    "no CSV": (zipped(("a.xlsx", b"x")), "holds 'a.xlsx' where there should be one .csv"),
    "without an end": (zipped(CSV)[:-30], "damaged or in a form that is not known"),
}


@injects(Fault.DAMAGED_ARCHIVE)
@pytest.mark.parametrize(("content", "reason"), UNFIT_ZIPS.values(), ids=UNFIT_ZIPS)
def test_a_zip_that_is_not_one_plain_csv_is_refused_with_the_reason(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert reason in refusal(read(tmp_path, content))


@injects(Fault.DAMAGED_ARCHIVE)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(SOUND.encode() * 100)[:-9], "its gzip data end too early: the file is cut"),
        (gzip.compress(SOUND.encode())[:-8] + bytes(8), "its gzip data are damaged"),
        (gzip.compress(SOUND.encode()) + b"\x1f\x8bnot gzip", "its gzip data are damaged"),
        (b"BZh91AY&SY", "it is bzip2: unpack it by bunzip2 and give it as CSV, gzip or zip"),
    ],
    ids=["cut", "checksum", "a damaged member", "another compression"],
)
def test_a_compressed_file_that_is_damaged_is_refused_even_where_rows_of_it_were_read(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    assert reason in refusal(read(tmp_path, content))


@injects(Fault.DAMAGED_ARCHIVE)
def test_a_zip_whose_checksum_is_wrong_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(CSV))
    content[content.index(b"PK\x01\x02") + 16] ^= 1
    assert "Bad CRC-32" in refusal(read(tmp_path, bytes(content)))


@injects(Fault.ENCODING)
def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (only,) = read(tmp_path, b"\xef\xbb\xbf" + (HEADER + row(1)).encode())
    assert (only.reason, only.fields["date_received"]) == (None, "2026-01-02")


@injects(Fault.ENCODING)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_a_file_in_wide_characters_is_refused_with_the_remedy(tmp_path: Path, encoding: str) -> None:
    reason = refusal(read(tmp_path, SOUND.encode(encoding)))
    assert reason.startswith("it is UTF-")
    assert "save it as UTF-8" in reason


@injects(Fault.ENCODING)
def test_rows_in_latin_1_are_quarantined_and_the_others_are_read(tmp_path: Path) -> None:
    found = read(tmp_path, HEADER.encode() + row(1, "caf\xe9").encode("latin-1") + row(2, "caf\xe9").encode())
    assert [record.reason for record in found] == ["not UTF-8", None]


@injects(Fault.SPREADSHEET)
@REAL
def test_a_round_trip_through_excel_changes_no_date_and_no_zip_code(spark: SparkSession, run_of: LaidOut) -> None:
    names = ["complaints-2020-03-preamble.csv", "complaints-2020-03-excel.csv"]
    run = prepare(run_of({name: (RAW / name).read_bytes() for name in names}))
    rows = spark.read.parquet(run.uri("complaints")).select(
        *("source", "record", "complaint_id", "received_on", "sent_on", "zip_code", "reason")
    )
    published, excel = (
        [tuple(row)[1:] for row in rows.filter(rows.source == run.source(name)).sort("record").collect()]
        for name in names
    )
    assert len(published) == 6623
    assert excel == published
    assert {row[-1] for row in excel} == {None}


CUTS = {
    "within quotes": (HEADER + row(1) + '2026-01-02,Mortgage,"It goes on', CUT_IN_QUOTES),
    "within a row": (HEADER + row(1) + "2026-01-02,Mortgage,It goes", CUT_IN_RECORD),
    "within a number": (HEADER + row(1000) + row(2000) + row(999)[:-1], CUT_IN_NUMBER),
}


@injects(Fault.CUT_FILE)
@pytest.mark.parametrize(("content", "reason"), CUTS.values(), ids=CUTS)
def test_the_last_row_of_a_file_that_was_cut_is_quarantined_and_says_so(
    tmp_path: Path, content: str, reason: str
) -> None:
    *before, last = read(tmp_path, content)
    assert last.reason == reason
    assert all(record.reason is None for record in before)


@injects(Fault.CUT_FILE, Fault.HIDDEN_ROWS)
def test_each_line_of_a_narrative_that_was_cut_is_quarantined(tmp_path: Path) -> None:
    """Nobody knows which of them are rows."""
    found = read(tmp_path, HEADER + row(1) + '2026-01-02,Mortgage,"It goes on\nand on')
    assert [record.reason for record in found] == [None, CUT_IN_QUOTES, BEHIND_OPEN_QUOTE]


LAST_ROWS = [SOUND[:-1], HEADER + row(7)[:-1], HEADER + row(999) + row(100)[:-1], HEADER + row(1000) + '1,2,3,"100"']


@injects(Fault.CUT_FILE)
@pytest.mark.parametrize("content", LAST_ROWS)
def test_a_last_row_without_a_line_end_is_a_row(tmp_path: Path, content: str) -> None:
    """RFC 4180 allows it, and a closing quote ends a number."""
    assert all(record.reason is None for record in read(tmp_path, content))


@injects(Fault.PREAMBLE)
def test_lines_before_the_header_are_passed_over(tmp_path: Path) -> None:
    preamble = "Archive:  complaints.csv.zip\n  inflating: complaints.csv          \n"
    assert [(record.line, record.reason) for record in read(tmp_path, preamble + SOUND)] == [(4, None), (5, None)]


@injects(Fault.PREAMBLE)
@REAL
def test_the_preamble_that_was_really_published_is_passed_over(tmp_path: Path) -> None:
    found = read(tmp_path, (RAW / "complaints-2020-03-preamble.csv").read_bytes())
    assert (len(found), {record.reason for record in found}, found[0].line) == (6623, {None}, 4)


@injects(Fault.PREAMBLE)
def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    reason = refusal(read(tmp_path, row(1) + row(2)))
    assert "no header with a column 'consumer_complaint_narrative'" in reason
    # What consumers wrote stands in no message.
    assert "fields, separated by commas, that do not look like names; names for the narrative: " in reason


@injects(Fault.PREAMBLE)
@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "Fecha,Producto,Texto de queja",
            "its first line has, separated by commas, 'Fecha', 'Producto', 'Texto de queja'",
        ),
        ('"Fecha";"Producto"', "its first line has, separated by semicolons, 'Fecha', 'Producto'"),
        ("a\tb\tc", "its first line has, separated by tabs, 'a', 'b', 'c'"),
        (",".join("abcdefghij"), "'g', 'h' and 2 more"),
        ("Mortgage,They took my house away from me", "has 2 fields, separated by commas, that do not look like names"),
        ("Mortgage,They cheated me!", "has 2 fields, separated by commas, that do not look like names"),
    ],
)
def test_a_header_that_is_not_found_is_described_by_its_columns_and_separator(
    tmp_path: Path, line: str, found: str
) -> None:
    reason = refusal(read(tmp_path, f"{line}\n1\n"))
    assert found in reason
    assert reason.endswith("complaint_text, complaint_what_happened, complaint")


@injects(Fault.COLUMNS)
def test_columns_may_come_in_any_order_and_by_the_names_that_others_gave_them(tmp_path: Path) -> None:
    found = read(tmp_path, "ID,zipcode, NARRATIVE ,Date-Received,colour\n7,02139,Told.,2026-01-02,red\n")
    known = {"complaint_id": "7", "zip_code": "02139", "date_received": "2026-01-02"}
    assert found[0].reason is None
    assert found[0].fields == known | {"consumer_complaint_narrative": "Told."}


@injects(Fault.COLUMNS)
def test_an_alias_beside_the_column_itself_is_another_column(tmp_path: Path) -> None:
    (only,) = read(tmp_path, "id,Complaint ID,Consumer complaint narrative\n1,7,Told.\n")
    assert only.fields["complaint_id"] == "7"


@injects(Fault.COLUMNS)
@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Complaint ID,Product,Company\n", "its header has no column 'consumer_complaint_narrative'"),
        ("Complaint ID,Product,Company\n", "it has 'Complaint ID', 'Product', 'Company'"),
        ("Narrative,Product,Narrative\n", "its header names 'consumer_complaint_narrative' twice"),
        ("Complaint ID,Narrative,complaint_id\n", "its header names 'complaint_id' twice"),
        (
            "Complaint ID,Product,Company,Complaint text here\n",
            "(rename 'complaint_text_here' if it holds the narratives)",
        ),
        ("_source.product,_source.company,_source.state\n", "its header has no column 'consumer_complaint_narrative'"),
    ],
)
def test_a_header_that_lacks_what_is_required_or_has_it_twice_is_refused_with_what_it_has(
    tmp_path: Path, header: str, reason: str
) -> None:
    assert reason in refusal(read(tmp_path, header + "1,2,3\n"))


@injects(Fault.COLUMNS)
def test_of_two_aliases_the_first_is_taken_and_the_other_is_named_in_the_log(
    spark: SparkSession, run_of: LaidOut, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of({"a.csv": "ID,zip,Narrative,zipcode,postal_code\n7,00001,Told.,00002,00003\n"})
    read = read_complaints(spark, [Input(run.source("a.csv"))], ReaderLimits(**LIMITS), run.uri("parsed"))
    (only,) = read.complaints.collect()
    assert (only.zip_code, only.reason) == ("00001", None)
    assert "a.csv: ignored, as other columns have their content: zipcode, postal_code" in capsys.readouterr().out


@injects(Fault.COLUMNS)
def test_the_columns_of_the_cfpbs_api_are_known(tmp_path: Path) -> None:
    """As pandas.json_normalize and tutorials name them."""
    for header in ("_id,_source.complaint_what_happened,_source.complaint_id", "Has Narrative,Complaint,Complaint_ID"):
        (only,) = read(tmp_path, f"{header}\nTrue,Told.,7\n")
        assert (only.fields["consumer_complaint_narrative"], only.fields["complaint_id"]) == ("Told.", "7")


SEPARATED = {
    "semicolons": SOUND.replace(",", ";").encode(),
    "semicolons, behind a mark": b"\xef\xbb\xbf" + SOUND.replace(",", ";").encode(),
    "tabs": SOUND.replace(",", "\t").encode(),
    "vertical bars": gzip.compress(SOUND.replace(",", "|").encode()),
    "semicolons, around quotes": b'"Product";"Consumer complaint narrative";"Complaint ID"\n"a";"b, c";"7"\n',
}


@injects(Fault.FOREIGN_FORMAT)
@pytest.mark.parametrize(("name", "content"), SEPARATED.items(), ids=SEPARATED)
def test_another_separator_is_named_with_the_remedy(tmp_path: Path, name: str, content: bytes) -> None:
    reason = refusal(read(tmp_path, content))
    assert f"its columns are separated by {name.partition(', ')[0]}: save it as CSV" in reason


@injects(Fault.FOREIGN_FORMAT)
@pytest.mark.parametrize("size", [1, 30_000])
def test_quotes_that_are_escaped_by_backslashes_are_named_with_the_remedy(tmp_path: Path, size: int) -> None:
    """As Spark writes them, and only where the whole file is so."""
    told = '"He said \\"no\\" to me, and\nhung up\\\\"'.replace("\\\\", "")
    content = HEADER + row(1, told) * size
    assert "its quotes are escaped by backslashes" in refusal(read(tmp_path, content))
    sound = HEADER + row(1, '"In C:\\"') + row(2, '"a, b"')
    assert ids(read(tmp_path, sound)) == ["1", "2"]


FOREIGN = {
    "PDF": b"%PDF-1.7\n1 0 obj\n",
    "Parquet": b"PAR1\x15\x04",
    "an Excel workbook": zipped(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")),
    "JSON": b'{"complaint_id": "7", "narrative": "x"}\n{"complaint_id": "8", "narrative": "y"}\n',
    "JSON behind a bracket": b'[\n {"complaint_id": "7"}]',
    "HTML or XML": b"\n<!DOCTYPE html><html></html>",
    "ORC": b"ORC\x00",
}


@injects(Fault.FOREIGN_FORMAT)
@pytest.mark.parametrize(("name", "content"), FOREIGN.items(), ids=FOREIGN)
def test_another_format_is_named_with_the_remedy(tmp_path: Path, name: str, content: bytes) -> None:
    reason = refusal(read(tmp_path, content))
    assert reason.startswith(f"it is {name.split(' behind', maxsplit=1)[0]}")
    assert ": " in reason


@injects(Fault.LAYOUT)
def test_exports_of_16_and_of_18_columns_are_read_alike(tmp_path: Path) -> None:
    names = ["Date received", "Product", "Consumer complaint narrative", "Consumer consent provided?"]
    names += ["Consumer disputed?", "Complaint ID"]
    values = ["2026-01-02", "Mortgage", "Told.", "", "", "7"]
    few = [place for place, name in enumerate(names) if not name.endswith("?")]
    long = f"{','.join(names)}\n{','.join(values)}\n"
    short = f"{','.join(names[place] for place in few)}\n{','.join(values[place] for place in few)}\n"
    assert read(tmp_path, short) == read(tmp_path, long)


@injects(Fault.MULTILINE)
@REAL
def test_every_narrative_of_several_lines_is_one_record(tmp_path: Path) -> None:
    content = (RAW / "complaints-2026-04.csv").read_bytes()
    found = read(tmp_path, content)
    assert len(found) == 2413 == len(list(csv.reader(io.StringIO(content.decode(), newline="")))) - 1
    assert content.count(b"\n") > len(found) + 1
    assert any("\n\n" in record.fields.get("consumer_complaint_narrative", "") for record in found)


@injects(Fault.DAMAGED_ARCHIVE)
def test_a_run_with_files_that_cannot_be_read_names_each_of_them_and_publishes_nothing(run_of: LaidOut) -> None:
    cut = gzip.compress((SOUND + row(3) * 20_000).encode())[:-20]
    run: Run = run_of({"good.csv": SOUND, "wide.csv": SOUND.encode("utf-16"), "cut.csv.gz": cut})
    with pytest.raises(InputFilesRefusedError) as refused:
        prepare(run)
    said = str(refused.value)
    assert said.startswith("2 files cannot be read: ")
    assert f"{run.source('wide.csv')}: it is UTF-16: save it as UTF-8" in said
    assert re.search(
        rf"{re.escape(run.source('cut.csv.gz'))} \(behind line [0-9,]+\): its gzip data end too early", said
    )
    assert "Repair each of them, or move it out of the prefix, and start a new run" in said
    assert [each["record"] for each in run.lines("quarantine")] == [0, 0]
    assert not (run.folder / "account").exists()
    assert not (run.folder / "records").exists()


@injects(Fault.DAMAGED_ARCHIVE, Fault.ENCODING)
def test_a_run_may_go_on_without_files_that_cannot_be_read_and_its_accounts_name_them(run_of: LaidOut) -> None:
    # The cut file is the newest, and has rows that are read before the cut: each supersedes one of the sound file.
    cut = gzip.compress((HEADER + "".join(row(n) for n in range(1, 20_000))).encode())[:-20]
    wide = SOUND.encode("utf-16")
    run = prepare(
        run_of({"good.csv": SOUND + "2026-01-02\n", "wide.csv": wide, "cut.csv.gz": cut}),
        on_unreadable_file="quarantine",
    )
    account = run.document("account")
    first, second = account["unreadable_files"]
    assert (first["source"], first["size"]) == (run.source("cut.csv.gz"), len(cut))
    assert first["line"] > 10_000
    assert first["reason"].startswith("its gzip data end too early")
    assert second == {"source": run.source("wide.csv"), "size": len(wide), "line": 0} | {
        "reason": "it is UTF-16: save it as UTF-8, for example by iconv -f UTF-16 -t UTF-8"
    }
    rows = {each["source"].rpartition("/")[2]: each["rows_in"] for each in account["by_source"]}
    assert rows == {"good.csv": 3, "wide.csv": 0, "cut.csv.gz": 0}
    assert sum(account["quarantined_by_reason"].values()) == 1
    assert sorted(each["complaint_id"] for each in run.lines("records")) == ["1", "2"]
    assert [(each["source"].rpartition("/")[2], each["record"]) for each in run.lines("quarantine")] == [
        *(("cut.csv.gz", 0), ("good.csv", 3), ("wide.csv", 0))
    ]
    answer = {"predicted_product": "card", "confidence": 0.7, "runner_up": "mortgage", "runner_up_confidence": 0.3}
    answers = [{"complaint_id": each, **answer, "known_ngrams": 9, "error": None} for each in "12"]
    audited = audit(run, answers)
    assert audited["unreadable_files"] == account["unreadable_files"]
    counts = {"rows_in": 3, "classified": 2, "without_narrative": 0, "quarantined": 1, "superseded": 0}
    assert check_account(audited, CLASSIFICATION_FATES) == counts


@injects(Fault.ENCODING)
def test_a_run_of_which_no_file_can_be_read_fails_also_where_such_files_are_set_aside(run_of: LaidOut) -> None:
    run = run_of({"a.csv": SOUND.encode("utf-16"), "b.csv": SOUND.encode("utf-16")})
    with pytest.raises(InputFilesRefusedError, match="2 files cannot be read: ") as refused:
        prepare(run, on_unreadable_file="quarantine")
    assert "on_unreadable_file" not in str(refused.value), "it is what the setting says already"
    assert not (run.folder / "account").exists()


@injects(Fault.PREAMBLE)
def test_files_with_the_same_fault_are_named_together_and_their_list_is_bounded(run_of: LaidOut) -> None:
    run: Run = run_of({f"{n:02d}-{'x' * 40}.csv": "Fecha,Texto\n1,2\n" for n in range(60)})
    with pytest.raises(InputFilesRefusedError) as refused:
        prepare(run)
    said = str(refused.value)
    assert said.startswith(f"60 files cannot be read: {run.source('00-' + 'x' * 40 + '.csv')} (behind line 2), ")
    assert said.count("no header with a column") == 1
    assert re.search(r", and \d+ more: no header with a column", said)
    # An alert cuts off what is longer, and the remedy stands last.
    assert len(said) < 1_900
