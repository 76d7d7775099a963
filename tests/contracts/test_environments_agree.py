"""Two environments that know nothing of each other leave out the same of the user's shell."""

from __future__ import annotations

from laptop.shell import WITHOUT_AWS_FILES, WITHOUT_PROXIES
from localaws.server.cloud import NOT_THE_USERS


def test_airflow_and_the_jobs_of_local_aws_see_neither_the_users_proxies_nor_their_aws_files() -> None:
    assert {**WITHOUT_PROXIES, **WITHOUT_AWS_FILES} == NOT_THE_USERS
