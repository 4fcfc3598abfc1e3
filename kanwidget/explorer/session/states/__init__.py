"""The states that a session has been in: which one was the best, and how good each is."""
