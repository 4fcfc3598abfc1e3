"""What can be asked of a session: one class a command."""
