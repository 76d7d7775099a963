"""Errors of the compiler: each names the rule, the task, what cannot be expressed, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Refusal:
    """One reason why a DAG cannot be compiled: the rule's name, the task ("" for the whole DAG), and a sentence."""

    task_id: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        where = f"task {self.task_id!r}: " if self.task_id else ""
        return f"[{self.rule}] {where}{self.remedy}"


class CompileError(ValueError):
    """A DAG that cannot be compiled to a state machine; the message lists every refusal, one per line."""

    def __init__(self, dag_id: str, refusals: Iterable[Refusal]) -> None:
        self.refusals = sorted(set(refusals))
        lines = "\n".join(f"  {refusal}" for refusal in self.refusals)
        super().__init__(f"{dag_id} cannot be compiled to a state machine:\n{lines}")


class RefusedError(Exception):
    """A refusal that ends the compilation of one task; the compiler collects it and continues with the next task."""

    def __init__(self, task_id: str, rule: str, remedy: str) -> None:
        self.refusal = Refusal(task_id, rule, remedy)
        super().__init__(str(self.refusal))
