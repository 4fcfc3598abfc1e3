"""The command line: `kanwidget demo`, `kanwidget fit DATA --target COLUMN`, `kanwidget lab`.

Results go to standard output, progress and problems to standard error. Exit codes: 0 done, 1 a problem with the data or
while running, 2 a command that could not be understood, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

#: What a person can do something about: told in one line. Anything else is a fault of ours and keeps its traceback.
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
    arguments = _parser().parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except KeyboardInterrupt:
        _say("interrupted")
        return 130
    except _EXPECTED as problem:
        _say(f"{arguments.name}: {_one_line(problem)}")
        return 1


# ---- commands


def _demo(arguments: argparse.Namespace) -> int:
    """From real data to a formula and a page, in a few seconds."""
    from kanwidget.datasets import load_trees

    _check_folder(arguments.out)
    data = load_trees()
    print("Data: 31 black cherry trees; girth (inches), height (feet) and volume of timber (cubic feet).")
    model = _train(data, [2, 2, 1], grid=3, steps=50, lamb=1e-3, seed=arguments.seed)
    model = _symbolify(model, data, steps=50)
    _print_formula(model, data)
    _write_report(model, data, arguments.out)
    print('Go on in a notebook: pip install "kanwidget[lab]", then kanwidget lab. Or with a table of your own:')
    print("  kanwidget fit my-table.csv --target my-column --symbolic --out report.html")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    """Train on a table; on request find the formula, write a report and save the model."""
    from kanwidget.datasets import read_table

    for path in (arguments.out, arguments.save):
        _check_folder(path)
    data = read_table(arguments.data, arguments.target, arguments.inputs, test_fraction=arguments.test_fraction)
    print(f"Data: {arguments.data.name}, {data!r}")
    width = arguments.width or [data.n_features, 5, 1]
    if (width[0], width[-1]) != (data.n_features, 1):
        raise ValueError(
            f"--width must begin with the {data.n_features} inputs and end with 1 output; got {','.join(map(str, width))}. "
            f"Use --width {data.n_features},5,1."
        )
    model = _train(data, width, arguments.grid, arguments.steps, arguments.lamb, arguments.seed)
    if arguments.symbolic:
        model = _symbolify(model, data, arguments.steps)
        _print_formula(model, data)
    if arguments.out:
        _write_report(model, data, arguments.out)
    if arguments.save:
        model.save(arguments.save)
        print(f"Model: {arguments.save}; kanwidget.KAN.load({str(arguments.save)!r}) reads it.")
    return 0


def _lab(arguments: argparse.Namespace) -> int:
    """Hand over to JupyterLab."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise ImportError('JupyterLab is not installed: pip install "kanwidget[lab]"')
    folder = arguments.folder or (Path("notebooks") if Path("notebooks").is_dir() else Path())
    if not folder.is_dir():
        raise NotADirectoryError(f"there is no folder {folder}. Give the folder that holds the notebooks.")
    command = [sys.executable, "-m", "jupyterlab", str(folder)]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # in a container everybody is root, and Jupyter would refuse to start
    return subprocess.call(command)


# ---- steps


def _train(data: Dataset, width: list[int], grid: int, steps: int, lamb: float, seed: int) -> KAN:
    """A trained network, pruned where a penalty asked for sparsity."""
    from kanwidget.kan import KAN

    model = KAN(width, grid=grid, seed=seed)
    model.fit(data, steps=steps, lamb=lamb)
    if lamb > 0:
        model = model.prune()
        model.fit(data, steps=steps)
    print(f"Network: {model!r}, {_errors(model, data)}")
    return model


def _symbolify(model: KAN, data: Dataset, steps: int) -> KAN:
    """The network with a symbolic function on every edge, and the constants fitted again."""
    model.auto_symbolic()
    model.fit(data, steps=steps)
    return model


def _print_formula(model: KAN, data: Dataset) -> None:
    """The formula with three digits, and its error."""
    formula = model.formula(var=data.in_vars)
    print(f"Formula: {data.out_vars[0]} = {formula}")
    print(f"Its error: {_errors(model, data)}")


def _write_report(model: KAN, data: Dataset, path: Path) -> None:
    """A page that opens without network and without Python."""
    from kanwidget.explorer.html import save_html

    save_html(model, data, path)
    print(f"Report: {path} (open it in a browser)")


