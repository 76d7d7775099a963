"""README and docs/ agree with the code: links, commands, paths, schemas and quoted errors; and their examples run."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), ROOT / "plugins" / "README.md"])
CODE = ("dags", "include", "laptop", "localaws", "deploy", "stepfunctions")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def without_code(page: Path) -> str:
    """The page without any code: a regular expression may look like a link."""
    return re.sub(r"(?<!\[)`[^`\n]+`(?!\])", "", prose(page))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def block(page: str, name: str) -> str:
    """The code block of `docs/<page>` behind the comment `<!-- runs: name -->`."""
    found = re.search(
        rf"^<!-- runs: {name} -->\n```\w+\n(.*?)^```", (DOCS / page).read_text(), flags=re.DOTALL | re.MULTILINE
    )
    assert found, f"docs/{page} has no block that runs with {name}"
    return found[1]


def rows_below(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of `docs/<page>`."""
    section = (DOCS / page).read_text().partition(f"\n{heading}\n")[2]
    table = re.search(r"(?:^\|.*\n)+", section, flags=re.MULTILINE)
    assert table, f"docs/{page} has no table below {heading!r}"
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[0].splitlines()[2:]]


def names_in(cells: list[list[str]]) -> list[str]:
    """What the first column of a table names."""
    return [name for row in cells for name in re.findall(r"`([^`]+)`", row[0])]


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page)):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert not dead, f"{page.name}: these links lead nowhere: {dead}"


@every_page
def test_every_command_of_make_that_is_named_exists(page: Path) -> None:
    known = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", text, flags=re.MULTILINE))
    assert named <= known, f"{page.name}: the Makefile has no {sorted(named - known)}"


@every_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    if page.name == "CHANGELOG.md":
        return  # names what existed when it was written
    rooms = "|".join((*CODE, "tests", "docs", "plugins", "bench", "locks"))
    named = re.findall(rf"`((?:{rooms})/[\w./*-]*)`", prose(page))
    missing = [path for path in named if not any(ROOT.glob(path.rstrip("/")))]
    assert not missing, f"{page.name}: these paths do not exist: {missing}"


def test_readme_and_the_index_name_every_page() -> None:
    pages = {path.name for path in DOCS.rglob("*.md")} - {"README.md"}
    for index in (ROOT / "README.md", DOCS / "README.md"):
        linked = {Path(link).name for link in re.findall(r"\]\(([^)#]+\.md)", index.read_text(encoding="utf-8"))}
        assert pages <= linked, f"{index.relative_to(ROOT)} does not link {sorted(pages - linked)}"


def test_the_layout_in_readme_names_folders_that_exist_and_leaves_none_out() -> None:
    layout = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Layout\n\n```\n")[2].partition("```")[0]
    named: list[Path] = []
    above: list[str] = []
    for indent, name in re.findall(r"^( *)([a-z]+)/", layout, flags=re.MULTILINE):
        above[len(indent) // 2 :] = [name]
        named.append(Path(*above))
    missing = [str(folder) for folder in named if not (ROOT / folder).is_dir()]
    assert not missing, f"README.md names {missing}"
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._"}
    assert {folder.name for folder in named if len(folder.parts) == 1} == folders - {"build"}


def test_the_errors_that_troubleshooting_quotes_are_in_the_code() -> None:
    sources = [path for room in CODE for path in (ROOT / room).rglob("*.py")]
    # A message that is written in several pieces is one text.
    texts = [(ROOT / "Makefile").read_text().replace("$(PYTHON)", "python3.11")]
    texts += [re.sub(r'"\s*\n?\s*f?"', "", path.read_text(encoding="utf-8")) for path in sources]
    quoted = []
    for heading in ("## Setting up", "## `make run` and `make up`", "## A run fails"):
        for row in rows_below("troubleshooting.md", heading):
            quoted += [piece for message in re.findall(r"`([^`]+)`", row[0]) for piece in message.split("…")]
    pieces = [piece.strip(" :()%").removeprefix("has ") for piece in quoted]
    unknown = [
        each
        for each in pieces
        if len(each) > 4 and not each.startswith("make ") and not any(each in text for text in texts)
    ]
    assert not unknown, f"no code has these messages of docs/troubleshooting.md: {unknown}"


def test_every_column_and_alias_of_the_reader_is_documented() -> None:
    from exact_csv.columns import ALIASES, COLUMNS

    named = {
        name
        for row in rows_below("input-formats.md", "## Column names")
        for cell in row
        for name in re.findall(r"`([^`]+)`", cell)
    }
    assert named == {*COLUMNS, *(alias for aliases in ALIASES.values() for alias in aliases)}


def schema_of_results() -> list[list[str]]:
    """Names and types of the columns that the audit writes, read without importing Spark."""
    tree = ast.parse((ROOT / "include" / "glue" / "result_table.py").read_text())
    found = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_RESULTS"
    )
    return [column.split() for column in found.split(", ")]


