"""Expressions rewritten without data: one writing for a formula, products multiplied out, simpler functions."""
