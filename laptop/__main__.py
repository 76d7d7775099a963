"""`python -m laptop run` runs both flows once; `up` starts Airflow and local AWS, and the other verbs manage them."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from complaints.errors import FinalError
from complaints.settings import SettingsError
from laptop.inputs import InputError, named_paths
from laptop.report.run_folder import RunFolderError
from laptop.servers.flow_runs import RunFailedError
from laptop.servers.inbox import STILL_SECONDS
from laptop.servers.processes import ServerError
from laptop.servers.state import BUILD as STATE
from laptop.servers.state import State
from laptop.shell import forget_aws
from laptop.terminal import write
from laptop.verbs.detached import up_detached
from laptop.verbs.down import down, reset
from laptop.verbs.logs import follow_logs
from laptop.verbs.models import models
from laptop.verbs.objects import objects
from laptop.verbs.results import results
from laptop.verbs.run import BUILD, STACKS, run
from laptop.verbs.status import status
from laptop.verbs.up import up

_OBJECTS = {
    "ls": "list the objects in the bucket of make up",
    "get": "download an object",
    "put": "upload a file",
    "rm": "remove an object",
}
_MODELS = {
    "models": "list the model versions, and what is in service",
    "promote": "put a version into service",
    "rollback": "put the version before into service",
    "approve": "approve a version",
    "reject": "reject a version",
}


def main() -> int:
    """Runs one verb; returns the exit code. A failure that a person can fix prints a message, not a traceback."""
    # Complaints, logs and secrets: nothing that is written here, or by a server started here, is for other users.
    os.umask(0o077)
    forget_aws()
    options = _parser().parse_args()
    try:
        return _run_verb(options)
    except (FinalError, InputError, RunFolderError, RunFailedError, ServerError, SettingsError) as error:
        write(f"\n{error}", sys.stderr)
        return 1
    except KeyboardInterrupt:
        write("\nstopped", sys.stderr)
        return 130


def _run_verb(options: argparse.Namespace) -> int:
    if options.verb == "run":
        train = [path for value in options.train for path in named_paths(value)]
        classify = [path for value in options.classify for path in named_paths(value)]
        run(train, classify, options.build, options.orchestrator)
        return 0
    if options.verb == "results":
        results([BUILD, STATE], options.run)
        return 0
    state = State(options.build)
    if options.verb == "status":
        return status(state)
    if options.verb == "up" and options.detach:
        inbox = [f"--inbox={options.inbox}"] if options.inbox else []
        inbox.append(f"--inbox-seconds={options.inbox_seconds}")
        up_detached(state, [f"--port={options.port}", f"--build={options.build}", *inbox])
    elif options.verb == "up":
        up(options.port, Path(options.inbox) if options.inbox else None, options.build, options.inbox_seconds)
    elif options.verb in _OBJECTS:
        objects(state, options.verb, options.key, options.file)
    elif options.verb in _MODELS:
        by = options.by or getpass.getuser()
        models(state, options.verb, options.version, by, options.reason, forced=options.force)
    elif options.verb == "down":
        down(state)
    elif options.verb == "reset":
        reset(state, is_confirmed=options.yes)
    else:
        follow_logs(state, options.which)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="laptop", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    once = verbs.add_parser("run", help="train, classify and monitor")
    files = "a file, a folder, or several words that may be patterns"
    once.add_argument("--train", action="append", default=[], help=f"labelled complaints: {files}")
    once.add_argument("--classify", action="append", default=[], help=f"complaints to classify: {files}")
    once.add_argument("--build", type=Path, default=BUILD, help="output folder (default: %(default)s)")
    once.add_argument("--orchestrator", choices=sorted(STACKS), default="airflow", help="what runs the flows")
    stay = verbs.add_parser("up", help="start Airflow and local AWS, and keep them running")
    stay.add_argument("--port", type=int, default=8080, help="Airflow's port (default: %(default)s)")
    stay.add_argument("--inbox", default="", help="folder whose complaints files are uploaded to be classified")
    stay.add_argument(
        "--inbox-seconds",
        type=float,
        default=STILL_SECONDS,
        help="how long a file of the inbox must not change before it is uploaded (default: %(default)s)",
    )
    stay.add_argument("--detach", action="store_true", help="return once they are ready")
    verbs.add_parser("status", help="show whether they run, and the state of the flows")
    verbs.add_parser("down", help="stop them")
    shown = verbs.add_parser("results", help="show the results of the newest run, or of another")
    shown.add_argument("--run", default="", help="the run's id")
    follow = verbs.add_parser("logs", help="follow their logs")
    follow.add_argument("which", choices=["all", "up", "airflow", "aws"], nargs="?", default="all")
    forget = verbs.add_parser("reset", help="remove their state folder")
    forget.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    for name, what in _OBJECTS.items():
        one = verbs.add_parser(name, help=what)
        one.add_argument("--key", default="", help="the object's key, or the beginning of keys for ls")
        one.add_argument("--file", default="", help="the file to write or to read")
    for name, what in _MODELS.items():
        _model_options(verbs.add_parser(name, help=what))
    for name in ("up", "status", "down", "logs", "reset", *_OBJECTS, *_MODELS):
        verbs.choices[name].add_argument(
            "--build", type=Path, default=STATE, help="state folder (default: %(default)s)"
        )
    return parser


def _model_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--version", default="", help="the version: v3, or previous")
    verb.add_argument("--by", default="", help="who decides (default: the user)")
    verb.add_argument("--reason", default="", help="why; it is kept in the record")
    verb.add_argument("--force", action="store_true", help="promote a version that is not approved; needs a reason")


if __name__ == "__main__":
    sys.exit(main())
