"""Rules for every compiled state machine that AWS's linters do not check.

cfn-lint and asl-validator accept a machine that retries when a script failed, waits for three years, or loses its
input in a Catch. Each rule here is one function; a finding names the rule, the state, what is wrong, and the fix. The
lists of names are independent of the compiler's: a check that shared them would repeat its mistakes.
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
        "lambda:invoke.waitForTaskToken",
        "glue:startJobRun.sync",
        "sagemaker:createHyperParameterTuningJob.sync",
        "sagemaker:createProcessingJob.sync",
        "sagemaker:createTrainingJob.sync",
        "sagemaker:createTransformJob.sync",
        "states:startExecution.sync:2",
    )
)
# The call that starts the work failed, so no work has run.
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
        *("StepFunctions.AWSStepFunctionsException", "StepFunctions.ExecutionLimitExceededException"),
    }
)
ERRORS = TRANSIENT | {
    *("States.ALL", "States.BranchFailed", "States.HeartbeatTimeout", "States.IntrinsicFailure"),
    *("States.NoChoiceMatched", "States.ParameterPathFailure", "States.Permissions", "States.ResultPathMatchFailure"),
    *("States.TaskFailed", "States.Timeout"),
    # The job's name is already in use; AWS's documentation and samples spell the error in both ways.
    *("SageMaker.ResourceInUse", "SageMaker.ResourceInUseException"),
    *("Glue.EntityNotFoundException", "Lambda.Unknown"),
}
TEMPLATES = ("Parameters", "ItemSelector", "ResultSelector")
TYPES = ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
_DYNAMIC = re.compile(r"\$($|\.|\[|\$\.)|States\.\w+\(")

Rule: TypeAlias = Callable[[Site], Iterator[str]]


def findings(machine: Mapping[str, Any]) -> list[str]:
    """Everything in `machine` that breaks a rule, in its order: `[rule] state 'name': what is wrong; the fix`."""
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
        yield f"[target] {scope.name}: StartAt {scope.start!r} is not one of its states; use one of them"


def _names_are_unique(sites: list[Site]) -> Iterator[str]:
    for name, times in Counter(site.name for site in sites).items():
        if times > 1:
            yield f"[unique-name] state {name!r}: {times} states have this name; rename all but one"


def name_length(site: Site) -> Iterator[str]:
    """A state's name has at most 80 characters."""
    if len(site.name) > 80:
        yield f"its name has {len(site.name)} characters; shorten it to 80"


def state_type(site: Site) -> Iterator[str]:
    """Only the types that these rules cover are allowed."""
    if not site.is_a(*TYPES):
        yield f"the type {site.state.get('Type')!r} is not supported; use one of {', '.join(TYPES)}"


def timeout(site: Site) -> Iterator[str]:
    """Every Task has a timeout; the default is 99,999,999 seconds, about three years."""
    if site.is_a("Task") and not _positive(site.state.get("TimeoutSeconds")):
        yield "has no timeout and could wait for three years; set TimeoutSeconds (the task's execution_timeout)"


def heartbeat(site: Site) -> Iterator[str]:
    """A heartbeat is shorter than the timeout, or it has no effect."""
    beat, limit = site.state.get("HeartbeatSeconds"), site.state.get("TimeoutSeconds")
    if beat is not None and limit is not None and beat >= limit:
        yield f"HeartbeatSeconds {beat} is not below TimeoutSeconds {limit}; make it shorter"


def map_concurrency(site: Site) -> Iterator[str]:
    """Every Map has a bound; the default of 0 runs as many items at a time as Step Functions can."""
    if site.is_a("Map") and not _positive(site.state.get("MaxConcurrency")):
        yield "runs any number of items at a time; set MaxConcurrency (the task's max_active_tis_per_dagrun)"


