"""Foreign text never reaches the terminal raw, whichever verb prints it."""

from __future__ import annotations

import ast
import io
from pathlib import Path

import pytest

from laptop.servers.airflow import ROOT
from laptop.servers.state import State
from laptop.terminal import Progress, printable, write
from laptop.verbs.logs import Logs

HOSTILE = "a\x1b[2J\x07\r\x9b31m\u202e\u2028b"


def test_control_characters_and_line_breaks_are_escaped_and_letters_are_not() -> None:
    assert printable("été\x1b[2J\n.csv") == r"été\x1b[2J\n.csv"
    assert printable(HOSTILE).isprintable()
    assert printable("broken \udc92 byte") == r"broken \udc92 byte"


def test_a_message_is_one_line_whatever_it_holds() -> None:
    lines: list[str] = []
    Progress(lines.append).report(f"inbox: {HOSTILE}\nforged line")
    assert len(lines) == 1
    assert lines[0].isprintable()


def test_text_of_several_lines_keeps_its_line_breaks_only() -> None:
    stream = io.StringIO()
    write(f"first\n\tsecond {HOSTILE}", stream)
    first, second, end = stream.getvalue().split("\n")
    assert (first, end) == ("first", "")
    assert second.startswith("        second a\\x1b[2J")
    assert second.isprintable()


def test_a_terminal_without_unicode_gets_escapes_instead_of_an_error() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    write("é →", stream)
    assert raw.getvalue() == b"\\xe9 \\u2192\n"


def test_a_line_of_a_log_is_escaped_when_it_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = State(tmp_path)
    state.airflow.mkdir()
    (state.airflow / "airflow.log").write_text(f"key {HOSTILE}\n", encoding="utf-8")
    for line in Logs(state, "airflow").new_lines():
        write(line)
    printed = capsys.readouterr().out
    assert printed.startswith("airflow | key a\\x1b[2J")
    assert printed.rstrip("\n").isprintable()


def test_nothing_else_in_laptop_prints() -> None:
    """`airflow_components` is a script of its own whose output is a log, which `make logs` escapes."""
    printing = {
        path.name
        for path in (ROOT / "laptop").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing == {"terminal.py", "airflow_components.py"}
