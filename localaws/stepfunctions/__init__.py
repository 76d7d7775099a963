"""Step Functions: executions of state machines in moto's interpreter.

machines          the operations on executions
jobs              Task states of Glue and SageMaker, with `.sync`
clients           the interpreter's AWS clients
execution_events  status changes, published to EventBridge
"""
