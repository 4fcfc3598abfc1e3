"""Panels that the kernel fills: one row each."""
