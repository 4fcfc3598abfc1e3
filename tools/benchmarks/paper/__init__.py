"""The figures of the KAN paper (arXiv:2404.19756) and of pykan's notebooks, reached again: `python -m tools.benchmarks.paper`."""
