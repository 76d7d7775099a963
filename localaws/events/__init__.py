"""EventBridge, which delivers events to their targets.

bus        events of AWS services, and the rules that they match
pattern    event patterns
schedules  rules with a rate
targets    delivery to a target or its dead-letter queue
input      the input of a target: InputPath, InputTransformer
messages   messages to SQS queues and SNS topics
"""
