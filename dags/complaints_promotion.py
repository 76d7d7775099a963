"""# Promote or roll back the complaints model

Changes which version of the model is in service, or which one runs beside it as a shadow. The next run that is planned
uses it; a run under way keeps its version.

**Parameters.**

- **version**: a version such as v3, or previous: the one that was in service before. Not needed to end a shadow.
- **action**: promote puts the version into service (with previous it is a rollback). shadow has it classify each batch
  beside the model in service, without publishing its answers. end shadow stops that.
- **by**: who decides this; it is kept in the record.
- **reason**: why; it is kept in the record.
- **force**: promote a version that is rejected or awaits approval. Needs a reason.

**If it fails.** Nothing was changed. The message says why; start a new run. By task:

- **plan_promotion**: there is no such version, it is not approved, or its model.tar.gz is missing or was changed. Or
  there is no version to go back to. Approve a version in the SageMaker Model Registry, or force it with a reason.
- **move_pointer**: somebody else changed what is in service in the meantime; the message says what it is now. If you
  still want this change, start a new run.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, task
from operators.final_errors import fails_at_once
from operators.notes import notes
from operators.params import RunParam
from operators.runbook import document_tasks

from complaints.models import promotion as pointer
from complaints.notifications import alerts, run_notes
from complaints.settings import load_settings, parameters
from complaints.tasks import promotion

settings = load_settings()
patience = settings.pipeline.orchestration

with DAG(
    dag_id="complaints_promotion",
    description="Promote, roll back or shadow a version of the complaints model",
    doc_md=__doc__,
    schedule=None,
    max_active_runs=1,
    dagrun_timeout=patience.run_timeout,
    on_failure_callback=alerts.on_run_timeout,
    tags=["complaints", "model", "step-functions"],
    params={
        "version": Param(
            "",
            title="Version",
            description="A version such as v3, or previous: the one that was in service before.",
            **parameters.worded(pointer.WANTED_PATTERN, pointer.WANTED, optional=True),
        ),
        "action": Param(
            pointer.PROMOTE,
            title="Action",
            enum=[pointer.PROMOTE, pointer.SHADOW, pointer.END_SHADOW],
            description="Put it into service, or have it classify beside the model in service, unpublished.",
            **parameters.worded(pointer.ACTION_PATTERN, pointer.ACTION),
        ),
        "by": Param(
            "",
            title="By",
            description="Who decides this.",
            **parameters.worded(parameters.LINE_PATTERN, parameters.LINE, optional=True),
        ),
        "reason": Param(
            "",
            title="Reason",
            description="Why; needed to force.",
            **parameters.worded(parameters.LINE_PATTERN, parameters.LINE, optional=True),
        ),
        "force": Param(
            False,
            type="boolean",
            title="Force",
            description="Promote although the version is rejected or awaits approval.",
        ),
    },
    default_args={**patience.default_args(), "on_failure_callback": alerts.on_failure},
) as dag:
    change = task(multiple_outputs=False, task_display_name="Plan the change")(fails_at_once(promotion.plan_promotion))(
        version=RunParam(dag, "version"),
        action=RunParam(dag, "action"),
        by=RunParam(dag, "by"),
        # Airflow keeps the name `reason` for itself.
        why=RunParam(dag, "reason"),
        force=RunParam(dag, "force"),
    )

    # Planned first, so that a retry never goes back two versions.
    task(multiple_outputs=False, task_display_name="Change what is in service")(
        notes(run_notes.of_change, fails_at_once(promotion.move_pointer))
    )(change)

    document_tasks(dag)