def catch(site: Site) -> Iterator[str]:
    """Every error leads to a state."""
    if site.is_a("Task", "Map", "Parallel") and not _errors(site, "Catch") & {"States.ALL"}:
        yield 'does not catch every error; add a Catch of "States.ALL"'


def catch_keeps_data(site: Site) -> Iterator[str]:
    """A Catch has a ResultPath; without one the error replaces the input."""
    for catcher in site.state.get("Catch", []):
        if not str(catcher.get("ResultPath")).startswith("$."):
            yield 'its Catch replaces the input; set the ResultPath of the Catch to "$.error"'


def result_keeps_data(site: Site) -> Iterator[str]:
    """A result has a ResultPath; without one it replaces the input."""
    kept = site.state.get("ResultPath", "$")  # null drops the result
    if site.is_a("Task", "Map", "Parallel") and kept is not None and not str(kept).startswith(("$.", "$['")):
        yield "its result replaces the input; set ResultPath to a member of the input, such as $.task"


def retry_jitter(site: Site) -> Iterator[str]:
    """Retries have jitter: branches that were throttled together must not retry together."""
    for retrier in site.state.get("Retry", []):
        if retrier.get("JitterStrategy") != "FULL":
            yield f'JitterStrategy is {retrier.get("JitterStrategy")!r}; set it to "FULL"'


def retry_delay(site: Site) -> Iterator[str]:
    """MaxDelaySeconds is greater than IntervalSeconds, as Step Functions requires."""
    for retrier in site.state.get("Retry", []):
        pause, longest = retrier.get("IntervalSeconds", 1), retrier.get("MaxDelaySeconds", 0)
        if longest <= pause:
            yield f"MaxDelaySeconds {longest} is not greater than IntervalSeconds {pause}; raise it"


def retry_backoff(site: Site) -> Iterator[str]:
    """The pauses between retries do not get shorter."""
    for retrier in site.state.get("Retry", []):
        if retrier.get("BackoffRate", 2.0) < 1:
            yield f"BackoffRate {retrier['BackoffRate']} shortens each pause; use 1.0 or more"


def retry_attempts(site: Site) -> Iterator[str]:
    """A Retry has at least one attempt."""
    for retrier in site.state.get("Retry", []):
        if not _positive(retrier.get("MaxAttempts")):
            yield f"MaxAttempts is {retrier.get('MaxAttempts')!r}; set 1 or more, or remove the Retry"


def retry_transient(site: Site) -> Iterator[str]:
    """Only the start of work is retried; States.TaskFailed and States.ALL would also match work that ran and failed."""
    for name in sorted(_errors(site, "Retry") & ERRORS - TRANSIENT):
        yield f"retries on {name}, which can follow work that ran; retry only on errors of the call that starts it"


def error_name(site: Site) -> Iterator[str]:
    """Every error name is a known one; a misspelt name would silently match nothing."""
    for name in sorted((_errors(site, "Retry") | _errors(site, "Catch")) - ERRORS):
        yield f"{name} is not a known error; correct it, or add it to ERRORS with its source"


def catch_all_last(site: Site) -> Iterator[str]:
    """States.ALL is alone in its ErrorEquals and in the last entry, as Step Functions requires."""
    for field in ("Retry", "Catch"):
        lists = [each.get("ErrorEquals", []) for each in site.state.get(field, [])]
        if any("States.ALL" in names and (len(names) > 1 or names is not lists[-1]) for names in lists):
            yield f"States.ALL is not alone in the last entry of {field}; give it an entry of its own at the end"


def resource(site: Site) -> Iterator[str]:
    """Every integration is a known one; others fail only when the machine is created or run."""
    if site.is_a("Task") and site.state.get("Resource") not in INTEGRATIONS:
        yield f"{site.state.get('Resource')!r} is not a known integration; correct it, or add it to INTEGRATIONS"


