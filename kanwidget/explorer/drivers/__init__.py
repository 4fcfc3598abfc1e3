"""Who runs a session, and how messages from pages reach it."""
