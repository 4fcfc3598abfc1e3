"""Fits of primitives to edges, and their ranking."""
