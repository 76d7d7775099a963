"""`python -m laptop run` does the main job, end to end; `up` starts the servers for a person."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from complaints.settings import SettingsError
from laptop.inputs import InputError
from laptop.processes import ServerError
from laptop.run import BUILD, STACKS, run
from laptop.up import up
from laptop.watch import RunFailedError


def main() -> int:
    """Runs the verb that was named; a failure a person can mend is one message, not a traceback."""
    options = _parser().parse_args()
    try:
        if options.verb == "run":
            run(options.train, options.classify, options.build, options.orchestrator)
        else:
            up(options.port)
    except (InputError, RunFailedError, ServerError, SettingsError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="laptop", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    once = verbs.add_parser("run", help="train, then classify")
    once.add_argument("--train", type=Path, action="append", default=[], help="labelled complaints, or a folder")
    once.add_argument("--classify", type=Path, action="append", default=[], help="complaints to classify, or a folder")
    once.add_argument("--build", type=Path, default=BUILD, help="where everything goes (default: %(default)s)")
    once.add_argument("--orchestrator", choices=sorted(STACKS), default="airflow", help="who runs the flows")
    stay = verbs.add_parser("up", help="start Airflow and local AWS, and wait")
    stay.add_argument("--port", type=int, default=8080, help="Airflow's port (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
