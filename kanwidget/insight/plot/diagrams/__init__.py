"""Drawings of what is no network and no curve."""
