"""The commands. Results go to standard output, progress and problems to standard error.

Exit codes: 0 done, 1 a problem with the data or while running, 2 a command that could not be understood, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import os
import re
import subprocess
import sys
from ast import literal_eval
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.cli import formulas, steps
from kanwidget.cli.arguments import parser

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery, DiscoveryStep
    from kanwidget.kan import KAN

#: Seconds of the demo's search.
_DEMO_SECONDS = 10.0
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
        return _COMMANDS[arguments.name](arguments)
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except _EXPECTED as problem:
        _say(f"{arguments.name}: {_one_line(problem)}")
        return 1


def _demo(arguments: argparse.Namespace) -> int:
    """From real data to a formula and a page, in a few seconds."""
    from kanwidget.datasets import load_planets

    steps.check_folder(arguments.out)
    data = load_planets(eccentricity=True)
    print("Data:     orbits of 13 planets and dwarf planets: semi-major axis (AU), eccentricity and period (years).")
    print("Question: what sets the period?")
    model, recorder = steps.train_to_formula(
        data, [2, 1], 3, steps=50, lamb=1e-3, seed=arguments.seed, seconds=_DEMO_SECONDS, records=True
    )
    steps.write_report(model, data, arguments.out, recorder)
    print("""
That is Kepler's third law. Go on by hand, in a notebook (make lab, or pip install "kanwidget[lab]" and kanwidget lab):
    from kanwidget import KAN, KANExplorer, load_planets
    KANExplorer(KAN([2, 1]), load_planets(eccentricity=True))
or with a table of your own:
    kanwidget discover table.csv --target column --out report.html""")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    """Train on a table; on request find the formula, write a report and save the model."""
    data = steps.split(_table(arguments), arguments.test_fraction, arguments.seed)
    print(f"Data:     {arguments.data.name}, {data!r}")
    if arguments.test_fraction is None and data.test_input is None:
        print("          too few rows to keep some for a test")
    steps.check_rows(data)
    _print_notices(data)
    width = arguments.width
    if width and (width[0], width[-1]) != (data.n_features, 1):
        raise ValueError(
            f"--width must begin with the {data.n_features} inputs and end with 1 output; got {','.join(map(str, width))}. "
            f"Use --width {data.n_features},5,1, or leave it out."
        )
    options: dict[str, Any] = {"steps": arguments.steps, "lamb": arguments.lamb, "seed": arguments.seed}
    options["records"] = arguments.out is not None
    if arguments.symbolic:
        model, recorder = steps.train_to_formula(data, width, arguments.grid, seconds=arguments.seconds, **options)
    else:
        model, recorder = steps.train(data, width, arguments.grid, **options)
    _write(model, data, arguments, recorder)
    return 0


def _table(arguments: argparse.Namespace) -> Dataset:
    """The table of a command, read once it is clear that there are folders for its files."""
    from kanwidget.datasets import read_table

    for path in (arguments.out, arguments.save):
        steps.check_folder(path)
    return read_table(arguments.data, arguments.target, arguments.inputs, test_fraction=0)


def _print_notices(data: Dataset) -> None:
    from kanwidget.datasets.notices import data_notices

    for notice in data_notices(data):
        print(f"Notice:   {notice.sentence}")


def _write(
    model: KAN,
    data: Dataset,
    arguments: argparse.Namespace,
    recorder: Any = None,
    discovery: Discovery | None = None,
) -> None:
    """The files that were asked for."""
    if arguments.out:
        steps.write_report(model, data, arguments.out, recorder, discovery)
    if arguments.save:
        model.save(arguments.save)
        print(f"Model:    {arguments.save}; kanwidget.KAN.load({str(arguments.save)!r}) reads it")


def _discover(arguments: argparse.Namespace) -> int:
    """Search for formulas of a table; after Ctrl-C those so far are printed."""
    from kanwidget.discovery import discover

    data = _table(arguments)
    print(f"Data:     {arguments.data.name}, {data!r}")
    _print_notices(data)
    options = {name: getattr(arguments, name) for name in ("seconds", "seed", "lib", "loss", "units")}
    discovery = discover(data, **options, progress=False, callbacks=[_say_step(formulas.StepLines())])
    if not discovery.front:
        raise KeyboardInterrupt
    print("\n".join([*formulas.front_lines(discovery), *formulas.found_lines(discovery)]))
    _write(discovery.best.network, data, arguments, discovery=discovery)
    if discovery.stop_reason == "interrupted":
        raise KeyboardInterrupt
    return 0


def _say_step(lines: formulas.StepLines) -> Callable[[DiscoveryStep], None]:
    """Prints the steps of a search, on standard error."""

    def say(step: DiscoveryStep) -> None:
        line = lines.line(step)
        if line is not None:
            print(line, file=sys.stderr)

    return say


def _lab(arguments: argparse.Namespace) -> int:
    """Hand over to JupyterLab."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError('JupyterLab is not installed: pip install "kanwidget[lab]"')
    folder = arguments.folder or (Path("notebooks") if Path("notebooks").is_dir() else Path())
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}. Give the folder that holds the notebooks.")
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container the user is root, and Jupyter would refuse to start
    return subprocess.call(command)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo,
    "discover": _discover,
    "fit": _fit,
    "lab": _lab,
}


def _say(message: str) -> None:
    print(f"kanwidget: {message}", file=sys.stderr)


def _one_line(problem: BaseException) -> str:
    """The problem's message on one line. Arguments of `read_table` are options here."""
    text = re.sub(r"the `(target|inputs)` argument of read_\w+", r"--\1", str(problem))
    text = re.sub(r"\binputs=\[(.+?)\]", lambda names: f"--inputs {','.join(literal_eval(names[1] + ','))}", text)
    text = re.sub(r"the `units(?:\[(.+?)\])?` argument of discover", r"--units \1", text)
    return " ".join(text.split()) or type(problem).__name__
