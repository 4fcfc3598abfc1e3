"""The figures of the KAN paper (arXiv:2404.19756), reached again: `python -m tools.benchmarks.paper accuracy`."""
