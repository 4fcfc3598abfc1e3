"""pykan's notebooks beside pykan 0.2.8, with only the import changed: `python -m tools.benchmarks.migration FOLDER`.

    python -m tools.benchmarks.migration FOLDER                # run what the results lack, and print the table
    python -m tools.benchmarks.migration FOLDER --only hello   # notebooks whose name begins so
    python -m tools.benchmarks.migration FOLDER --draws 5      # run each five times, with other random numbers each time
    python -m tools.benchmarks.migration --show                # print what there is

FOLDER holds the notebooks, which aren't part of this repository: github.com/KindXiaoming/pykan has them as `hellokan.ipynb` and in
`tutorials/`. Each runs in a process of its own, in an empty folder with the `.csv` files of FOLDER, on one thread, with the steps that
stand in it: with pykan, and with every `from kan` read as `from kanwidget.pykan`. Statements run one by one; one that fails is counted,
and the next ones run. Seconds are of the processor, with imports. Global random states begin at 0, so that both programs get the same
rows; in later draws they, and the `seed` of every network, are larger by one each time. Needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import inspect
import io
import itertools
import json
import math
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "migration.json"
PROGRAMS = ("kanwidget", "pykan")
LIMIT = 3000
#: Cells for what isn't installed here: a graphics card, and a package that makes films.
_NOT_HERE = re.compile(r"device = 'cuda'|moviepy")


def cells_of(notebook: Path) -> list[str]:
    """The code of a notebook, cell by cell, without magics and without cells for what isn't here."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    plain = ["\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in s.split("\n")) for s in sources]
    here: list[str] = []
    for source in plain:
        if _NOT_HERE.search(source):
            break  # later cells need what it makes
        here.append(source)
    return here


def with_our_import(source: str) -> str:
    """A cell with the import changed, and nothing else.

    Examples:
        >>> with_our_import("from kan.utils import ex_round")
        'from kanwidget.pykan.utils import ex_round'
    """
    return re.sub(r"^(\s*)(from|import) kan(?=[.\s])", r"\1\2 kanwidget.pykan", source, flags=re.MULTILINE)


# ---- one notebook, in a process of its own


def run_here(notebook: str, program: str, draw: int = 0) -> dict[str, Any]:
    """Run all statements of a notebook, and note failures, the last losses, and the last formula."""
    import numpy as np
    import torch

    torch.set_num_threads(1)
    for begin in (random.seed, np.random.seed, torch.manual_seed):
        begin(draw)
    warnings.simplefilter("ignore")
    cells = cells_of(Path(notebook))
    if program == "kanwidget":
        cells = [with_our_import(cell) for cell in cells]
    space: dict[str, Any] = {"__name__": "__main__"}
    found: dict[str, Any] = {"statements": 0, "failures": [], "losses": [], "formulas": []}
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _watch(program, draw, found["losses"])
        for number, cell in enumerate(cells):
            for statement in ast.parse(cell).body:
                found["statements"] += 1
                try:
                    value = _run(statement, space)
                    if hasattr(value, "free_symbols"):
                        found["formulas"].append(str(value)[:200])
                except Exception as error:
                    text = (
                        f"cell {number + 1}: {ast.unparse(statement)[:80]}: {type(error).__name__}: {str(error)[:160]}"
                    )
                    found["failures"].append(text)
            sys.modules["matplotlib.pyplot"].close("all")
    return found | {"seconds": round(time.process_time(), 1)}


def _run(statement: ast.stmt, space: dict[str, Any]) -> Any:
    """Run one statement; the value of an expression."""
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), "cell", "eval"), space)
    exec(compile(ast.Module([statement], []), "cell", "exec"), space)
    return None


def _watch(program: str, draw: int, losses: list[list[float | None]]) -> None:
    """Note the last losses on training and test rows, and the last objective, of every fit; networks of later draws begin elsewhere."""
    import matplotlib.pyplot  # noqa: F401 - closed after each cell

    if program == "pykan":
        from kan.MLP import MLP
        from kan.MultKAN import MultKAN
    else:
        from kanwidget.pykan.MLP import MLP
        from kanwidget.pykan.MultKAN import MultKAN
    for cls in (MultKAN, MLP):
        cls.fit = _watched(cls.fit, losses)
        if draw:
            cls.__init__ = _drawn(cls.__init__, draw)  # type: ignore[method-assign]


def _drawn(begin: Any, draw: int) -> Any:
    usual = inspect.signature(begin).parameters["seed"].default

    def drawn(*args: Any, **options: Any) -> None:
        begin(*args, **options | {"seed": options.get("seed", usual) + draw})

    return drawn


def _watched(fit: Any, losses: list[list[float | None]]) -> Any:
    def watched(*args: Any, **options: Any) -> Any:
        results = fit(*args, **options)
        # pykan reports the root of every loss; ours the root of squared errors alone.
        own = options.get("loss_fn") is not None and "kanwidget" in fit.__module__
        last = [float(results[name][-1]) ** (0.5 if own else 1) for name in ("train_loss", "test_loss")]
        losses.append([*last, last[0] ** 2 + options.get("lamb", 0.0) * float(results["reg"][-1])])
        return results

    return watched


# ---- all of them