def test_the_documented_columns_are_those_that_are_published() -> None:
    documented = [[row[0].strip("`"), row[1]] for row in rows_below("results.md", "## Predictions")]
    assert documented == schema_of_results()
    created = re.search(r"TABLE results \(\n(.*?)\n\)", (DOCS / "results.md").read_text(), flags=re.DOTALL)
    assert created is not None
    assert [line.strip(" ,").split() for line in created[1].splitlines()] == schema_of_results()


RUN_ID = "9c227c5190c13647"  # the one of the examples
BUCKET = "ptmlops-complaints"
ARRIVED = "2026-02-01T12:00:00+00:00"


def published(parquet: bytes) -> dict[str, Any]:
    """The manifest of a run with one file, as the flow would write it."""
    from complaints.runs.publishing import manifest_of

    plan = {"results_uri": f"s3://{BUCKET}/results/", "run_id": RUN_ID, "flow": "classification"}
    plan |= {"release": "5c4d78a965ae", "configuration": "a" * 16, "model_version": "v1", "model_sha256": "b" * 64}
    inputs = [{"uri": f"s3://{BUCKET}/raw/a.csv", "etag": "c" * 32, "version": "v", "size": 9}]
    inputs[0]["last_modified"] = ARRIVED
    counts = {"rows_in": 3, "classified": 3, "without_narrative": 0, "quarantined": 0, "superseded": 0}
    file = {"name": "part-0", "size": len(parquet), "rows": 3, "sha256": hashlib.sha256(parquet).hexdigest()}
    audited = {"files": [file], "unmapped": 0, "quarantined_by_reason": {}, "needs_review": {}, "scores": []}
    return manifest_of(plan, {"inputs": inputs}, counts, audited)


def test_the_documented_manifest_is_the_one_that_is_published() -> None:
    manifest = published(b"")
    assert sorted(names_in(rows_below("results.md", "## Manifest"))) == sorted(manifest)


