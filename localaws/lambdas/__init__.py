"""Lambda functions, which run from their zip.

invoke        the HTTP interface of Invoke
functions     functions and their running invocations, within the reserved concurrency
invocation    one invocation, in its own process
environments  execution environments, which have imported a handler and fork for each invocation
queue         asynchronous invocations: retries, throttling, maximum age
destinations  destinations and dead-letter queues of asynchronous invocations
"""
