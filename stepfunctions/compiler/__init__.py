"""The compiler: a DAG object in, its state machine in Amazon States Language out. The one door is `compile_dag`."""

from stepfunctions.compiler.compilation import compile_dag
from stepfunctions.compiler.refusals import CompileError

__all__ = ["CompileError", "compile_dag"]
