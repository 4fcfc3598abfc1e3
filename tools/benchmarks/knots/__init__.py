"""The signature of a knot from the geometry of its complement: `python -m tools.benchmarks.knots`."""
