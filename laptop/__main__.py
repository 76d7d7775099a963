"""`python -m laptop run` does the main job, end to end; `up` starts the servers for a person, the others serve it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from complaints.settings import SettingsError
from laptop.inputs import InputError
from laptop.servers.flow_runs import RunFailedError
from laptop.servers.processes import ServerError
from laptop.servers.state import BUILD as KEPT
from laptop.servers.state import State
from laptop.verbs.detached import detached
from laptop.verbs.down import down, reset
from laptop.verbs.logs import logs
from laptop.verbs.run import BUILD, STACKS, run
from laptop.verbs.status import status
from laptop.verbs.up import up


def main() -> int:
    """Runs the verb that was named; a failure a person can mend is one message, not a traceback."""
    options = _parser().parse_args()
    try:
        return _do(options)
    except (InputError, RunFailedError, ServerError, SettingsError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _do(options: argparse.Namespace) -> int:
    if options.verb == "run":
        run(options.train, options.classify, options.build, options.orchestrator)
        return 0
    state = State(options.build)
    if options.verb == "status":
        return status(state)
    if options.verb == "up" and options.detach:
        inbox = ["--inbox", str(options.inbox)] if options.inbox else []
        detached(state, ["--port", str(options.port), "--build", str(options.build), *inbox])
    elif options.verb == "up":
        up(options.port, options.inbox, options.build)
    elif options.verb == "down":
        down(state)
    elif options.verb == "reset":
        reset(state, options.yes)
    else:
        logs(state, options.which)
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
    stay.add_argument("--inbox", type=Path, help="folder whose complaints files are uploaded to be classified")
    stay.add_argument("--detach", action="store_true", help="return when they are ready")
    verbs.add_parser("status", help="whether they run, and how it stands")
    verbs.add_parser("down", help="stop them")
    follow = verbs.add_parser("logs", help="follow their logs")
    follow.add_argument("which", choices=["all", "airflow", "aws"], nargs="?", default="all")
    forget = verbs.add_parser("reset", help="remove what they keep")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    for name in ("up", "status", "down", "logs", "reset"):
        verbs.choices[name].add_argument("--build", type=Path, default=KEPT, help="the state (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