def attempt_in_name(site: Site) -> Iterator[str]:
    """Each attempt has a new job name; SageMaker does not accept a name twice."""
    kind = re.search(r":sagemaker:create(\w+)\.sync$", str(site.state.get("Resource")))
    if kind and "Retry" in site.state:
        field = f"{kind[1]}Name"
        name = str(site.state.get("Parameters", {}).get(f"{field}.$"))
        # The name comes from a look for the job, which finds the job if the start fails because the name is in use.
        looked_up = name == f"{site.state.get('ResultPath')}.name" and _errors(site, "Catch") > {"States.ALL"}
        if "$$.State.RetryCount" not in name and not looked_up:
            yield f"a retry would use the same {field}; put $$.State.RetryCount into it"


def target(site: Site) -> Iterator[str]:
    """A state leads only to states of its own scope: the machine or one branch."""
    for name in targets(site.state):
        if name not in site.scope.states:
            yield f"leads to {name!r}, which is not a state of {site.scope.name}; use one of its states"


def way_on(site: Site) -> Iterator[str]:
    """A state has either Next or End, and a Choice has a Default."""
    if site.is_a("Choice"):
        if "Default" not in site.state:
            yield "fails on a value that no rule matches; set Default"
    elif not site.is_a(*ENDS) and ("Next" in site.state) == bool(site.state.get("End")):
        yield "needs either Next or End; set one"


def reachable(site: Site) -> Iterator[str]:
    """Every state can be reached from the start of its scope."""
    if site.scope.start in site.scope.states and site.name not in after(site.scope, site.scope.start):
        yield "no state leads here; add a transition to it, or remove it"


def terminal(site: Site) -> Iterator[str]:
    """The end of the scope can be reached from every state; an execution that cannot end runs for a year."""
    around = [site.scope.states[name] for name in after(site.scope, site.name)]
    leads_astray = any(not targets(each) or set(targets(each)) - set(site.scope.states) for each in around)
    if not leads_astray and not any(is_end(each) for each in around):
        yield "cannot reach an end; add a transition to a Succeed, a Fail or a state with End"


def dynamic_key(site: Site) -> Iterator[str]:
    """A path or an intrinsic function is the value of a key that ends in `.$`, and only such a key has one."""
    for field in TEMPLATES:
        for key, value in leaves(field, site.state.get(field)):
            looks_dynamic = isinstance(value, str) and bool(_DYNAMIC.match(value))
            if looks_dynamic and not key.endswith(".$"):
                yield f"{key} passes {value!r} as text; rename the key to {key + '.$'!r}"
            elif key.endswith(".$") and not looks_dynamic:
                yield f"{key} needs a path or an intrinsic function, not {value!r}; remove '.$' from the key"


def glue_state(site: Site) -> Iterator[str]:
    """A Choice checks the final state of a Glue run; AWS does not document if `.sync` fails for a stopped run."""
    if site.state.get("Resource") == "arn:aws:states:::glue:startJobRun.sync":
        succeeded = {"Variable": f"{site.state.get('ResultPath')}.JobRunState", "StringEquals": "SUCCEEDED"}
        following = site.scope.states.get(str(site.state.get("Next")), {})
        if not any(succeeded.items() <= choice.items() for choice in following.get("Choices", [])):
            yield f'ignores a stopped run; add a Choice after it that compares {succeeded["Variable"]} with "SUCCEEDED"'


RULES: tuple[Rule, ...] = (
    *(name_length, state_type, timeout, heartbeat, map_concurrency, catch, catch_keeps_data, result_keeps_data),
    *(retry_jitter, retry_delay, retry_backoff, retry_attempts, retry_transient, error_name, catch_all_last),
    *(resource, attempt_in_name, target, way_on, reachable, terminal, dynamic_key, glue_state),
)


def _positive(value: object) -> bool:
    return isinstance(value, int) and value > 0


def _errors(site: Site, field: str) -> set[str]:
    return {name for each in site.state.get(field, []) for name in each.get("ErrorEquals", [])}
