"""Published figures of the KAN paper (arXiv:2404.19756) and of pykan's notebooks, ours beside them: `python -m tools.benchmarks.paper`.

    python -m tools.benchmarks.paper                   # run what the results lack, and print the table
    python -m tools.benchmarks.paper --show            # print what there is
    python -m tools.benchmarks.paper --only feynman    # one part, or several
    python -m tools.benchmarks.paper --quick           # small versions of all parts, in less than ten minutes, kept nowhere

Results are in `tools/benchmarks/results/` as they come: a run that is broken off goes on where it was, and two may run side by side. To
measure something anew, take it out of the results. Formulas are made by `python -m tools.benchmarks.formulas` and
`python -m tools.benchmarks.physics`, and only shown here. Perceptrons and other optimizers on the same data:
`python -m tools.benchmarks.paper.accuracy`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace

import torch
from tqdm import tqdm

from tools.benchmarks.paper.parts import PARTS
from tools.benchmarks.paper.store import Store
from tools.benchmarks.paper.table import table


def stores(quick: bool) -> dict[str, Store]:
    """Name of results → where they are; those of quick runs end with the run."""
    return {part.results: Store(None if quick else part.results) for part in PARTS.values()}


def run(names: Sequence[str], results: dict[str, Store], *, quick: bool) -> None:
    """All jobs without a result."""
    jobs = [
        (name, results[PARTS[name].results], key, work)
        for name in names
        for key, work in PARTS[name].jobs(quick)
        if key not in results[PARTS[name].results].jobs()
    ]
    bar = tqdm(jobs, unit="job", disable=not jobs)
    for name, store, key, work in bar:
        bar.set_description(f"{name} {key}")
        store.once(key, work)


def report(names: Sequence[str], results: dict[str, Store], *, quick: bool) -> str:
    """The table of some parts. Notes are those of whole runs: quick ones have none."""
    lines = [line for name in names for line in PARTS[name].lines(name, results[PARTS[name].results].jobs())]
    if quick:
        lines = [replace(line, note="") for line in lines]
    return "\n".join(table(lines))


def main() -> None:
    """Run what the results lack, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument(
        "--quick", action="store_true", help="small versions with larger errors, one seed, kept nowhere"
    )
    parser.add_argument("--show", action="store_true", help="print the results there are, run nothing")
    options = parser.parse_args()
    if options.show and options.quick:
        parser.error("quick results aren't kept: there are none to show")
    torch.set_num_threads(1)
    names, results = options.only or list(PARTS), stores(options.quick)
    if not options.show:
        run(names, results, quick=options.quick)
    print(report(names, results, quick=options.quick))


if __name__ == "__main__":
    main()
