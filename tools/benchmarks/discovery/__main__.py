"""Discovery of laws from tables, and what other programs find on the same rows: `python -m tools.benchmarks.discovery`.

    python -m tools.benchmarks.discovery                          # run what the results of kanwidget lack, and print the tables
    python -m tools.benchmarks.discovery --show                   # print what there is, of all competitors
    python -m tools.benchmarks.discovery --only nguyen            # one suite, or several
    python -m tools.benchmarks.discovery --cases Nguyen-5         # cases by name
    python -m tools.benchmarks.discovery --competitor pyoperon    # or several
    python -m tools.benchmarks.discovery --noise 0.01 --dummies 3
    python -m tools.benchmarks.discovery --units                  # say the units of the columns
    python -m tools.benchmarks.discovery --quick                  # some cases of each suite, ten minutes, kept nowhere
    python -m tools.benchmarks.discovery --judge                  # judge the answers there are anew
    python -m tools.benchmarks.discovery --results FOLDER         # keep answers elsewhere, while an engine changes

A case has 1,000 rows to train on and 1,000 to test on. Each competitor has one thread and 60 seconds of the processor, so that other
work on the machine costs it nothing. Answers are kept as they come: a run that is broken off goes on where it was. The suite `unseen` is
for the end: it runs, and is shown, with `--final` only.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from tools.benchmarks.discovery.competitors.table import COMPETITORS, version_of
from tools.benchmarks.discovery.running import run
from tools.benchmarks.discovery.store import FOLDER, Row, Store, Task
from tools.benchmarks.discovery.suites import SUITES, cases
from tools.benchmarks.discovery.tables import failures, table, times, versions

_UNSEEN = "unseen"
#: Seconds of a case in a quick run, and the cases of each suite.
_QUICK_SECONDS, _QUICK_CASES = 10.0, 10


def tasks(options: argparse.Namespace) -> list[Task]:
    """All tasks that the options ask for, in the order of the suites."""
    conditions = (options.noise, options.dummies, options.seconds, options.seed, options.units)
    return [
        Task(competitor, suite, name, *conditions)
        for suite in options.only
        for name in _names(suite, options)
        for competitor in options.competitor
    ]


def _names(suite: str, options: argparse.Namespace) -> list[str]:
    names = [case.name for case in cases(suite)]
    if options.cases:
        return [name for name in names if name in options.cases]
    return names[:: -(-len(names) // _QUICK_CASES)] if options.quick else names


def missing(wanted: Sequence[Task], store: Store, *, anew: bool, judge: bool) -> list[Row]:
    """Rows to run: of tasks without an answer, or to judge: of those that have one."""
    stored = {task: row for name in COMPETITORS for task, row in store.rows(name).items()}
    if judge:
        return [replace(stored[task], exact=None, form=None, first=None) for task in wanted if task in stored]
    asked = [task for task in wanted if anew or task not in stored]
    versions = {name: version_of(name) for name in {task.competitor for task in asked}}
    return [Row(task, version=versions[task.competitor]) for task in asked]


def work(rows: Sequence[Row], store: Store, workers: int) -> None:
    """Run and judge, and keep the rows."""
    bar = tqdm(run(rows, workers), total=len(rows), unit="case", disable=not rows)
    for row in bar:
        store.put(row)
        bar.set_description(
            f"{row.task.competitor} {row.task.case}: {'exact' if row.exact else 'form' if row.form else 'no'}"
        )


def report(wanted: Sequence[Task], store: Store) -> Iterator[str]:
    """Tables of the rows that there are of these suites and competitors, whatever their conditions, in the wanted cases."""
    chosen = {(task.competitor, task.suite, task.case) for task in wanted}
    names = sorted({task.competitor for task in wanted})
    rows = [row for name in names for row in store.rows(name).values() if row.task[:3] in chosen]
    yield from table(rows)
    yield from failures(rows)
    yield from times(rows)
    yield from versions(rows)


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    suites = [suite for suite in SUITES if suite != _UNSEEN]
    made.add_argument(
        "--only", nargs="+", choices=SUITES, default=suites, metavar="SUITE", help=f"of {', '.join(SUITES)}"
    )
    made.add_argument("--cases", nargs="+", metavar="NAME", help="cases by name")
    made.add_argument("--competitor", nargs="+", choices=COMPETITORS, help=f"of {', '.join(COMPETITORS)}")
    made.add_argument("--noise", type=float, default=0.0, help="on training labels, as a part of their spread")
    made.add_argument("--dummies", type=int, default=0, help="columns without effect")
    made.add_argument("--units", action="store_true", help="say the units of the columns")
    made.add_argument("--seconds", type=float, help="of the processor, for a case; 60 by default")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--workers", type=int, default=1, help="processes at once")
    made.add_argument("--results", type=Path, default=FOLDER, metavar="FOLDER", help="where answers are kept")
    made.add_argument("--quick", action="store_true", help="some cases of each suite with fewer seconds, kept nowhere")
    made.add_argument("--show", action="store_true", help="print what there is, run nothing")
    made.add_argument("--judge", action="store_true", help="judge the answers there are anew, run nothing")
    made.add_argument("--anew", action="store_true", help="run also what has an answer")
    made.add_argument("--final", action="store_true", help="let the suite of unseen laws run and be shown")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the results lack, and print the tables."""
    made = parser()
    options = made.parse_args(arguments)
    if _UNSEEN in options.only and not options.final:
        made.error("the laws of 'unseen' are for the end, when nothing is changed any more: give --final")
    if options.show and options.quick:
        made.error("quick results aren't kept: there are none to show")
    options.competitor = options.competitor or (list(COMPETITORS) if options.show else ["kanwidget"])
    options.seconds = options.seconds or (_QUICK_SECONDS if options.quick else 60.0)
    with tempfile.TemporaryDirectory() as folder:
        store, wanted = Store(Path(folder) if options.quick else options.results), tasks(options)
        if not options.show:
            work(missing(wanted, store, anew=options.anew, judge=options.judge), store, options.workers)
        print("\n".join(report(wanted, store)))


if __name__ == "__main__":
    main()
