"""What the code needs on local AWS, whose names the settings already have: for `make run`, `make up` and the tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from complaints.settings import PipelineSettings
from deploy.infrastructure import check_names, of_settings
from deploy.releases import put_release
from deploy.runbooks import put_runbooks

ROOT = Path(__file__).parent.parent


def deploy_infrastructure(settings: PipelineSettings, clients: Mapping[str, Any]) -> None:
    """Deploys what the code needs: the stacks of the data and of the roles.

    Raises:
        StackError: one was refused or rolled back, or the settings do not name what they have.
    """
    stacks = of_settings(clients["cloudformation"], settings)
    check_names(settings, {**stacks.data(), **stacks.roles()})


def deploy(settings: PipelineSettings, clients: Mapping[str, Any]) -> str:
    """Deploys what both orchestrators need: runbooks, job code and Glue jobs; returns the name of the release.

    `clients`: boto3 clients by service. `deploy_infrastructure` has been called.

    Raises:
        ConcurrentDeployError: another deployment made its release current in the meantime.
        StackError: the stack of the jobs was refused or rolled back.
    """
    put_runbooks(clients["s3"], settings.storage.bucket, ROOT / "docs" / "flows")
    return put_release(clients, settings, ROOT / "include")
