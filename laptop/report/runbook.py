"""What a DAG's runbook says about one task: the DAG file's docstring, read without importing it."""

from __future__ import annotations

import ast
import re
from pathlib import Path


def remedy(dag_file: Path, task_id: str) -> str:
    """The entry of a task in the list of the runbook, as one line of plain text; empty if it has none.

    An entry can have several tasks: `- **shadow_complaints**, **compare_shadow**: ...`.
    """
    runbook = ast.get_docstring(ast.parse(dag_file.read_text(encoding="utf-8"))) or ""
    for tasks, entry in re.findall(r"^- (\*\*[^:\n]*\*\*): (.*?)(?=^\S|^$|\Z)", runbook, re.DOTALL | re.MULTILINE):
        if task_id in re.findall(r"\*\*(\w+)\*\*", tasks):
            text = " ".join(entry.split())
            return text[:1].upper() + text[1:]
    return ""
