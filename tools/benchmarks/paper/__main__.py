"""`python -m tools.benchmarks.paper accuracy`: resumable, results under `tools/benchmarks/results/`."""

from __future__ import annotations

import argparse

import torch

from tools.benchmarks.paper import accuracy


def main() -> None:
    """Run what is left of it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["accuracy"])
    parser.add_argument("--quick", action="store_true", help="small grids, under ten minutes")
    parser.add_argument("--only", help="one row, by its name")
    parser.add_argument("--part", choices=["kan", "mlp", "peers"], help="one method")
    given = parser.parse_args()
    torch.set_num_threads(1)
    accuracy.run(quick=given.quick, only=given.only, part=given.part)


if __name__ == "__main__":
    main()
