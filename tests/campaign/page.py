"""`python -m tests.campaign.page`: writes docs/faults.md, the table of faults and of the tests that inject them.

With `--check` it writes nothing, and returns 1 where the page is not current.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.campaign.faults import Fault

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "faults.md"
_HEAD = """# Injected faults

Each fault is injected for real: into a file, a process, a request on the wire, or a state machine.
[guarantees.md](guarantees.md) says what a run promises in spite of them. `make export` writes this page from the tests.

| fault | what happens | test |
|---|---|---|
"""


@dataclass(frozen=True)
class Proof:
    """A test and the faults that it injects."""

    faults: tuple[Fault, ...]
    path: str
    name: str

    @property
    def sentence(self) -> str:
        """The expected behavior, from the test's name."""
        return self.name.removeprefix("test_").replace("_", " ").capitalize()


def proofs(root: Path = ROOT) -> list[Proof]:
    """The tests with `@injects(...)`, by path and then in the order of each file."""
    paths = sorted((root / "tests").rglob("test_*.py"))
    return [proof for path in paths for proof in _proofs_in(path, path.relative_to(root).as_posix())]


def _proofs_in(path: Path, name: str) -> Iterator[Proof]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and (faults := tuple(_injected(node))):
            yield Proof(faults, name, node.name)


def _injected(node: ast.FunctionDef) -> Iterator[Fault]:
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "injects":
            for argument in decorator.args:
                yield Fault[ast.unparse(argument).removeprefix("Fault.")]


def page(found: list[Proof]) -> str:
    """The page in Markdown: a row for each fault and test, in the order of `Fault`."""
    by_fault: dict[Fault, list[Proof]] = defaultdict(list)
    for proof in found:
        for fault in proof.faults:
            by_fault[fault].append(proof)
    rows = [
        f"| {fault.value if not place else ''} | {proof.sentence} | [{_short(proof.path)}](../{proof.path}) |\n"
        for fault in Fault
        for place, proof in enumerate(by_fault[fault])
    ]
    return _HEAD + "".join(rows)


def _short(path: str) -> str:
    return path.removeprefix("tests/").removesuffix(".py")


def main() -> int:
    """Writes the page, or returns 1 where it is stale."""
    current = page(proofs())
    if "--check" not in sys.argv:
        PAGE.write_text(current, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != current:
        print("docs/faults.md is stale; run make export", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
