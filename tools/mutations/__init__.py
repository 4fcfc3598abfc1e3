"""Defects put into a copy of the tree, and whether a test sees them: `python -m tools.mutations`."""
