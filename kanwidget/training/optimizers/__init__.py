"""The optimisers, one row each."""
