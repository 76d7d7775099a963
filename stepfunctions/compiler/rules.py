"""What every compiled state machine must keep to that AWS's own linters do not look at: our rules, offline.

cfn-lint and asl-validator let a machine pass that retries on a script's failure, waits for a year, or loses its input
in a Catch. Each rule here is one small function; a finding names its rule, the state, and the remedy. The lists of
names are written down here again, and not taken from the compiler, since a check that shares them would repeat its
mistakes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from stepfunctions.compiler.scopes import ENDS, Scope, Site, after, is_end, leaves, scopes_of, targets

INTEGRATIONS = frozenset(
    f"arn:aws:states:::{integration}"
    for integration in (
        "lambda:invoke",
        "glue:startJobRun.sync",
        "sagemaker:createHyperParameterTuningJob.sync",
        "sagemaker:createProcessingJob.sync",
        "sagemaker:createTrainingJob.sync",
        "sagemaker:createTransformJob.sync",
    )
)
# The call that starts the work did not get through; nothing has run yet.
TRANSIENT = frozenset(
    {
        *(
            "Glue.AWSGlueException",
            "Glue.ConcurrentRunsExceededException",
            "Glue.InternalServiceException",
            "Glue.OperationTimeoutException",
        ),
        *("Glue.ResourceNumberLimitExceededException", "Glue.ThrottlingException"),
        *("Lambda.AWSLambdaException", "Lambda.SdkClientException", "Lambda.ServiceException"),
        *("Lambda.TooManyRequestsException", "SageMaker.AmazonSageMakerException", "SageMaker.ThrottlingException"),
        *("SageMaker.ResourceLimitExceeded", "SageMaker.ResourceLimitExceededException"),
    }
)
ERRORS = TRANSIENT | {
    *("States.ALL", "States.BranchFailed", "States.HeartbeatTimeout", "States.IntrinsicFailure"),
    *("States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.ResultPathMatchFailure"),
    *("States.TaskFailed", "States.Timeout"),
    # AWS's documents and samples spell SageMaker's errors either way; here the job's name is taken.
    *("SageMaker.ResourceInUse", "SageMaker.ResourceInUseException"),
    *("Glue.EntityNotFoundException", "Lambda.Unknown"),
}
TEMPLATES = ("Parameters", "ResultSelector")
TYPES = ("Choice", "Fail", "Parallel", "Pass", "Succeed", "Task", "Wait")
_DYNAMIC = re.compile(r"\$($|\.|\[|\$\.)|States\.\w+\(")

Rule: TypeAlias = Callable[[Site], Iterator[str]]


def findings(machine: Mapping[str, Any]) -> list[str]:
    """Everything in `machine` that breaks a rule, `[rule] state 'name': what is wrong; the remedy`, in its order."""
    scopes = list(scopes_of("the machine", machine))
    sites = [Site(name, state, scope) for scope in scopes for name, state in scope.states.items()]
    found = [
        f"[{rule.__name__.replace('_', '-')}] state {site.name!r}: {text}"
        for site in sites
        for rule in RULES
        for text in rule(site)
    ]
    starts = [text for scope in scopes for text in _start_exists(scope)]
    return [*starts, *_names_are_unique(sites), *found]


def _start_exists(scope: Scope) -> Iterator[str]:
    if scope.start not in scope.states:
        yield f"[target] {scope.name}: StartAt {scope.start!r} is not one of its states; name one of them"


def _names_are_unique(sites: list[Site]) -> Iterator[str]:
    for name, times in Counter(site.name for site in sites).items():
        if times > 1:
            yield f"[unique-name] state {name!r}: {times} states have this name; rename all but one"


def name_length(site: Site) -> Iterator[str]:
    """AWS takes names of up to 80 characters."""
    if len(site.name) > 80:
        yield f"its name has {len(site.name)} characters; shorten it to 80"


def state_type(site: Site) -> Iterator[str]:
    """Only the types that these rules know how to judge."""
    if not site.is_a(*TYPES):
        yield f"no rule knows the type {site.state.get('Type')!r}; use one of {', '.join(TYPES)}"


def timeout(site: Site) -> Iterator[str]:
    """The default is 99,999,999 seconds: three years."""
    if site.is_a("Task") and not _positive(site.state.get("TimeoutSeconds")):
        yield "may wait for years; set TimeoutSeconds (the task's execution_timeout)"


def heartbeat(site: Site) -> Iterator[str]:
    """A heartbeat that is not shorter than the timeout is never missed."""
    beat, limit = site.state.get("HeartbeatSeconds"), site.state.get("TimeoutSeconds")
    if beat is not None and limit is not None and beat >= limit:
        yield f"HeartbeatSeconds {beat} is not below TimeoutSeconds {limit}; make it shorter"


def catch(site: Site) -> Iterator[str]:
    """Whatever fails must lead to a state that says so."""
    if site.is_a("Task", "Parallel") and not _errors(site, "Catch") & {"States.ALL"}:
        yield 'lets errors pass; add a Catch of "States.ALL"'


def catch_keeps_data(site: Site) -> Iterator[str]:
    """Without a ResultPath the error takes the input's place."""
    for catcher in site.state.get("Catch", []):
        if not str(catcher.get("ResultPath")).startswith("$."):
            yield 'its Catch loses the input; set its ResultPath to "$.error"'


