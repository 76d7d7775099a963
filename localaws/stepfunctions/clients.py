"""The interpreter's AWS clients, and its formats of timestamps."""

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config
from botocore.utils import parse_timestamp

from localaws.server.cloud import Cloud
from localaws.server.credentials import without_profile

# A Lambda function can take 900 s; its caller must wait longer.
READ_TIMEOUT_SECONDS = 960
AGENT = "states.amazonaws.com"


class Clients:
    """The interpreter's boto3 clients, by region and service; `timestamp` formats the times in their results."""

    def __init__(self, cloud: Cloud, timestamp: Callable[[Any], Any]) -> None:
        self._cloud = cloud
        self._timestamp = timestamp
        self._made: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    def __call__(self, region: str, service: str, state_credentials: Any = None) -> Any:  # noqa: ARG002
        """Replaces moto's boto_client_for."""
        with self._lock:
            if (region, service) not in self._made:
                session = without_profile()
                parsers = session.get_component("response_parser_factory")
                parsers.set_parser_defaults(timestamp_parser=self._timestamp)
                # One attempt: the state machine's Retry decides about more.
                credentials = self._cloud.credentials.session
                self._made[region, service] = boto3.session.Session(botocore_session=session, **credentials).client(
                    service,
                    region_name=region,
                    endpoint_url=self._cloud.endpoint,
                    config=Config(
                        max_pool_connections=32,
                        proxies={},
                        read_timeout=READ_TIMEOUT_SECONDS,
                        retries={"total_max_attempts": 1},
                        # By it CloudTrail identifies the caller.
                        user_agent=AGENT,
                    ),
                )
            return self._made[region, service]

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for client in self._made.values():
                client.close()
            self._made.clear()


def milliseconds(value: Any) -> int:
    """A timestamp as optimised integrations return it."""
    return int(parse_timestamp(value).timestamp() * 1000)


def iso(value: Any) -> str:
    """A timestamp as aws-sdk integrations return it."""
    return text(parse_timestamp(value))


def text(at: datetime) -> str:
    """A timestamp as the context object has it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
