"""LocalAWS: moto's server behind access control, a trail, and the operations that execute something."""

import json
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any

from moto.moto_api._internal.models import moto_api_backend
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from localaws import moto_patches
from localaws.container import aws_apis
from localaws.jobs.job import Activity
from localaws.moto_patches.light_imports import without_ec2
from localaws.server.access import AccessControl
from localaws.server.cloud import OWN_AGENT, Cloud
from localaws.server.credentials import FILE_NAME, Credentials, new_credentials, read_credentials, write_credentials
from localaws.server.private_files import make_private_folder
from localaws.server.protocol import Handler, Json
from localaws.server.take_over import TakeOver, refuse
from localaws.server.trail import Trail

if TYPE_CHECKING:
    from localaws.server.services import Services

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
EVERY_INTERFACE = ("0.0.0.0", "::", "")
_log = logging.getLogger(__name__)


class QuietHandler(MotoRequestHandler):
    """Logs requests at debug level instead of printing them."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: ARG002
        """Replaces werkzeug's, which configures logging by itself."""
        _log.debug(message, *args)


class LocalAWS:
    """A running AWS: `with LocalAWS(folder) as aws: aws.endpoint`.

    moto's state belongs to the process: entering resets it, and two LocalAWS in one process share it.

    Attributes:
        endpoint: the URL.
        credentials: what requests must be signed with.

    Args:
        state: folder for jobs, their logs, the trail and the credentials; only its owner can read it.
        host: interface to listen on.
        port: port to listen on; 0 means any free one.
        region: the AWS region.
        minute: seconds in a minute of Glue's timeouts, Lambda's retries and EventBridge's schedules.
        persistent: S3 and SageMaker models stay in the state folder, and are loaded from there.
        credentials: credentials to accept instead of random ones.
        allowed_hosts: host names, besides loopback's, that requests may use; with a port, or for any port.
        standby: the next Spark job finds a process that has started before; other jobs and functions are forks of one.
        enforce_iam: functions, jobs and state machines may do only what the policies of their roles allow.
        reuse_jvm: Spark jobs run one after another in one JVM, which is faster and less like AWS.
        forks: functions and SageMaker's jobs are forks, as with `standby`; Spark's jobs find nothing ready.
    """

    def __init__(
        self,
        state: Path,
        host: str = "127.0.0.1",
        port: int = 0,
        region: str = "us-east-1",
        minute: float = 60.0,
        persistent: bool = False,
        credentials: Credentials | None = None,
        allowed_hosts: Collection[str] = (),
        standby: bool = False,
        enforce_iam: bool = False,
        reuse_jvm: bool = False,
        forks: bool = False,
    ) -> None:
        self._state = state.absolute()
        self._address = (host, port)
        self._region = region
        self._minute = minute
        self._persistent = persistent
        self._given_credentials = credentials
        self._allowed_hosts = allowed_hosts
        self._standby = standby
        self._enforce_iam = enforce_iam
        self._reuse_jvm = reuse_jvm
        self._forks = forks
        self._trail = self._state / "cloudtrail.jsonl"

    def __enter__(self) -> "LocalAWS":
        """Starts the server.

        Raises:
            StateError: the folder of a persistent state is in use or cannot be read.
        """
        # Ours and moto's parts have sessions of their own.
        aws_apis.keep()
        moto_api_backend.reset()
        make_private_folder(self._state)
        self._handlers: dict[str, Handler] = {}
        with ExitStack() as patches:
            application = TakeOver(self._moto(patches), self._handlers)
            recorded = Trail(application, self._trail, OWN_AGENT)
            self._server = make_server(*self._address, recorded, threaded=True, request_handler=QuietHandler)
            self._patches = patches.pop_all()
        self.credentials = self._credentials()
        port = int(self._server.server_address[1])
        host = self._address[0]
        self.endpoint = f"http://{'127.0.0.1' if host in EVERY_INTERFACE else host}:{port}"
        hosts = {f"{name}:{port}" for name in (*LOOPBACK_NAMES, host)}
        self._server.app = AccessControl(recorded, self.credentials, {*hosts, *self._allowed_hosts}, self._check())
        self._users = Cloud(self.endpoint, self._region, self.credentials)
        self._services = self._connected(application)
        self._thread = Thread(target=self._server.serve_forever, name="localaws", daemon=True)
        self._thread.start()
        self._services.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # First: clients that are still connected must not start anything.
        self._handlers.update(dict.fromkeys(self._handlers, refuse))
        self._services.close()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._services.close_clients()
        self._users.close()
        self._patches.close()

    @property
    def jobs(self) -> list[Activity]:
        """Every job since the start."""
        return self._services.jobs

    @property
    def trail(self) -> list[Json]:
        """The recorded calls: `cloudtrail.jsonl` in the state folder, in CloudTrail's format."""
        return [json.loads(line) for line in self._trail.read_text(encoding="utf-8").splitlines()]

    @property
    def folder(self) -> Path:
        """The state folder."""
        return self._state

    def client(self, service: str) -> Any:
        """A boto3 client of this AWS, with its credentials."""
        return self._users.client(service)

    @property
    def credentials_file(self) -> Path:
        """The credentials in the format of `~/.aws/credentials`, for AWS_SHARED_CREDENTIALS_FILE."""
        return self._state / FILE_NAME

    @contextmanager
    def intercepted(self, target: str, instead: Callable[[Handler, Json], Json | None]) -> Iterator[None]:
        """Lets `instead` answer an operation such as `AWSGlue.StartJobRun`; it gets the usual handler and the request.

        For tests of an AWS that refuses, and of callers that die before they get the answer.
        """
        usual = self._handlers[target]
        self._handlers[target] = partial(instead, usual)
        try:
            yield
        finally:
            self._handlers[target] = usual

    def environment(self) -> dict[str, str]:
        """Environment variables that make any AWS client use this AWS."""
        return self._users.client_environment()

    def _credentials(self) -> Credentials:
        """The given credentials, else those of the persistent state, else new ones; written to the state folder."""
        stored = read_credentials(self.credentials_file) if self._persistent else None
        credentials = self._given_credentials or stored or new_credentials()
        write_credentials(self.credentials_file, credentials)
        return credentials

    def _check(self) -> Callable[[dict[str, Any]], None] | None:
        if not self._enforce_iam:
            return None
        # Not at the top: see _connected.
        from localaws.iam.enforcement import Enforcement  # noqa: PLC0415

        return Enforcement(self._state / "iam.jsonl").check

    def _moto(self, patches: ExitStack) -> Any:
        application = DomainDispatcherApplication(create_backend_app)
        if not self._persistent:
            return application
        # Not at the top: see _connected.
        from localaws.server.persistence import persistent  # noqa: PLC0415

        return patches.enter_context(persistent(self._state, self._region, application))

    def _connected(self, application: TakeOver) -> "Services":
        """The services, whose operations the application answers and which moto calls."""
        # Not at the top: it imports parts of moto that read the shell's AWS profile when they are imported.
        with without_ec2():
            from localaws.server.services import Services  # noqa: PLC0415

        services = Services(
            *(self.endpoint, self._region, self.credentials, self._state / "jobs", self._minute),
            standby=self._standby,
            reuse_jvm=self._reuse_jvm,
            forks=self._forks,
        )
        self._patches.enter_context(moto_patches.apply(services.hooks))
        self._handlers |= services.operations
        application.functions, application.queue = services.functions, services.queue
        application.stacks = services.stacks
        return services
