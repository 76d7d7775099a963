"""`python -m stepfunctions`: writes the state machine of every DAG tagged `step-functions`; `--check` only compares."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from stepfunctions.compiler import compile_dag
from stepfunctions.compiler.flow_page import flow_page
from stepfunctions.compiler.triggers import event_pattern, triggers_of

ROOT = Path(__file__).parent.parent
EXPORTED = "step-functions"


def main() -> int:
    """Returns 0 if every file is as the DAGs say, once written where that was asked for."""
    parser = argparse.ArgumentParser(prog="stepfunctions", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file is stale")
    only_check = parser.parse_args().check
    stale = []
    for path, content in compiled(ROOT / "dags"):
        if path.exists() and path.read_text(encoding="utf-8") == content:
            continue
        stale.append(path)
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
            print(path.relative_to(ROOT))
    if only_check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        print(f"stale: {names}; run make export", file=sys.stderr)
        return 1
    return 0


def compiled(dags: Path) -> Iterator[tuple[Path, str]]:
    """Every file that is made of the DAGs in `dags`, and its content."""
    sys.path.insert(0, str(dags))
    for file in sorted(dags.glob("*.py")):
        dag = importlib.import_module(file.stem).dag
        if EXPORTED in dag.tags:
            machine = compile_dag(dag)
            yield ROOT / "stepfunctions" / f"{dag.dag_id}.asl.json", json.dumps(machine, indent=2) + "\n"
            for sensor in triggers_of(dag):
                trigger = json.dumps(event_pattern(sensor), indent=2) + "\n"
                yield ROOT / "stepfunctions" / f"{dag.dag_id}.trigger.json", trigger
            yield ROOT / "docs" / "flows" / f"{dag.dag_id}.md", flow_page(dag, machine, triggers_of(dag))


if __name__ == "__main__":
    sys.exit(main())
