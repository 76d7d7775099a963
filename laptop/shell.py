"""The user's shell, of which nothing that concerns AWS or proxies may reach the servers of a laptop."""

from __future__ import annotations

import os

# Programs read one spelling or the other.
WITHOUT_PROXIES = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")
# ~/.aws, in which a profile that does not exist, or a line that cannot be parsed, stops boto3.
WITHOUT_AWS_FILES = dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), os.devnull)


def forget_aws() -> None:
    """Removes what the shell has set up for the real AWS from this process and those that it starts."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(WITHOUT_AWS_FILES)