@pytest.fixture
def predictions(tmp_path: Path) -> Iterator[bytes]:
    """A file of results with the columns that are published."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    example = {"string": ["card", "card", "mortgage"], "double": [0.9, 0.4, 0.8], "boolean": [False, True, False]}
    example |= {"bigint": [1, 2, 3], "date": [date(2026, 1, day) for day in (1, 2, 3)]}
    columns = {name: example[kind] for name, kind in schema_of_results()} | {"run_id": [RUN_ID] * 3}
    table = pa.table(columns | {"complaint_id": ["1", "2", "3"], "model_version": ["v9"] * 3})
    pq.write_table(table, tmp_path / "results.parquet")
    return (tmp_path / "results.parquet").read_bytes()


@pytest.mark.usefixtures("in_memory_aws")
def test_the_examples_in_python_download_a_run_and_read_it(
    predictions: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3

    from complaints.aws.bucket import Bucket

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.chdir(tmp_path)
    s3, manifest = boto3.client("s3"), published(predictions)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=manifest["results"][0]["key"], Body=predictions)
    Bucket(s3, BUCKET).write_json(f"manifests/run_id={RUN_ID}.json", manifest)

    exec(block("results.md", "boto3"), {})
    assert [path.read_bytes() for path in Path("results").iterdir()] == [predictions]
    exec(block("results.md", "pandas"), {})
    told = capsys.readouterr().out
    assert re.search(r"card +2 +0\.65", told)
    assert re.search(r"mortgage +1 +0\.80", told)


def in_bench(program: str, folder: Path, *arguments: str) -> str:
    """The output of a program in the environment that has DuckDB and Polars."""
    python = ROOT / ".venvs" / "bench" / "bin" / "python"
    if not python.exists():
        pytest.skip("DuckDB and Polars are in the environment 'bench', which is not installed: make test installs it")
    command = [str(python), "-c", program, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def two_runs(predictions: bytes, tmp_path: Path) -> Path:
    """`results/` and `manifests/` of two runs over the same three complaints, and a file of a run without a manifest.

    The second run reads the same input with a newer model, v10 after v9.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = tmp_path / "bucket"
    (folder / "results").mkdir(parents=True)
    (folder / "manifests" / "planned").mkdir(parents=True)
    table = pq.read_table(tmp_path / "results.parquet")
    for run_id, version in ((RUN_ID, "v9"), ("1234567890123456", "v10"), ("f" * 16, "v11")):
        replaced = {"run_id": run_id, "model_version": version}
        columns = {name: replaced.get(name, table[name]) for name in table.column_names}
        written = pa.table({name: [each] * 3 if isinstance(each, str) else each for name, each in columns.items()})
        pq.write_table(written, folder / "results" / f"{run_id}-00000-a.parquet")
        manifest = published(b"") | {"run_id": run_id}
        place = "manifests" if version != "v11" else "manifests/planned"
        text = json.dumps(manifest, indent=2, sort_keys=True)
        (folder / place / f"run_id={run_id}.json").write_text(text)
    return folder


def test_the_example_in_sql_reads_a_run(predictions: bytes, tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "a.parquet").write_bytes(predictions)
    program = "import duckdb, sys; print(duckdb.sql(sys.argv[1]).fetchall())"
    assert (
        in_bench(program, tmp_path, block("results.md", "duckdb")) == "[('card', 2, 0.65, 1), ('mortgage', 1, 0.8, 0)]"
    )


def test_the_example_for_polars_reads_all_runs(two_runs: Path) -> None:
    assert in_bench(f"{block('results.md', 'polars')}print(len(predictions))", two_runs) == "9"


LATEST = "[('1', 'v10'), ('2', 'v10'), ('3', 'v10')]"
SHOW = "print(sorted((row[0], row[columns.index('model_version')]) for row in found.fetchall()))"


def test_the_latest_prediction_of_each_complaint_is_that_of_a_published_run_and_the_newest_model(
    two_runs: Path,
) -> None:
    program = f"import duckdb, sys; found = duckdb.sql(sys.argv[1]); columns = found.columns; {SHOW}"
    assert in_bench(program, two_runs, block("results.md", "latest").strip().rstrip(";")) == LATEST


# What Athena has and DuckDB has not.
AS_ATHENA = """
import duckdb, sys
duckdb.sql("CREATE MACRO regexp_like(text, pattern) AS regexp_matches(text, pattern)")
duckdb.sql("CREATE VIEW results AS FROM 'results/*.parquet'")
duckdb.sql(
    'CREATE VIEW manifest_lines AS '
    "SELECT unnest(string_split(content, chr(10))) AS line, '/' || filename AS \\"$path\\" "
    "FROM read_text('manifests/**/*.json')"
)
duckdb.sql(sys.argv[1])
found = duckdb.sql(sys.argv[2])
columns = found.columns
"""


def in_athena(query: str, folder: Path, shown: str) -> str:
    """What a program shows of a query's answer, asked as Athena would be, once the view is there."""
    return in_bench(AS_ATHENA + shown, folder, block("results.md", "athena"), query)


def test_the_view_for_athena_has_the_latest_prediction_of_each_complaint(two_runs: Path) -> None:
    assert in_athena("FROM current_results", two_runs, SHOW) == LATEST