def _check_folder(path: Path | None) -> None:
    """Nothing, or an error: better before the training than after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise NotADirectoryError(
            f"there is no folder {path.parent} for {path.name}. Create it, or choose another path."
        )


def _errors(model: KAN, data: Dataset) -> str:
    """Root mean squared errors and R² in words."""
    parts = []
    for part in ("train", "test"):
        if f"{part}_input" in data:
            y = data[f"{part}_label"]
            residual = y - model.predict(data[f"{part}_input"])
            rmse = residual.square().mean().sqrt()
            r2 = 1 - residual.square().sum() / (y - y.mean(0)).square().sum()
            parts.append(f"{part} RMSE {rmse:.3g} (R² {r2:.4f})")
    return ", ".join(parts)


# ---- arguments


def _parser() -> argparse.ArgumentParser:
    """The grammar of the command line."""
    from kanwidget import __version__

    parser = argparse.ArgumentParser(
        prog="kanwidget", description="Train a Kolmogorov-Arnold network and find the formula behind the data."
    )
    parser.add_argument("--version", action="version", version=f"kanwidget {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="demo | fit | lab", dest="name", required=True)

    demo = commands.add_parser("demo", help="train on bundled real data and find its formula, in seconds")
    demo.add_argument(
        "--out", type=Path, default=Path("kanwidget-demo.html"), metavar="FILE", help="the report to write"
    )
    demo.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of the random start (default 0)")
    demo.set_defaults(command=_demo)

    fit = commands.add_parser(
        "fit", help="train on a table", description="Train on a CSV or Parquet table with a header."
    )
    _add_fit_arguments(fit)
    fit.set_defaults(command=_fit)

    lab = commands.add_parser("lab", help="open JupyterLab")
    lab.add_argument("folder", type=Path, nargs="?", help="folder of notebooks (default: notebooks, else this one)")
    lab.set_defaults(command=_lab)
    return parser


def _add_fit_arguments(fit: argparse.ArgumentParser) -> None:
    """The options of `kanwidget fit`."""
    fit.add_argument("data", type=Path, metavar="DATA", help="a .csv, .tsv or .parquet file with a header")
    fit.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    fit.add_argument("--inputs", type=_names, metavar="A,B", help="the input columns (default: all others)")
    fit.add_argument("--width", type=_widths, metavar="2,5,1", help="nodes a layer (default: inputs, 5, 1)")
    fit.add_argument("--grid", type=_whole(1), default=3, metavar="N", help="grid intervals (default 3)")
    fit.add_argument("--steps", type=_whole(1), default=50, metavar="N", help="steps a training (default 50)")
    fit.add_argument(
        "--lamb", type=_at_least_zero, default=1e-3, metavar="X", help="sparsity, 0 for none (default 1e-3)"
    )
    fit.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of the start and the split (default 0)")
    fit.add_argument(
        "--test-fraction", type=_fraction, default=0.2, metavar="X", help="rows kept for the test (default 0.2)"
    )
    fit.add_argument("--symbolic", action="store_true", help="replace the curves by functions and print the formula")
    fit.add_argument("--out", type=Path, metavar="FILE.html", help="write a report that opens in any browser")
    fit.add_argument("--save", type=Path, metavar="FILE.kan", help="save the model")


def _whole(low: int) -> Callable[[str], int]:
    """A parser of integers that are at least `low`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(f"must be an integer ≥ {low}; got {text!r}")
        return value

    return parse


def _at_least_zero(text: str) -> float:
    value = _float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number ≥ 0; got {text!r}")
    return value


def _fraction(text: str) -> float:
    value = _float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to below 1; got {text!r}")
    return value


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _widths(text: str) -> list[int]:
    parse = _whole(1)
    widths = [parse(part) for part in text.split(",")]
    if len(widths) < 2:
        raise argparse.ArgumentTypeError(f"must be at least two numbers with commas, as in 2,5,1; got {text!r}")
    return widths


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, as in mass,speed; got {text!r}")
    return names


def _say(message: str) -> None:
    print(f"kanwidget: {message}", file=sys.stderr)


def _one_line(problem: BaseException) -> str:
    """The problem's message on one line."""
    return " ".join(str(problem).split()) or type(problem).__name__


if __name__ == "__main__":
    sys.exit(main())
