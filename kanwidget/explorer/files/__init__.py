"""What can be taken out of a session as files, and read back."""
