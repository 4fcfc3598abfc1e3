"""The grammar of the command line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """Commands and options; `name` holds the command that was given."""
    from kanwidget import __version__

    whole = argparse.ArgumentParser(
        prog="kanwidget", description="Train a Kolmogorov-Arnold network and find the formula behind the data."
    )
    whole.add_argument("--version", action="version", version=f"kanwidget {__version__}")
    commands = whole.add_subparsers(title="commands", metavar="demo | discover | fit | lab", dest="name", required=True)

    demo = commands.add_parser("demo", help="train on bundled real data and find its formula, in seconds")
    demo.add_argument(
        "--out", type=_page, default=Path("kanwidget-demo.html"), metavar="FILE.html", help="the report to write"
    )
    demo.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of the random start (default 0)")

    discover = commands.add_parser(
        "discover",
        help="search for the formula behind a table",
        description="Search for formulas of a CSV or Parquet table with a header, from simple to accurate.",
    )
    _add_discover_arguments(discover)

    fit = commands.add_parser(
        "fit", help="train on a table", description="Train on a CSV or Parquet table with a header."
    )
    _add_fit_arguments(fit)

    lab = commands.add_parser("lab", help="open JupyterLab")
    lab.add_argument("folder", type=Path, nargs="?", help="folder of notebooks (default: notebooks, else this one)")
    return whole


def _add_table_arguments(command: argparse.ArgumentParser) -> None:
    """A table, and which of its columns are meant."""
    command.add_argument("data", type=Path, metavar="DATA", help="a .csv, .tsv or .parquet file with a header")
    command.add_argument("--target", required=True, metavar="COL", help="the column to predict")
    command.add_argument("--inputs", type=_names, metavar="A,B", help="the input columns (default: all others)")


def _add_discover_arguments(discover: argparse.ArgumentParser) -> None:
    """The options of `kanwidget discover`."""
    _add_table_arguments(discover)
    discover.add_argument(
        "--seconds", type=_above_zero, default=60.0, metavar="X", help="time of the search (default 60)"
    )
    discover.add_argument("--lib", type=_names, metavar="A,B", help="functions that it may hold, as in sin,exp")
    discover.add_argument(
        "--units", type=_units, metavar="'A: m, B: kg/s'", help="units of columns and target, which are tried first"
    )
    discover.add_argument(
        "--loss", choices=("mse", "huber", "absolute"), default="mse", help="huber or absolute for outliers"
    )
    discover.add_argument(
        "--seed", type=_whole(0), default=0, metavar="N", help="of the rows held out and of the search (default 0)"
    )
    discover.add_argument("--out", type=_page, metavar="FILE.html", help="write a report that opens in any browser")
    discover.add_argument("--save", type=Path, metavar="FILE.kan", help="save the network of the best formula")


def _add_fit_arguments(fit: argparse.ArgumentParser) -> None:
    """The options of `kanwidget fit`."""
    _add_table_arguments(fit)
    fit.add_argument(
        "--width",
        type=_widths,
        metavar="2,5,1",
        help="nodes a layer, inputs first (default: tried out)",
    )
    fit.add_argument("--grid", type=_whole(1), metavar="N", help="grid intervals (default: tried out)")
    fit.add_argument("--steps", type=_whole(1), default=50, metavar="N", help="steps a training (default 50)")
    fit.add_argument(
        "--lamb", type=_at_least_zero, default=1e-3, metavar="X", help="sparsity, 0 for none (default 1e-3)"
    )
    fit.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of the start and the split (default 0)")
    fit.add_argument(
        "--test-fraction", type=_fraction, metavar="X", help="rows kept for the test (default 0.2, below 30 rows none)"
    )
    fit.add_argument("--symbolic", action="store_true", help="search for a formula, too, and print it")
    fit.add_argument("--seconds", type=_above_zero, default=30.0, metavar="X", help="time of that search (default 30)")
    fit.add_argument("--out", type=_page, metavar="FILE.html", help="write a report that opens in any browser")
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


def _real(bounds: str, within: Callable[[float], bool]) -> Callable[[str], float]:
    """A parser of finite numbers within bounds."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and within(value)):
            raise argparse.ArgumentTypeError(f"must be a number {bounds}; got {text!r}")
        return value

    return parse


_at_least_zero = _real("≥ 0", lambda value: value >= 0)
_above_zero = _real("> 0", lambda value: value > 0)
_fraction = _real("from 0 to below 1", lambda value: 0 <= value < 1)


def _widths(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"must be at least two numbers ≥ 1 with commas, as in 2,5,1; got {text!r}")
    return [int(part) for part in parts]


def _page(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"must be a file that ends in .html; got {text!r}")
    return path


def _units(text: str) -> dict[str, str]:
    """Units by column; a name may hold a colon, a unit never does."""
    units = {}
    for part in text.split(","):
        name, colon, unit = part.rpartition(":")
        if not colon or not name.strip():
            raise argparse.ArgumentTypeError(
                f"must be columns with their units, as in 'mass: kg, speed: m/s'; got {text!r}"
            )
        units[name.strip()] = unit.strip()
    return units


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"must be names with commas between them, as in mass,speed; got {text!r}")
    return names
