"""EventBridge: rules, schedules and targets that really deliver."""
