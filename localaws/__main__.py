"""`python -m localaws --state DIR`: an AWS endpoint that runs until SIGTERM or SIGINT."""

import argparse
import gc
import json
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from localaws.server.cloud import NOT_THE_USERS
from localaws.server.credentials import given_credentials
from localaws.server.endpoint import LocalAWS
from localaws.server.private_files import make_private_folder
from localaws.server.state_files import StateError


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localaws", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for jobs, their logs, and the server's log")
    parser.add_argument("--host", default="127.0.0.1", help="interface to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument(
        "--minute",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="length of a minute in AWS's timeouts, retries and schedules (default: %(default)s)",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep S3 and SageMaker models in the state folder and load them at the next start",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME[:PORT]",
        help="another name that clients reach this server by, for instance a service's of docker compose (repeatable)",
    )
    parser.add_argument(
        "--no-standby",
        action="store_true",
        help="start each job and function in a new process (default: a Spark process that is kept ready, and forks)",
    )
    parser.add_argument(
        "--enforce-iam",
        action="store_true",
        help="let functions, jobs and state machines do only what the policies of their roles allow",
    )
    parser.add_argument(
        "--reuse-jvm",
        action="store_true",
        help="run Spark jobs one after another in one JVM: faster, and less like AWS (default: a JVM for each job)",
    )
    return parser


def main() -> None:
    """Start, print one line of JSON with the endpoint and the file of credentials, and wait for a signal."""
    parser = _parser()
    arguments = parser.parse_args()
    # All that this process and its jobs write is private.
    os.umask(0o077)
    make_private_folder(arguments.state)
    logging.basicConfig(
        filename=arguments.state / "localaws.log",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # The shell's profile and credentials are for the real AWS; boto3 fails for a profile that does not exist.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(NOT_THE_USERS)
    try:
        credentials = given_credentials(os.environ)
    except ValueError as error:
        parser.error(str(error))
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with LocalAWS(
            arguments.state,
            arguments.host,
            arguments.port,
            minute=arguments.minute,
            persistent=arguments.keep,
            credentials=credentials,
            allowed_hosts=arguments.allow_host,
            standby=not arguments.no_standby,
            enforce_iam=arguments.enforce_iam,
            reuse_jvm=arguments.reuse_jvm,
        ) as aws:
            # What is imported stays: no collection needs to look at it.
            gc.freeze()
            print(json.dumps({"endpoint": aws.endpoint, "credentials": str(aws.credentials_file)}), flush=True)
            stopped.wait()
    except StateError as error:
        sys.exit(f"localaws: {error}")


if __name__ == "__main__":
    main()
