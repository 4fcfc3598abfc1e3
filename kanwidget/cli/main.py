"""The commands. Results go to standard output, progress and problems to standard error.

Exit codes: 0 done, 1 a problem with the data or while running, 2 a command that could not be understood, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import io
import math
import os
import re
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.cli import formulas, steps

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery
    from kanwidget.kan import KAN

#: Problems that a person can solve: printed in one line. All others are faults of this package and keep their traceback.
_EXPECTED = (ValueError, TypeError, OSError, ImportError, ArithmeticError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The arguments, without the program's name; those of the process by default.

    Returns:
        0 where all went well, 1 for a problem with the data or while running, 130 after Ctrl-C.

    Raises:
        SystemExit: With code 2 for arguments that make no command, with 0 after `--help` and `--version`.

    Examples:
        >>> main(["fit", "there-is-none.csv", "--target", "y"])
        1
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # In a pipe lines and progress keep their order, and a terminal without ± or ² shows a question mark.
            stream.reconfigure(line_buffering=True, errors="replace")
    arguments = parser().parse_args(argv)
    try:
        return {"demo": _demo, "discover": _discover, "fit": _fit, "lab": _lab}[arguments.name](arguments) or 0
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except _EXPECTED as problem:
        _say(f"{arguments.name}: {_one_line(problem)}")
        return 1


def _demo(arguments: argparse.Namespace) -> None:
    """From real data to a formula and a page, in a few seconds."""
    from kanwidget.datasets import load_planets

    steps.check_folder(arguments.out)
    data = load_planets(eccentricity=True)
    print("Data:     orbits of 13 planets and dwarf planets: semi-major axis (AU), eccentricity and period (years).")
    print("Question: what sets the period?")
    model, recorder = steps.train(data, [2, 1], 3, steps=50, lamb=1e-3, seed=arguments.seed, records=True)
    model, _ = steps.find_formula(model, data, recorder)
    steps.write_report(model, data, arguments.out, recorder)
    print("""
That is Kepler's third law. Go on by hand, in a notebook (make lab, or pip install "kanwidget[lab]" and kanwidget lab):
    from kanwidget import KAN, KANExplorer, load_planets
    KANExplorer(KAN([2, 1]), load_planets(eccentricity=True))
or with a table of your own:
    kanwidget discover table.csv --target column --out report.html""")


def _fit(arguments: argparse.Namespace) -> None:
    """Train on a table; on request find the formula, write a report and save the model."""
    from kanwidget.datasets.dataset import with_test_rows

    if arguments.export:
        from kanwidget.export import suffix_of

        suffix_of(arguments.export, "fit")
    data = with_test_rows(_table(arguments), arguments.test_fraction, arguments.seed, "fit")
    print(f"Data:     {arguments.data.name}, {data!r}")
    if arguments.test_fraction is None and data.test_input is None:
        print("          too few rows to keep some for a test")
    steps.check_rows(data)
    _print_notices(data)
    width, ends = arguments.width, (data.n_features, data.n_outputs)
    if width and (width[0], width[-1]) != ends:
        raise ValueError(
            f"--width must begin with {ends[0]}, the inputs, and end with {ends[1]}, the outputs; got {','.join(map(str, width))}. "
            f"Use --width {ends[0]},5,{ends[1]}, or leave it out."
        )
    options: dict[str, Any] = {"steps": arguments.steps, "lamb": arguments.lamb, "seed": arguments.seed}
    model, recorder = steps.train(data, width, arguments.grid, records=arguments.out is not None, **options)
    interrupted = False
    if arguments.symbolic:
        model, interrupted = steps.find_formula(model, data, recorder)
    _write(model, data, arguments, recorder)
    if interrupted:
        raise KeyboardInterrupt


def _table(arguments: argparse.Namespace) -> Dataset:
    """The table of a command, read once it is clear that there are folders for its files."""
    from kanwidget.datasets import read_table

    for path in (arguments.out, arguments.save, *(getattr(arguments, name, None) for name in ("code", "export"))):
        steps.check_folder(path)
    return read_table(arguments.data, arguments.target, arguments.inputs, test_fraction=0)


def _print_notices(data: Dataset) -> None:
    """Print what is worth saying about a table before a training, a line each."""
    from kanwidget.datasets.notices import data_notices

    for notice in data_notices(data):
        print(f"Notice:   {notice.sentence}")


def _write(
    model: KAN, data: Dataset, arguments: argparse.Namespace, recorder: Any = None, discovery: Discovery | None = None
) -> None:
    """Write the files that the command line asks for, and print a line for each.

    Args:
        model: The network.
        data: The table.
        arguments: With the paths `out`, `save` and, of `fit`, `export`; None for no file.
        recorder: Of the training, for the film of the report; None for none.
        discovery: The search whose formulas the report shows; None without a search.
    """
    if arguments.out:
        steps.write_report(model, data, arguments.out, recorder, discovery)
    if arguments.save:
        model.save(arguments.save)
        print(f"Model:    {arguments.save}; kanwidget.KAN.load({str(arguments.save)!r}) reads it")
    if getattr(arguments, "export", None):
        model.export(arguments.export)
        print(f"Network:  {arguments.export}")


def _discover(arguments: argparse.Namespace) -> None:
    """Search for formulas of a table; after Ctrl-C those so far are printed."""
    from kanwidget.discovery import discover

    data = _table(arguments)
    print(f"Data:     {arguments.data.name}, {data!r}")
    _print_notices(data)
    options = {name: getattr(arguments, name) for name in ("seconds", "seed", "lib", "loss", "units")}
    discovery = discover(data, **options, progress=False, callbacks=[formulas.step_printer()])
    if not discovery.front:  # nothing to print: an end as by Ctrl-C
        raise KeyboardInterrupt
    print("\n".join([*formulas.front_lines(discovery), *formulas.found_lines(discovery)]))
    _write(discovery.best.network, data, arguments, discovery=discovery)
    if arguments.code:
        from kanwidget.symbolic.writing.languages import SUFFIXES

        arguments.code.write_text(discovery.best.code(SUFFIXES[arguments.code.suffix]), encoding="utf-8")
        print(f"Code:     {arguments.code}")
    if discovery.stop_reason == "interrupted":
        raise KeyboardInterrupt  # for `main`, which gives its exit code


def _lab(arguments: argparse.Namespace) -> int:
    """Run JupyterLab in the folder of notebooks until it ends; its exit code is the result."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError('JupyterLab is not installed: pip install "kanwidget[lab]"')
    folder = arguments.folder or (Path("notebooks") if Path("notebooks").is_dir() else Path())
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}. Give the folder that holds the notebooks.")
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the user is root, and Jupyter would refuse to start
    return subprocess.call(command)


