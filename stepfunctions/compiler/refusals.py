"""What a state machine cannot say, collected: each refusal names its rule, the task, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Refusal:
    """One thing that cannot be compiled. `rule` is its name, `task_id` where it stands ("" for the whole DAG)."""

    task_id: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        where = f"task {self.task_id!r}: " if self.task_id else ""
        return f"[{self.rule}] {where}{self.remedy}"


class CompileError(ValueError):
    """A DAG that cannot become a state machine; the message holds every refusal, a line each."""

    def __init__(self, dag_id: str, refusals: Iterable[Refusal]) -> None:
        self.refusals = sorted(set(refusals))
        lines = "\n".join(f"  {refusal}" for refusal in self.refusals)
        super().__init__(f"{dag_id} cannot become a state machine:\n{lines}")


class RefusedError(Exception):
    """Ends the compilation of one task; the compiler collects it and goes on with the next."""

    def __init__(self, task_id: str, rule: str, remedy: str) -> None:
        self.refusal = Refusal(task_id, rule, remedy)
        super().__init__(str(self.refusal))
