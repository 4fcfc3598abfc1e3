"""The command line: `kanwidget demo`, `kanwidget fit DATA --target COLUMN`, `kanwidget lab`.

Results go to standard output, progress and problems to standard error. Exit codes: 0 done, 1 a problem with the data or
while running, 2 a command that could not be understood, 130 interrupted.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

#: What a person can do something about: told in one line. Anything else is a fault of ours and keeps its traceback.
_EXPECTED = (ValueError, TypeError, OSError, ImportError, ArithmeticError)

#: Formulas with more constants than this are left as they are: nobody reads them, and each trial is a fit.
_MOST_CONSTANTS = 8

#: Below so many numbers threads wait for each other longer than they compute: one alone is up to ten times faster.
_ONE_THREAD = 100_000


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
    from kanwidget.datasets import load_planets

    _check_folder(arguments.out)
    data = load_planets(eccentricity=True)
    print("Data:     orbits of 13 planets and dwarf planets: semi-major axis (AU), eccentricity and period (years).")
    print("Question: what sets the period?")
    model = _train(data, [2, 1], grid=3, steps=50, lamb=1e-3, seed=arguments.seed)
    _find_formula(model, data, steps=50)
    _write_report(model, data, arguments.out)
    print("""
That is Kepler's third law. Go on by hand, in a notebook (make lab, or pip install "kanwidget[lab]" and kanwidget lab):
    from kanwidget import KAN, KANExplorer, load_planets
    KANExplorer(KAN([2, 1]), load_planets(eccentricity=True))