def _say(message: str) -> None:
    """Print a message on standard error, behind the name of the program."""
    print(f"kanwidget: {message}", file=sys.stderr)


def _one_line(problem: BaseException) -> str:
    """The message of an error on one line, in which arguments of Python functions have the names of the command line's options."""
    text = re.sub(r"the `(target|inputs)` argument of read_\w+", r"--\1", str(problem))
    text = re.sub(r"\binputs=\[(.+?)\]", lambda names: f"--inputs {','.join(literal_eval(names[1] + ','))}", text)
    text = re.sub(r"the `units(?:\[(.+?)\])?` argument of discover", r"--units \1", text)
    return " ".join(text.split()) or type(problem).__name__


# ---- the grammar of the command line


def parser() -> argparse.ArgumentParser:
    """Commands and options; `name` holds the command that was given."""
    from kanwidget import __version__

    purpose = "Train a Kolmogorov-Arnold network and find the formula behind the data."
    whole = argparse.ArgumentParser(prog="kanwidget", description=purpose)
    whole.add_argument("--version", action="version", version=f"kanwidget {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="demo | discover | fit | lab", dest="name", required=True)

    add = commands.add_parser("demo", help="train on bundled real data and find its formula, in seconds").add_argument
    add("--out", type=_page, default=Path("kanwidget-demo.html"), metavar="FILE.html", help="the report to write")
    add("--seed", type=_whole(0), default=0, metavar="N", help="of the random start (default 0)")

    purpose = "Search for formulas of a CSV or Parquet table with a header, from simple to accurate."
    discover = commands.add_parser("discover", help="search for the formula behind a table", description=purpose)
    _add_discover_arguments(discover.add_argument)

    purpose = "Train on a CSV or Parquet table with a header."
    _add_fit_arguments(commands.add_parser("fit", help="train on a table", description=purpose).add_argument)

    add = commands.add_parser("lab", help="open JupyterLab").add_argument
    add("folder", type=Path, nargs="?", help="folder of notebooks (default: notebooks, else this one)")
    return whole


def _add_table_arguments(add: Callable[..., Any]) -> None:
    """Give a command the arguments that say the table, and which of its columns are meant; `add` is the parser's `add_argument`."""
    add("data", type=Path, metavar="DATA", help="a .csv, .tsv or .parquet file with a header")
    add("--target", required=True, metavar="COL", help="the column to predict")
    add("--inputs", type=_names, metavar="A,B", help="the input columns (default: all others)")


def _add_discover_arguments(add: Callable[..., Any]) -> None:
    """Give `kanwidget discover` its arguments; `add` is the parser's `add_argument`."""
    _add_table_arguments(add)
    source = _file_of("kanwidget.symbolic.writing.languages", "SUFFIXES")
    source_help = "write the best formula as source text: .py, .c, .js, .jl, .m or .txt"
    add("--seconds", type=_above_zero, default=60.0, metavar="X", help="time of the search (default 60)")
    add("--lib", type=_names, metavar="A,B", help="functions that it may hold, as in sin,exp")
    add("--units", type=_units, metavar="'A: m, B: kg/s'", help="units of columns and target, which are tried first")
    add("--loss", choices=("mse", "huber", "absolute"), default="mse", help="huber or absolute for outliers")
    add("--seed", type=_whole(0), default=0, metavar="N", help="of the rows held out and of the search (default 0)")
    add("--out", type=_page, metavar="FILE.html", help="write a report that opens in any browser")
    add("--save", type=Path, metavar="FILE.kan", help="save the network of the best formula")
    add("--code", type=source, metavar="FILE.c", help=source_help)


def _add_fit_arguments(add: Callable[..., Any]) -> None:
    """Give `kanwidget fit` its arguments; `add` is the parser's `add_argument`."""
    _add_table_arguments(add)
    network = _file_of("kanwidget.export", "FORMATS")
    add("--width", type=_widths, metavar="2,5,1", help="nodes a layer, inputs first (default: the data decide)")
    add("--grid", type=_whole(1), metavar="N", help="grid intervals (default: 3 with --width, else the data decide)")
    add("--steps", type=_whole(1), default=50, metavar="N", help="steps a training (default 50)")
    add(
        "--lamb",
        type=_at_least_zero,
        default=0.0,
        metavar="X",
        help="sparsity (default 0: the noise of the data decides)",
    )
    add("--seed", type=_whole(0), default=0, metavar="N", help="of the start and the split (default 0)")
    add("--test-fraction", type=_fraction, metavar="X", help="rows kept for the test (default 0.2, below 50 rows none)")
    add("--symbolic", action="store_true", help="put functions in place of the curves, and print the formula")
    add("--out", type=_page, metavar="FILE.html", help="write a report that opens in any browser")
    add("--save", type=Path, metavar="FILE.kan", help="save the model")
    add("--export", type=network, metavar="FILE.c", help="write the network as .py, .c or .onnx")


def _number(kind: type[int | float], expected: str, within: Callable[[float], bool]) -> Callable[[str], Any]:
    """A parser of a number of the command line.

    Args:
        kind: `int` or `float`.
        expected: What the number must be, for the error.
        within: Whether a number is within its bounds; NaN, which stands for what is no number, must not be.
    """

    def parse(text: str) -> int | float:
        """The number that a text of the command line stands for, or an error where it isn't one within the bounds."""
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not within(value):
            raise argparse.ArgumentTypeError(f"must be {expected}; got {text!r}")
        return value

    return parse


def _whole(low: int) -> Callable[[str], int]:
    """A parser of integers that are at least `low`."""
    return _number(int, f"an integer ≥ {low}", lambda value: value >= low)


_at_least_zero = _number(float, "a number ≥ 0", lambda value: 0 <= value < math.inf)
_above_zero = _number(float, "a number > 0", lambda value: 0 < value < math.inf)
_fraction = _number(float, "a number from 0 to below 1", lambda value: 0 <= value < 1)


def _widths(text: str) -> list[int]:
    """The nodes of each layer from a text such as `2,5,1`, or an error."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be at least two numbers ≥ 1 with commas, as in 2,5,1; got {text!r}")
    return [int(part) for part in parts]


def _file_of(module: str, table: str) -> Callable[[str], Path]:
    """A parser of files whose names end in one of a table's keys; its module is imported when there is one to read.

    `module` is a dotted name, `table` the name of a mapping in it, such as `FORMATS`, whose keys are suffixes.
    """

    def parse(text: str) -> Path:
        """A path of the command line, or an error where its suffix isn't in the table."""
        path, suffixes = Path(text), getattr(importlib.import_module(module), table)
        if path.suffix not in suffixes:
            raise argparse.ArgumentTypeError(f"must end with one of {', '.join(suffixes)}; got {text!r}")
        return path

    return parse


def _page(text: str) -> Path:
    """The path of an HTML file from the command line, or an error for another suffix."""
    path = Path(text)
    if path.suffix.lower() not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"must be a file that ends in .html; got {text!r}")
    return path


def _units(text: str) -> dict[str, str]:
    """Units by the name of a column, from a text such as `mass: kg, speed: m/s`, or an error. A name may hold a colon, a unit doesn't."""
    units = {}
    for part in text.split(","):
        name, colon, unit = part.rpartition(":")
        if not colon or not name.strip():
            expected = "columns with their units, as in 'mass: kg, speed: m/s'"
            raise argparse.ArgumentTypeError(f"must be {expected}; got {text!r}")
        units[name.strip()] = unit.strip()
    return units


def _names(text: str) -> list[str]:
    """Names from a text with commas between them, or an error where one is empty."""
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, as in mass,speed; got {text!r}")
    return names
