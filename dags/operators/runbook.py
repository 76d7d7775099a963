"""The runbook of a DAG at its tasks: what its docstring says about a task, the task's page in Airflow's UI shows."""

from __future__ import annotations

import inspect
import re

from airflow.sdk import DAG, BaseOperator

# An entry of the list: the names of one or several tasks, and what to do, up to the next entry or paragraph.
_ENTRY = re.compile(r"^- (\*\*[^:\n]*\*\*): (.*?)(?=^\S|^$|\Z)", re.DOTALL | re.MULTILINE)


def document_tasks(dag: DAG) -> None:
    """Gives each task its entry of the runbook, which the DAG has as `doc_md`; a mapped task cannot have one."""
    for names, entry in _ENTRY.findall(inspect.cleandoc(dag.doc_md or "")):
        for task_id in re.findall(r"\*\*(\w+)\*\*", names):
            if isinstance(found := dag.task_dict.get(task_id), BaseOperator):
                found.doc_md = f"**If it fails.** {' '.join(entry.split())}"
