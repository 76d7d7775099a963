"""The compiler: `compile_dag` turns an Airflow DAG object into a state machine in Amazon States Language.

- `compilation`: `compile_dag`, and the features of a DAG that no state machine has
- `structure`: the shape of the DAG: tasks in series, in parallel groups, and in branches
- `assembly`: the states of the whole machine, put together along that shape
- `operators`, `job_operators`: the states of one task, by its operator
- `functions`: the Python functions that Lambda calls for tasks and callbacks
- `callbacks`: the states that call failure callbacks
- `references`: XComs and DAG parameters as JSONPath
- `retries`: Retry, Catch and TimeoutSeconds
- `triggers`: the event pattern that stands for the sensor at the root
- `rules`, `scopes`: checks of the finished machine, and how they walk through it
- `refusals`: the errors of the compiler
- `flow_page`: the documentation page of a flow
"""

from stepfunctions.compiler.compilation import compile_dag
from stepfunctions.compiler.refusals import CompileError

__all__ = ["CompileError", "compile_dag"]