def result_keeps_data(site: Site) -> Iterator[str]:
    """Without a ResultPath the result takes the input's place."""
    kept = site.state.get("ResultPath", "$")  # null: nothing is kept of it
    if site.is_a("Task", "Parallel") and kept is not None and not str(kept).startswith(("$.", "$['")):
        yield "its result replaces the input; set ResultPath to a member of its own"


def retry_jitter(site: Site) -> Iterator[str]:
    """Branches that were throttled together must not come back together."""
    for retrier in site.state.get("Retry", []):
        if retrier.get("JitterStrategy") != "FULL":
            yield f'JitterStrategy is {retrier.get("JitterStrategy")!r}; set it to "FULL"'


def retry_delay(site: Site) -> Iterator[str]:
    """The service refuses a MaxDelaySeconds that is not above IntervalSeconds."""
    for retrier in site.state.get("Retry", []):
        pause, longest = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds", 0)
        if longest <= pause:
            yield f"MaxDelaySeconds {longest} is not above IntervalSeconds {pause}; raise it"


def retry_backoff(site: Site) -> Iterator[str]:
    """The pauses may not get shorter."""
    for retrier in site.state.get("Retry", []):
        if retrier.get("BackoffRate", 2.0) < 1:
            yield f"BackoffRate {retrier['BackoffRate']} makes pauses shorter; use 1.0 or more"


def retry_attempts(site: Site) -> Iterator[str]:
    """A Retry without attempts is none."""
    for retrier in site.state.get("Retry", []):
        if not _positive(retrier.get("MaxAttempts")):
            yield f"MaxAttempts is {retrier.get('MaxAttempts')!r}; set 1 or more, or leave Retry out"


def retry_transient(site: Site) -> Iterator[str]:
    """A job that ran and failed is not started twice; States.TaskFailed and States.ALL would match it."""
    for name in sorted(_errors(site, "Retry") & ERRORS - TRANSIENT):
        yield f"retries on {name}, which work that ran can end with; retry on errors of the start alone"


def error_name(site: Site) -> Iterator[str]:
    """A misspelt name matches nothing, and nobody hears of it."""
    for name in sorted((_errors(site, "Retry") | _errors(site, "Catch")) - ERRORS):
        yield f"no service raises {name}; correct it, or add it to ERRORS with its source"


def catch_all_last(site: Site) -> Iterator[str]:
    """The service wants States.ALL alone in its ErrorEquals, and in the last place."""
    for field in ("Retry", "Catch"):
        lists = [each.get("ErrorEquals", []) for each in site.state.get(field, [])]
        if any("States.ALL" in names and (len(names) > 1 or names is not lists[-1]) for names in lists):
            yield f"States.ALL is not alone and last in {field}; give it an entry of its own at the end"


