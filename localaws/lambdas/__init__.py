"""Lambda: functions that really run from their zip, invoked directly or through the queue of events."""
