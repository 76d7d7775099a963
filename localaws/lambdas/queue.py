"""Lambda's queue of events: an asynchronous invocation is tried again, waits for room, and ends at a destination.

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

# How many events are worked on at once; the others wait, as they do in Lambda's queue.
AT_ONCE = 4
# How often an event looks for room: Lambda asks after 1 second first, and after 5 minutes in the end.
THROTTLED_SECONDS = 0.2
DEFAULT_RETRIES = 2

_log = logging.getLogger(__name__)


class FunctionQueue:
    """Every event that no function has worked off. `minute`: how many seconds Lambda's minutes last.

    What is sent to destinations and dead-letter queues goes through the clients of `cloud`.
    """

    def __init__(self, cloud: Cloud, functions: Functions, timer: Timer, minute: float = 60.0) -> None:
        self._cloud = cloud
        self._functions = functions
        self._timer = timer
        self._minute = minute
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="event")

    def put(self, name: str, payload: bytes, qualifier: str | None = None, request_id: str | None = None) -> None:
        """Take an event for a function: returns at once."""
        self._submit(Event(name, payload, qualifier, request_id or str(uuid.uuid4()), time.monotonic()))

    def close(self) -> None:
        """Start nothing any more; what waits is lost."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, event: Event) -> None:
        try:
            self._pool.submit(self._work, event)
        except RuntimeError:
            _log.info("%s: an event came too late: local AWS is being stopped", event.name)

    def _work(self, event: Event) -> None:
        try:
            self._try(event)
        except ApiError as error:
            _log.warning("%s could not be invoked: %s", event.name, error)
        except Exception:
            _log.exception("%s could not be invoked", event.name)

    def _try(self, event: Event) -> None:
        # The whole function's settings hold, whichever version of it was asked for.
        function = self._functions.find(self._functions.find(event.name, event.qualifier).function_name)
        reserved = function.reserved_concurrency
        if reserved is not None and int(reserved) == 0:
            # Such an event does not wait for the reservation to be lifted.
            failed(self._cloud, function, event, "ZeroReservedConcurrency", None)
            return
        try:
            reply = self._functions.invoke(event.name, event.payload, event.qualifier, event.request_id)
        except ThrottledError:
            self._again(function, event, THROTTLED_SECONDS, None)
            return
        event.tries += 1
        if not reply.failed:
            succeeded(self._cloud, function, event, reply)
            return
        _log.warning("%s failed: %s", event.name, reply.payload.decode(errors="replace"))
        if event.tries > event_invoke_config(function).get("MaximumRetryAttempts", DEFAULT_RETRIES):
            failed(self._cloud, function, event, "RetriesExhausted", reply)
        else:
            # One minute before the second try, two before the third.
            self._again(function, event, event.tries * self._minute, reply)

    def _again(self, function: Any, event: Event, seconds: float, reply: Reply | None) -> None:
        oldest = event_invoke_config(function).get("MaximumEventAgeInSeconds")
        age = time.monotonic() - event.taken + seconds
        if oldest is not None and age > oldest * self._minute / 60:
            failed(self._cloud, function, event, "EventAgeExceeded", reply)
        else:
            self._timer.after(seconds, self._submit, event)
