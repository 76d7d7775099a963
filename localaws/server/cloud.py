"""The endpoint, seen by a client: boto3 clients with the run's credentials, and the environment of a job's process."""

import os
import sys
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

from localaws.server.credentials import Credentials, own_session

ACCOUNT = "123456789012"
# User-Agent of calls that the trail leaves out.
OWN_AGENT = "localaws"
# A job inherits nothing else from the server's environment: no credentials, no profile, no PYTHONPATH.
# PTMLOPS_STATE marks the jobs' processes, so that they can be found after the server was killed.
INHERITED = ("PATH", "HOME", "TMPDIR", "PTMLOPS_STATE")
# Programs read one spelling of NO_PROXY or the other. A file of ~/.aws that cannot be parsed stops boto3.
NOT_THE_USERS = {
    **dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost"),
    **dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull),
}
# Of all clients: clouds may share a session.
_CREATING = Lock()


@dataclass
class Cloud:
    """The AWS at `endpoint`; its clients are created once and shared by threads.

    `agent` is their User-Agent, which the trail records; None means boto3's. Clouds that share a `session` read the
    description of each service once. With a `role`, clients and processes say that they have that role.
    """

    endpoint: str
    region: str
    credentials: Credentials
    agent: str | None = None
    session: boto3.session.Session | None = None
    role: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, init=False)

    def client(self, service: str) -> Any:
        """The boto3 client of a service. Creating one is not thread-safe in boto3."""
        with _CREATING:
            if service not in self._clients:
                self.session = self.session or own_session(self.credentials)
                self._clients[service] = self.session.client(
                    service,
                    region_name=self.region,
                    endpoint_url=self.endpoint,
                    # Without the shell's proxy settings.
                    config=Config(
                        max_pool_connections=32,
                        proxies={},
                        retries={"total_max_attempts": 3},
                        user_agent=self._user_agent,
                        user_agent_appid=self.role,
                    ),
                )
            return self._clients[service]

    @property
    def _user_agent(self) -> str | None:
        # botocore adds no application id to a given User-Agent.
        return f"{self.agent} app/{self.role}" if self.agent and self.role else self.agent

    def as_role(self, arn: str) -> "Cloud":
        """The same endpoint, called in the name of a role."""
        return replace(self, role=arn.rpartition("/")[2])

    def close(self) -> None:
        """Close every connection."""
        with _CREATING:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource, for instance `arn("sagemaker", "training-job/name")`."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"

    def client_environment(self) -> dict[str, str]:
        """Environment variables that make any AWS client use this endpoint."""
        return {
            **self.credentials.environment,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_DEFAULT_REGION": self.region,
        }

    def environment(self) -> dict[str, str]:
        """The environment of a job's process."""
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | {
            **self.client_environment(),
            "AWS_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            **NOT_THE_USERS,
            # AWS runs in UTC and UTF-8. Without buffers the log is complete while the job runs.
            "TZ": "UTC",
            "PYTHONUTF8": "1",
            # Java finds no class below a folder with a letter that the locale lacks.
            "LC_ALL": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYSPARK_PYTHON": sys.executable,
            **({"AWS_SDK_UA_APP_ID": self.role} if self.role else {}),
        }
