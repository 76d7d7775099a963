"""The resource types that local AWS has, by the name that templates use."""

from localaws.cloudformation.kinds import catalog, functions, identity, jobs, machines, messages, monitoring, storage
from localaws.cloudformation.resources import Kind

KINDS: dict[str, Kind] = {
    **storage.KINDS,
    **messages.KINDS,
    **catalog.KINDS,
    **identity.KINDS,
    **jobs.KINDS,
    **functions.KINDS,
    **machines.KINDS,
    **monitoring.KINDS,
}