def resource(site: Site) -> Iterator[str]:
    """An integration that AWS does not have fails only when the machine is created, or run."""
    if site.is_a("Task") and site.state.get("Resource") not in INTEGRATIONS:
        yield f"{site.state.get('Resource')!r} is not a known integration; correct it, or add it to INTEGRATIONS"


def attempt_in_name(site: Site) -> Iterator[str]:
    """SageMaker never takes a job's name twice."""
    kind = re.search(r":sagemaker:create(\w+)\.sync$", str(site.state.get("Resource")))
    if kind and "Retry" in site.state:
        field = f"{kind[1]}Name"
        name = str(site.state.get("Parameters", {}).get(f"{field}.$"))
        # A look before it gave the name, and finds the job if its start was refused because the name is taken.
        looked_up = name == f"{site.state.get('ResultPath')}.name" and _errors(site, "Catch") > {"States.ALL"}
        if "$$.State.RetryCount" not in name and not looked_up:
            yield f"a second attempt would use {field} again; put $$.State.RetryCount into it"


def target(site: Site) -> Iterator[str]:
    """A state leads only to states of its own branch, or of the machine."""
    for name in targets(site.state):
        if name not in site.scope.states:
            yield f"leads to {name!r}, which {site.scope.name} does not have; name one of its states"


def way_on(site: Site) -> Iterator[str]:
    """A state has one way on or ends its scope; a Choice has a way for what it does not expect."""
    if site.is_a("Choice"):
        if "Default" not in site.state:
            yield "stops at a value that it does not expect; set Default"
    elif not site.is_a(*ENDS) and ("Next" in site.state) == bool(site.state.get("End")):
        yield "needs either Next or End; set one"


def reachable(site: Site) -> Iterator[str]:
    """A state that nothing leads to is a mistake in what should lead to it."""
    if site.scope.start in site.scope.states and site.name not in after(site.scope, site.scope.start):
        yield "nothing leads here; lead to it, or remove it"


def terminal(site: Site) -> Iterator[str]:
    """An execution that cannot end runs for a year."""
    around = [site.scope.states[name] for name in after(site.scope, site.name)]
    leads_astray = any(not targets(each) or set(targets(each)) - set(site.scope.states) for each in around)
    if not leads_astray and not any(is_end(each) for each in around):
        yield "no way leads from here to an end; lead to a Succeed, a Fail or a state with End"


def dynamic_key(site: Site) -> Iterator[str]:
    """Only below a key that ends in `.$` is a path or an intrinsic function evaluated."""
    for field in TEMPLATES:
        for key, value in leaves(field, site.state.get(field)):
            looks_dynamic = isinstance(value, str) and bool(_DYNAMIC.match(value))
            if looks_dynamic and not key.endswith(".$"):
                yield f"{key} takes {value!r} as text; write the key as {key + '.$'!r}"
            elif key.endswith(".$") and not looks_dynamic:
                yield f"{key} wants a path or an intrinsic function, not {value!r}; take '.$' off the key"


def glue_state(site: Site) -> Iterator[str]:
    """A stopped Glue run may count as done: AWS does not say, and emulators disagree."""
    if site.state.get("Resource") == "arn:aws:states:::glue:startJobRun.sync":
        looks = {"Variable": f"{site.state.get('ResultPath')}.JobRunState", "StringEquals": "SUCCEEDED"}
        following = site.scope.states.get(str(site.state.get("Next")), {})
        if not any(looks.items() <= choice.items() for choice in following.get("Choices", [])):
            yield f'a stopped run would go on; let a Choice follow that compares {looks["Variable"]} with "SUCCEEDED"'


RULES: tuple[Rule, ...] = (
    *(name_length, state_type, timeout, heartbeat, catch, catch_keeps_data, result_keeps_data),
    *(retry_jitter, retry_delay, retry_backoff, retry_attempts, retry_transient, error_name, catch_all_last),
    *(resource, attempt_in_name, target, way_on, reachable, terminal, dynamic_key, glue_state),
)


def _positive(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _errors(site: Site, field: str) -> set[str]:
    return {name for each in site.state.get(field, []) for name in each.get("ErrorEquals", [])}
