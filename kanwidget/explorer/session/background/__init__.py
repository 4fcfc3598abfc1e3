"""Searches that run while nothing else does: the preview of what would be replaced, and errors after a swap."""