def run(notebook: Path, program: str, folder: Path, draw: int) -> dict[str, Any]:
    """Run a notebook in another process."""
    with tempfile.TemporaryDirectory() as empty:
        for table in folder.glob("*.csv"):
            shutil.copy(table, empty)
        task = [program, str(notebook.resolve()), str(draw)]
        command = [sys.executable, "-m", "tools.benchmarks.migration", "--here", *task]
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"PYTHONPATH": path, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, cwd=empty, env=environment, capture_output=True, text=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            return {
                "statements": 0,
                "failures": [f"not done in {LIMIT} s"],
                "losses": [],
                "formulas": [],
                "seconds": LIMIT,
            }
    if done.returncode:
        return {"statements": 0, "failures": [done.stderr[-300:]], "losses": [], "formulas": [], "seconds": 0}
    return json.loads(done.stdout.strip().splitlines()[-1])


def _key(name: str, draw: int) -> str:
    """A notebook's key among the results; later draws have their number behind `#`."""
    return f"{name}#{draw}" if draw else name


def show(results: dict[str, dict[str, Any]]) -> None:
    """The table of the first draws, and the sums under it; medians where there are more draws."""
    first = {key: row for key, row in results.items() if "#" not in key}
    _show_first(first)
    _show_medians(results, sorted({key.split("#")[0] for key in results if "#" in key}))


def _show_medians(results: dict[str, dict[str, Any]], names: list[str]) -> None:
    if names:
        print(
            f"\n{'medians':38} {'program':10} {'draws':>6} {'seconds':>8} {'last loss':>10} {'test':>10} {'objective':>10}"
        )
    for name, program in itertools.product(names, PROGRAMS):
        keys = [key for key in results if key.split("#")[0] == name]
        rows = [results[key][program] for key in keys if program in results[key] and results[key][program]["losses"]]
        if rows:
            seconds = statistics.median(row["seconds"] for row in rows)
            last = [statistics.median(places) for places in zip(*(row["losses"][-1] for row in rows), strict=True)]
            print(
                f"{name:38} {program:10} {len(rows):6} {seconds:8.1f} {last[0]:10.2e} {last[1]:10.2e} {last[2]:10.2e}"
            )


def _show_first(results: dict[str, dict[str, Any]]) -> None:
    print(
        f"{'notebook':38} {'program':10} {'failed':>6} {'seconds':>8} {'last loss':>10} {'test':>10} {'objective':>10}  last formula"
    )
    for name in sorted(results):
        for program in PROGRAMS:
            if (row := results[name].get(program)) is None:
                continue
            last = row["losses"][-1] if row["losses"] else [float("nan")] * 3
            formula = row["formulas"][-1] if row["formulas"] else ""
            failed = f"{len(row['failures'])}/{row['statements']}"
            print(
                f"{name:38} {program:10} {failed:>6} {row['seconds']:8.1f} {last[0]:10.2e} {last[1]:10.2e} {last[2]:10.2e}  {formula[:60]}"
            )
            for failure in row["failures"][:2]:
                print(f"{'':38} {'':10} {failure}")
    both = [row for row in results.values() if all(program in row for program in PROGRAMS)]
    through = {program: sum(not row[program]["failures"] for row in both) for program in PROGRAMS}
    seconds = {program: sum(row[program]["seconds"] for row in both) for program in PROGRAMS}
    print(f"\n{len(both)} notebooks: {through['kanwidget']} run through with kanwidget, {through['pykan']} with pykan.")
    print(f"Seconds of the processor: {seconds['kanwidget']:.0f} and {seconds['pykan']:.0f}.")
    fitted = [row for row in both if all(row[program]["losses"] for program in PROGRAMS)]
    ends = [[row[program]["losses"][-1] for program in PROGRAMS] for row in fitted]
    for place, name in enumerate(("training loss", "test loss", "objective: squared loss + lamb·R")):
        pairs = [(ours[place], theirs[place]) for ours, theirs in ends]
        finite = [(ours, theirs) for ours, theirs in pairs if math.isfinite(ours) and math.isfinite(theirs)]
        smaller = sum(ours <= theirs for ours, theirs in finite)
        diverged = sum(math.isfinite(ours) and not math.isfinite(theirs) for ours, theirs in pairs)
        print(
            f"Last {name}, of {len(finite)} notebooks: ours isn't larger in {smaller}; {diverged} where pykan's is no number."
        )


def main() -> None:
    """Run what is missing, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="notebooks whose name begins so")
    parser.add_argument("--program", nargs="+", choices=PROGRAMS, default=list(PROGRAMS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--anew", action="store_true", help="run also what has a result")
    parser.add_argument("--show", action="store_true", help="print what there is, run nothing")
    parser.add_argument(
        "--here", nargs=3, metavar=("PROGRAM", "NOTEBOOK", "DRAW"), help="run one notebook in this process"
    )
    parser.add_argument("--draws", type=int, default=1, help="how often each runs, with other random numbers")
    options = parser.parse_args()
    if options.here:
        program, name, draw = options.here
        print(json.dumps(run_here(name, program, int(draw))))
        return
    results = json.loads(options.results.read_text()) if options.results.exists() else {}
    if not options.show:
        if options.folder is None:
            parser.error("FOLDER, with pykan's notebooks, is missing")
        wanted = [path for path in sorted(options.folder.rglob("*.ipynb")) if path.stem.startswith(tuple(options.only))]
        for notebook, draw, program in itertools.product(wanted, range(options.draws), options.program):
            row = results.setdefault(_key(notebook.stem, draw), {})
            if options.anew or program not in row:
                done = row[program] = run(notebook, program, options.folder, draw)
                options.results.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
                print(f"{_key(notebook.stem, draw)} {program}: {done['seconds']} s, {len(done['failures'])} failures")
    show(results)


if __name__ == "__main__":
    main()
