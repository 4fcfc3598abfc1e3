"""Scans: atoms by the thousand, and the ones that explain a function of the target."""