or with a table of your own:
    kanwidget fit table.csv --target column --symbolic --out report.html""")
    return 0


def _fit(arguments: argparse.Namespace) -> int:
    """Train on a table; on request find the formula, write a report and save the model."""
    from kanwidget.datasets import read_table

    for path in (arguments.out, arguments.save):
        _check_folder(path)
    options = {"test_fraction": arguments.test_fraction, "seed": arguments.seed}
    data = read_table(arguments.data, arguments.target, arguments.inputs, **options)
    print(f"Data:     {arguments.data.name}, {data!r}")
    width = arguments.width or _default_width(data)
    if (width[0], width[-1]) != (data.n_features, 1):
        raise ValueError(
            f"--width must begin with the {data.n_features} inputs and end with 1 output; got {','.join(map(str, width))}. "
            f"Use --width {','.join(map(str, _default_width(data)))}."
        )
    grid = arguments.grid or _default_grid(data, width)
    model = _train(data, width, grid, arguments.steps, arguments.lamb, arguments.seed)
    if arguments.symbolic:
        _find_formula(model, data, arguments.steps)
    if arguments.out:
        _write_report(model, data, arguments.out)
    if arguments.save:
        model.save(arguments.save)
        print(f"Model:    {arguments.save}; kanwidget.KAN.load({str(arguments.save)!r}) reads it")
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


def _default_width(data: Dataset) -> list[int]:
    """Up to five hidden nodes, but twenty rows for each of their edges: small tables can't hold more."""
    rows, inputs = data.train_input.shape
    return [inputs, min(5, max(1, rows // (20 * inputs))), 1]


def _default_grid(data: Dataset, width: Sequence[int]) -> int:
    """Up to five intervals, but five rows for each coefficient: an edge of a cubic spline has three and the grid's."""
    edges = sum(below * above for below, above in itertools.pairwise(width))
    return min(5, max(1, data.train_input.shape[0] // (5 * edges) - 3))


def _train(data: Dataset, width: list[int], grid: int, steps: int, lamb: float, seed: int) -> KAN:
    """A trained network, pruned where a penalty asked for sparsity."""
    import torch

    from kanwidget.kan import KAN

    if data.train_input.numel() < _ONE_THREAD:
        torch.set_num_threads(1)
    model = KAN(width, grid=grid, seed=seed)
    if lamb > 0:
        _train_sparse(model, data, steps, lamb)
        model = model.prune(data=data)
        idle = [name for name, score in zip(data.in_vars, model.feature_score.tolist(), strict=True) if score == 0]
        print(f"Pruned:   {model!r}" + (f"; without effect: {', '.join(idle)}" if idle else ""))
    model.fit(data, steps=steps)
    print(f"Network:  {_errors(data, model.predict)}")
    return model


def _train_sparse(model: KAN, data: Dataset, steps: int, lamb: float) -> None:
    """Train with a penalty, on labels brought to mean 0 and standard deviation 1, and write the scale into the model.

    lamb weighs the penalty against the squared error, which has the square of the labels' unit: without this, one
    value of lamb would mean something else for every table.
    """
    import torch

    y = data.train_label
    mean, scale = y.mean(0), y.std(0, correction=0)
    labels: dict[str, Any] = {key: (data[key] - mean) / scale for key in data if key.endswith("label")}
    model.fit(dataclasses.replace(data, **labels), steps=steps, lamb=lamb)
    last = model.layer(model.depth - 1)
    with torch.no_grad():
        last.coef.mul_(scale)
        last.base.mul_(scale)
        last.coef[:, 0].add_(mean)  # the splines of an edge add up to 1 everywhere
    model.history.records = [
        dataclasses.replace(
            record,
            train_loss=record.train_loss * float(scale),
            test_loss=None if record.test_loss is None else record.test_loss * float(scale),
            penalty=record.penalty * float(scale) ** 2,
        )
        for record in model.history.records
    ]


def _find_formula(model: KAN, data: Dataset, steps: int) -> None:
    """Put a function in the place of every curve, and print the formula with its constants and its error."""
    from kanwidget.symbolic import numeric_functions, symbolic_formula, to_numpy

    model.auto_symbolic(data=data)
    model.fit(data, steps=steps)
    (expression,), variables = symbolic_formula(model, data.in_vars)
    expression, constants = _needed_constants(expression, variables, data, model)
    functions = numeric_functions(model)
    print(f"Formula:  {data.out_vars[0]} = {_rounded(expression)}")
    if functions:
        print(
            f"          where {', '.join(functions)} are curves that no function of the library fits; try other widths"
        )
    known = [f"{v:.4g} ± {e:.1g}" if e < float("inf") else f"{v:.4g} (any)" for v, e in constants.values()]
    if known:
        print(f"          constants {', '.join(known)}")
    compute = to_numpy(expression, variables, model)
    print(f"Error:    {_errors(data, lambda x: x.new_tensor(compute(x.numpy())[:, None]))}")


def _needed_constants(
    expression: Any, variables: Sequence[Any], data: Dataset, model: KAN
) -> tuple[Any, dict[Any, tuple[float, float]]]:
    """The expression without the constants that may as well be 0, with simple numbers where the data agree.

    Backward elimination: one after the other, the least certain first, a constant below three of its standard errors
    is set to 0, the others are fitted again, and the change stays unless the squared error grows by more than the
    F-test allows at those three standard errors.

    Returns:
        The expression, and the constants that are left with their standard errors.
    """
    from kanwidget.symbolic import numeric_functions, refit, snap_constants, to_numpy

    def squares(formula: Any) -> float:
        return float((y - x.new_tensor(to_numpy(formula, variables, model)(x.numpy())[:, None])).square().sum())

    x, y = data.train_input, data.train_label
    functions = numeric_functions(model)
    given = (variables, x, y, functions)
    expression, table = refit(expression, *given)
    tiny = 1e-10 * max(1.0, float(x.abs().max()), float(y.abs().max()))
    kept: set[str] = set()
    while len(table) <= _MOST_CONSTANTS:
        certainty = {
            c: abs(v) / error if error else 0 for c, (v, error) in table.items() if abs(v) < max(3 * error, tiny)
        }
        doubtful = [c for c in sorted(certainty, key=lambda entry: certainty[entry]) if f"{float(c):.2g}" not in kept]
        if not doubtful:
            break
        trial, errors = refit(expression.xreplace({doubtful[0]: 0 * doubtful[0]}), *given)
        limit = squares(expression) * (1 + 9 / max(1, len(x) - len(table))) + len(x) * tiny**2
        if trial.free_symbols and squares(trial) <= limit:
            expression, table = trial, errors
        else:
            kept.add(f"{float(doubtful[0]):.2g}")
    # A constant that is known to three digits only is near some simple number by chance.
    if all(error < 1e-3 * abs(float(constant)) for constant, (_, error) in table.items()):
        expression = snap_constants(expression, variables, x, y, functions=functions)
    return refit(expression, *given)


def _rounded(expression: Any) -> str:
    """The expression in Python's notation, its constants with four digits."""
    floats = [atom for atom in expression.atoms() if atom.is_Float]
    return str(expression.xreplace({number: type(number)(f"{float(number):.4g}") for number in floats}))


def _write_report(model: KAN, data: Dataset, path: Path) -> None:
    """A page that opens without network and without Python."""
    from kanwidget.explorer.html import save_html

    save_html(model, data, path)
    print(f"Report:   {path} (opens in any browser, without network)")


def _check_folder(path: Path | None) -> None:
    """Nothing, or an error: better before the training than after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise NotADirectoryError(
            f"there is no folder {path.parent} for {path.name}. Create it, or choose another path."
        )


def _errors(data: Dataset, predict: Callable[[Tensor], Tensor]) -> str:
    """Root mean squared errors and R² in words."""
    parts = []
    for part in ("train", "test"):
        if f"{part}_input" in data:
            y = data[f"{part}_label"]
            residual = y - predict(data[f"{part}_input"])
            r2 = 1 - float(residual.square().sum() / (y - y.mean(0)).square().sum())
            # Nines are what matters in R²: 0.9999998 must not be printed as 1.0000.
            parts.append(f"{part} RMSE {float(residual.square().mean().sqrt()):.3g} (1 - R² = {1 - r2:.2g})")
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
    fit.add_argument(
        "--width",
        type=_widths,
        metavar="2,5,1",
        help="nodes a layer (default: inputs, 1 to 5 by the number of rows, 1)",
    )
    fit.add_argument(
        "--grid", type=_whole(1), metavar="N", help="grid intervals (default: 1 to 5 by the number of rows)"
    )
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
