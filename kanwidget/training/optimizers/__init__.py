"""The optimizers, and their table."""
