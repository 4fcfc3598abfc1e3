"""A session as records of the protocol: functions that change nothing."""
