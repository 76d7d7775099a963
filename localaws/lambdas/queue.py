"""Lambda's queue of asynchronous invocations: retries, throttling, maximum age, destinations.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

import logging
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from localaws.lambdas.destinations import Event, failed, succeeded
from localaws.lambdas.functions import Functions, ThrottledError
from localaws.lambdas.invocation import Reply
from localaws.moto_patches.lambda_settings import event_invoke_config
from localaws.server.cloud import Cloud
from localaws.server.protocol import ApiError
from localaws.server.timer import Timer

# The number of events that are processed at once; others wait, as in Lambda's queue.
WORKERS = 4
# The pause before a throttled event is retried; Lambda's grows from 1 second to 5 minutes.
THROTTLED_SECONDS = 0.2
DEFAULT_RETRIES = 2

_log = logging.getLogger(__name__)


class FunctionQueue:
    """The queued events. `minute` is the length of Lambda's minutes in seconds.

    Records for destinations and dead-letter queues are sent by the clients of `cloud`.
    """

    def __init__(self, cloud: Cloud, functions: Functions, timer: Timer, minute: float = 60.0) -> None:
        self._cloud = cloud
        self._functions = functions
        self._timer = timer
        self._minute = minute
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="event")

    def put(self, name: str, payload: bytes, qualifier: str | None = None, request_id: str | None = None) -> None:
        """Queue an event for a function; returns at once."""
        self._submit(Event(name, payload, qualifier, request_id or str(uuid.uuid4()), time.monotonic()))

    def close(self) -> None:
        """Stop; waiting events are lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, event: Event) -> None:
        try:
            self._pool.submit(self._work, event)
        except RuntimeError:
            _log.info("%s: dropped an event: local AWS is shutting down", event.name)

    def _work(self, event: Event) -> None:
        try:
            self._try(event)
        except ApiError as error:
            _log.warning("could not invoke %s: %s", event.name, error)
        except Exception:
            _log.exception("could not invoke %s", event.name)

    def _try(self, event: Event) -> None:
        # The settings of the whole function apply, not those of a version.
        function = self._functions.find(self._functions.find(event.name, event.qualifier).function_name)
        reserved = function.reserved_concurrency
        if reserved is not None and int(reserved) == 0:
            # Such an event is not retried.
            failed(self._cloud, function, event, "ZeroReservedConcurrency", None)
            return
        try:
            reply = self._functions.invoke(event.name, event.payload, event.qualifier, event.request_id)
        except ThrottledError:
            self._again(function, event, THROTTLED_SECONDS, None)
            return
        event.attempts += 1
        if not reply.failed:
            succeeded(self._cloud, function, event, reply)
            return
        _log.warning("%s failed: %s", event.name, reply.payload.decode(errors="replace"))
        if event.attempts > event_invoke_config(function).get("MaximumRetryAttempts", DEFAULT_RETRIES):
            failed(self._cloud, function, event, "RetriesExhausted", reply)
        else:
            # One minute before the second attempt, two before the third.
            self._again(function, event, event.attempts * self._minute, reply)

    def _again(self, function: Any, event: Event, seconds: float, reply: Reply | None) -> None:
        oldest = event_invoke_config(function).get("MaximumEventAgeInSeconds")
        age = time.monotonic() - event.accepted + seconds
        if oldest is not None and age > oldest * self._minute / 60:
            failed(self._cloud, function, event, "EventAgeExceeded", reply)
        else:
            self._timer.after(seconds, self._submit, event)