# Of the three complaints, as the newest published run has them.
ANSWERS = {
    "athena-months": "2026-01-01 card 2 0.65 1; 2026-01-01 mortgage 1 0.8 0",
    "athena-companies": "card card 2 1; mortgage mortgage 1 1",
    "athena-review": "2 card card 0.4 card card 2",
    "athena-confidence": "2025-12-29 v10 3 0.7 0.333",
}
AS_TEXT = (
    "print('; '.join(' '.join(str(value).removesuffix(' 00:00:00') for value in row) for row in found.fetchall()))"
)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_query_for_athena_answers_from_the_published_files(two_runs: Path, name: str) -> None:
    assert in_athena(block("results.md", name).strip().rstrip(";"), two_runs, AS_TEXT) == ANSWERS[name]


# Of two runs, in the second of which the mix of classes has changed; and of one that was too small to compare.
DRIFT = """
import duckdb, sys
duckdb.sql("CREATE MACRO from_iso8601_timestamp(text) AS CAST(text AS TIMESTAMP)")
duckdb.sql("CREATE VIEW drift AS FROM read_json('drift/*.jsonl', columns = {"
    "run_id: 'VARCHAR', decided_at: 'VARCHAR', model_version: 'VARCHAR', complaints: 'BIGINT', "
    "estimated_accuracy: 'DOUBLE', action: 'VARCHAR', rule: 'VARCHAR', signal: 'VARCHAR', value: 'DOUBLE', "
    "threshold: 'DOUBLE', drifted: 'BOOLEAN'})")
found = duckdb.sql(sys.argv[1])
"""


def test_the_query_of_drift_answers_from_the_records_of_the_runs(tmp_path: Path) -> None:
    from complaints.monitoring import drift

    (tmp_path / "drift").mkdir()
    for number, value in enumerate((0.01, 0.03, None), 1):
        signal = {"value": value, "threshold": 0.02, "moved": number == 2}
        found = {
            "run_id": f"{number:016x}",
            "decided_at": f"2026-01-0{number}T00:00:00+00:00",
            "model_version": "v1",
            "action": "keep",
            "rule": "nothing",
        }
        assessment = {
            "n": 400,
            "signals": {"class_mix": signal} if value else None,
            "estimated_accuracy": {"estimate": 0.8},
        }
        (tmp_path / drift.key_of(found["run_id"])).write_text(drift.lines(assessment, found))
    query = block("results.md", "athena-drift").strip().rstrip(";")
    assert in_bench(DRIFT + AS_TEXT, tmp_path, query) == (
        "2026-01-01 v1 class_mix 0.5 False 0.8 keep; 2026-01-02 v1 class_mix 1.5 True 0.8 keep"
    )


def test_the_records_of_drift_are_documented() -> None:
    from complaints.monitoring import drift

    fields = list(drift.Record.__annotations__)
    assert names_in(rows_below("results.md", "## Drift")) == fields
    created = re.search(r"TABLE drift \(\n(.*?)\n\)", (DOCS / "results.md").read_text(), flags=re.DOTALL)
    assert created is not None
    assert [line.split()[0] for line in created[1].splitlines()] == fields


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """docs/generate_configuration.py, which is no package's."""
    spec = importlib.util.spec_from_file_location("generate_configuration", DOCS / "generate_configuration.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclass looks itself up
    spec.loader.exec_module(module)
    return module


def test_a_setting_without_a_description_is_refused(generator: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(generator.DESCRIPTIONS, "glue.worker_type")
    with pytest.raises(generator.MissingDescriptionError, match=r"glue\.worker_type"):
        generator.page()


def test_a_description_without_a_setting_is_refused(generator: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(generator.DESCRIPTIONS, "glue.colour", "None has one.")
    with pytest.raises(generator.MissingDescriptionError, match=r"glue\.colour"):
        generator.page()


def test_a_comment_describes_a_setting_that_has_no_description(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(generator.DESCRIPTIONS, "review_below")
    comments = generator.comments_of((generator.CONFIG / "model_config.yaml").read_text(encoding="utf-8"))
    assert f"| {comments['review_below']} |" in generator.page()
    assert generator.comments_of("a:\n  # One.\n  b: 1  # Two.\n") == {"a.b": "One. Two."}
