"""From a person's table to its law, by the acts that the explorer highlights: `KANExplorer(df, target=…)` and nothing else.

    python -m tools.benchmarks.own_data                  # the six tables for development, 1 and 5 % noise
    python -m tools.benchmarks.own_data --held-out       # the other six
    python -m tools.benchmarks.own_data --units          # the same tables in other units: the same formulas?

Prints a row for each table and noise: seconds, acts, whether the law's form and its constants were found, and the formula.
"""

from __future__ import annotations

import argparse
import math
import time
from typing import Any

from sympy.core.function import AppliedUndef

from kanwidget import KANExplorer
from tools.benchmarks.own_data_tables import TABLES, Form, Table

#: Acts after which a table is given up.
_MOST_ACTS = 12


def formula_of(table: Table, noise: float, seed: int) -> tuple[Any, float, int, str]:
    """The formula that the highlighted acts lead to, seconds, the number of acts, and the formula as the page shows it."""
    frame = table.frame(noise, seed)
    started, acts = time.perf_counter(), 0
    explorer = KANExplorer(frame, target=table.target)
    try:
        while (act := explorer.next_act()) is not None and acts < _MOST_ACTS:
            explorer.follow(act)
            acts += 1
        fitted = explorer.fitted_formula
        expression = explorer.formula if fitted is None else fitted.expression
        text = str(expression) if fitted is None else fitted.text
    finally:
        explorer.close()
    return expression, time.perf_counter() - started, acts, text


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held-out", action="store_true", help="the tables that nothing was tuned on")
    parser.add_argument("--units", action="store_true", help="columns × 1e-9, × 1e6 and shifted, too")
    parser.add_argument("--noise", type=float, nargs="*", default=[0.01, 0.05])
    parser.add_argument("--seed", type=int, nargs="*", default=[0])
    parser.add_argument("--only", nargs="*", help="names of tables")
    options = parser.parse_args()
    chosen = [
        t for t in TABLES.values() if t.held_out == options.held_out and (not options.only or t.name in options.only)
    ]
    for noise in options.noise:
        found = 0
        rows = [(table, seed) for table in chosen for seed in options.seed]
        for table, seed in rows:
            for unit, variant in variants(table, units=options.units):
                expression, seconds, acts, text = formula_of(variant, noise, seed)
                result = checked(variant, expression, noise)
                found += result.right and not unit
                verdict = "law" if result.right else "form" if result.form else "no"
                head = f"{noise:4.0%}  {table.name + unit:<24}{seed:>3}{seconds:>7.1f} s{acts:>3} acts  {verdict:<5}"
                print(f"{head}{text}   ({result.detail})", flush=True)
        print(f"{noise:4.0%}  {found} of {len(rows)}\n", flush=True)


def checked(table: Table, expression: Any, noise: float) -> Form:
    """Whether it is the law; what still holds a curve isn't."""
    if expression.atoms(AppliedUndef):
        return Form(False, False, math.inf, "holds a curve")
    return table.check_form(expression, noise)


def variants(table: Table, *, units: bool) -> list[tuple[str, Table]]:
    """The table, and with `units` the same in other units."""
    if not units:
        return [("", table)]
    symbols = list(table.columns)
    small = table.in_units(**dict.fromkeys(symbols, (1e-09, 0.0)), target=(1e-9, 0.0))
    large = table.in_units(**dict.fromkeys(symbols, (1000000.0, 0.0)), target=(1e6, 0.0))
    return [("", table), (" × 1e-9", small), (" × 1e6", large)]


if __name__ == "__main__":
    main()
