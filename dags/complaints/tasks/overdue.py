"""The look for batch transforms that outlive their limit, each hour, whichever orchestrator has started them.

CreateTransformJob takes no limit of time. A flow that has waited for `max_runtime_seconds` gives up, and asks AWS to
stop the job; if that fails, or the flow was aborted, the job runs on, and costs money.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from complaints.aws.clients import client
from complaints.aws.job_kinds import TRANSFORM
from complaints.settings import load_settings

log = logging.getLogger(__name__)

# What ours are called; a flow that gives a job up needs a moment to stop it.
_OURS = "complaints-"
_PATIENCE = timedelta(minutes=15)


def overdue_transforms() -> dict[str, int]:
    """Counts them as `overdue_transforms`, and logs their names."""
    settings = load_settings()
    limit = timedelta(seconds=settings.pipeline.sagemaker.transform.max_runtime_seconds) + _PATIENCE
    pages = client("sagemaker", settings).get_paginator("list_transform_jobs")
    summaries = [
        each
        for page in pages.paginate(NameContains=_OURS, StatusEquals="InProgress")
        for each in page["TransformJobSummaries"]
    ]
    began_before = datetime.now(UTC) - limit
    found = [each[TRANSFORM.id_member] for each in summaries if each["CreationTime"] < began_before]
    for name in found:
        log.warning("the transform job %s has run for more than %s: stop it", name, limit)
    return {"overdue_transforms": len(found)}
