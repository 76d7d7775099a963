"""LocalAWS: moto's server behind a layer that takes over the operations that execute something."""

import json
import logging
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from io import BytesIO
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
from localaws.glue.operations import GlueJobs
from localaws.glue.ready_spark import ReadySpark
from localaws.jobs.job import Activity
from localaws.jobs.logs import GROUPS
from localaws.lambdas.invoke import Answer, answer_invoke, invoked
from localaws.sagemaker.operations import SageMakerJobs
from localaws.server.access import AccessControl
from localaws.server.cloud import Cloud
from localaws.server.credentials import FILE_NAME, Credentials, new_credentials, read_credentials, write_credentials
from localaws.server.private_files import make_private_folder
from localaws.server.protocol import SERVICES, ApiError, Handler, Json, answer, read
from localaws.server.timer import Timer
from localaws.server.trail import Trail

if TYPE_CHECKING:
    from localaws.lambdas.functions import Functions
    from localaws.lambdas.queue import FunctionQueue

# A job that is downloading is stopped only afterwards; its thread ends with the process at the latest.
LAST_WAIT_SECONDS = 15.0
# User-Agents: of calls that the trail leaves out, and of calls by an AWS service.
OWN_AGENT, LAMBDA_AGENT, EVENTS_AGENT = "localaws", "lambda.amazonaws.com", "events.amazonaws.com"
LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
EVERY_INTERFACE = ("0.0.0.0", "::", "")
JSON = {"Content-Type": "application/x-amz-json-1.1"}
StartResponse = Callable[..., Any]
_log = logging.getLogger(__name__)


class TakeOver:
    """WSGI: answers the operations that are taken over, by their `X-Amz-Target`, and Lambda's Invoke, by its path.

    All other requests go to the application.
    """

    # Set before the first request.
    functions: "Functions"
    queue: "FunctionQueue"

    def __init__(self, application: Any, handlers: dict[str, Handler]) -> None:
        self._application = application
        self._handlers = handlers

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        reply = None
        if handler := self._handlers.get(target):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = BytesIO(body)
            reply = _reply(target, handler, body)
        elif name := invoked(environ):
            reply = answer_invoke(self.functions, self.queue, name, environ)
        if reply is None:
            passed: Iterable[bytes] = self._application(environ, start_response)
            return passed
        status, content, headers = reply
        sent = {"x-amzn-RequestId": str(uuid.uuid4()), **headers, "Content-Length": str(len(content))}
        start_response(status, list(sent.items()))
        return [content]


def _reply(target: str, handler: Handler, body: bytes) -> Answer | None:
    prefix, _, name = target.partition(".")
    service = SERVICES[prefix]
    try:
        result = handler(read(service, name, body))
        return None if result is None else ("200 OK", answer(service, name, result), JSON)
    except ApiError as error:
        return f"{error.status} Error", error.body(), JSON
    except Exception as error:
        _log.exception("%s", target)
        return "500 Error", ApiError("InternalFailure", f"{type(error).__name__}: {error}").body(), JSON


def _refuse(_: Json) -> Json:
    raise ApiError("ServiceUnavailable", "local AWS is shutting down", 503)


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
        standby: the next Spark job, and the next invocation of a function, find a process that has started before.
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
    ) -> None:
        self._state = state.absolute()
        self._address = (host, port)
        self._region = region
        self._minute = minute
        self._persistent = persistent
        self._given_credentials = credentials
        self._allowed_hosts = allowed_hosts
        self._standby = standby
        self._trail = self._state / "cloudtrail.jsonl"

    def __enter__(self) -> "LocalAWS":
        """Starts the server.

        Raises:
            StateError: the folder of a persistent state is in use or cannot be read.
        """
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
        self._server.app = AccessControl(recorded, self.credentials, {*hosts, *self._allowed_hosts})
        self._cloud = Cloud(self.endpoint, self._region, self.credentials, OWN_AGENT)
        self._users = Cloud(self.endpoint, self._region, self.credentials)
        self._take_over()
        application.functions, application.queue = self._functions, self._queue
        self._thread = Thread(target=self._server.serve_forever, name="localaws", daemon=True)
        self._thread.start()
        self._schedules.check()
        for group in GROUPS:
            self._cloud.client("logs").create_log_group(logGroupName=group)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # First: clients that are still connected must not start anything.
        self._handlers.update(dict.fromkeys(self._handlers, _refuse))
        self._timer.close()
        self._events.close()
        self._queue.close()
        self._functions.close()
        self._machines.close()
        self._spark.close()
        for job in self.jobs:
            job.abandon()
        for job in self.jobs:
            job.join(LAST_WAIT_SECONDS)
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for cloud in (self._cloud, self._users, *self._services_clouds):
            cloud.close()
        self._patches.close()

    @property
    def jobs(self) -> list[Activity]:
        """Every job since the start."""
        return [job for service in self._services for job in service.jobs]

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

    def _moto(self, patches: ExitStack) -> Any:
        application = DomainDispatcherApplication(create_backend_app)
        if not self._persistent:
            return application
        # Not at the top: see _take_over.
        from localaws.server.persistence import persistent  # noqa: PLC0415

        return patches.enter_context(persistent(self._state, self._region, application))

    def _take_over(self) -> None:
        # Not at the top: these parts of moto read the shell's AWS profile when they are imported.
        from localaws.events.bus import Events  # noqa: PLC0415
        from localaws.events.schedules import Schedules  # noqa: PLC0415
        from localaws.events.targets import Targets  # noqa: PLC0415
        from localaws.lambdas.functions import Functions  # noqa: PLC0415
        from localaws.lambdas.queue import FunctionQueue  # noqa: PLC0415
        from localaws.stepfunctions.machines import StateMachines  # noqa: PLC0415

        folder = self._state / "jobs"
        self._spark = ReadySpark(self._cloud.environment(), folder / "spark", self._standby)
        self._spark.get_ready()
        glue = GlueJobs(self._cloud, folder, self._minute, self._spark)
        sagemaker = SageMakerJobs(self._cloud, folder)
        self._timer = Timer()
        lambdas, rules = (
            Cloud(self.endpoint, self._region, self.credentials, agent) for agent in (LAMBDA_AGENT, EVENTS_AGENT)
        )
        self._services_clouds = (lambdas, rules)
        self._functions = Functions(self._cloud, folder, self._standby)
        self._queue = FunctionQueue(lambdas, self._functions, self._timer, self._minute)
        self._events = Events(self._region, Targets(rules, self._functions, self._queue), self._queue)
        self._machines = StateMachines(self._cloud, self._events.put)
        self._schedules = Schedules(self._events, self._region, self._timer, self._minute)
        self._services = (glue, sagemaker, self._functions)
        hooks = moto_patches.Hooks(
            object_created=self._events.object_created,
            function_notified=self._events.function_notified,
            object_changed=glue.staged_updates.object_changed,
            rule_matched=self._events.rule_matched,
            execution_started=self._machines.statuses.started,
            execution_ended=self._machines.statuses.ended,
            task_service=self._machines.task_service,
            task_client=self._machines.task_clients,
            sdk_client=self._machines.sdk_clients,
        )
        self._patches.enter_context(moto_patches.apply(hooks))
        self._handlers |= {f"AWSGlue.{name}": handler for name, handler in glue.operations.items()}
        self._handlers |= {f"SageMaker.{name}": handler for name, handler in sagemaker.operations.items()}
        machines = self._machines.operations.items()
        self._handlers |= {f"AWSStepFunctions.{name}": handler for name, handler in machines}
