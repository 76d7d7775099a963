"""Runs a script in a process that did something else before, as `python script arguments` does in a new one."""

import builtins
import os
import sys
import types
from pathlib import Path


def run_script(arguments: list[str]) -> None:
    """Runs the script `arguments[0]` as `__main__`, with its folder and PYTHONPATH first on the path.

    Raises:
        SystemExit: the script has raised an error, which was printed as Python does, or has called sys.exit.
    """
    script = arguments[0]
    sys.argv[:] = arguments
    path = os.environ.get("PYTHONPATH", "")
    sys.path[:1] = [str(Path(script).parent), *filter(None, path.split(os.pathsep))]
    module = types.ModuleType("__main__")
    module.__file__ = script
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    try:
        code = compile(Path(script).read_bytes(), script, "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except Exception as error:
        trace = error.__traceback__
        # Without this function.
        error.__traceback__ = trace and trace.tb_next
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
