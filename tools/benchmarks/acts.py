"""Whether the acts that the explorer highlights end in a table's law, as often as `discover` does, and whether "Done" is true.

    python -m tools.benchmarks.acts                      # thirty tables, three draws, 1, 3 and 5 % noise
    python -m tools.benchmarks.acts --discover 20        # discover with 20 s beside them
    python -m tools.benchmarks.acts --mixed              # eighteen other tables: sums of products, kinks and the like
    python -m tools.benchmarks.acts --only tone pipe --noise 0.03 --draws 1

A row a table, noise and draw: seconds, acts, whether the formula is the law (with constants that the noise allows: see `own_data_tables`),
what part of that which the truth explains of fresh rows it explains, and what the page says. Rows in `--store` are not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kanwidget import KANExplorer, discover
from kanwidget.explorer.guide.steps import guidance
from tools.benchmarks.acts_tables import CLASSES, MIXED, TABLES, classes
from tools.benchmarks.own_data import checked
from tools.benchmarks.own_data_tables import Table

#: Acts after which a table is given up, and the part of the truth's explanation below which "Done" is false.
_MOST_ACTS, _ENOUGH = 12, 0.95
_FRESH = 2000

Row = dict[str, Any]


def by_acts(frame: Any, target: str) -> tuple[KANExplorer, int, str]:
    """The explorer after all acts that it highlights, their number, and what it says in the end."""
    explorer, acts = KANExplorer(frame, target=target), 0
    while (act := explorer.next_act()) is not None and acts < _MOST_ACTS:
        explorer.follow(act)
        acts += 1
    return explorer, acts, explorer._driver.ask(lambda: guidance(explorer._session).sentence)


def share(table: Table, expression: Any, noise: float, seed: int) -> float:
    """What an expression explains of fresh rows with noise, as a part of what the truth does."""
    import sympy

    frame = table.frame(noise, seed + 1000)
    names = [sympy.Symbol(column.name) for column in table.columns.values()]
    columns = [frame[column.name].to_numpy() for column in table.columns.values()]
    y = frame[table.target].to_numpy()
    with np.errstate(all="ignore"):
        value, truth = (
            np.broadcast_to(sympy.lambdify(names, each, ["numpy", "scipy"])(*columns), y.shape)
            for each in (expression, table.truth)
        )
    total = ((y - y.mean()) ** 2).sum()
    explained = [1 - (np.nan_to_num(y - each, nan=1e9) ** 2).sum() / total for each in (value, truth)]
    return float(explained[0] / explained[1])


def numbers_row(table: Table, noise: float, seed: int, seconds: float | None) -> Row:
    """A table of numbers."""
    frame = table.frame(noise, seed)
    began = time.perf_counter()
    explorer, acts, sentence = by_acts(frame, table.target)
    spent = time.perf_counter() - began
    fitted = explorer.fitted_formula
    expression = explorer.formula if fitted is None else fitted.expression
    form = checked(table, expression, noise)
    curves = bool(expression.atoms(__import__("sympy").core.function.AppliedUndef))
    part = 0.0 if curves else share(table, expression, noise, seed)
    text = str(expression) if fitted is None else fitted.text
    explorer.close()
    row = {
        "law": form.right,
        "form": form.form,
        "share": part,
        "seconds": spent,
        "acts": acts,
        "says": sentence,
        "text": text,
    }
    if seconds is not None:
        best = discover(frame, target=table.target, seconds=seconds, progress=False).best.sympy
        found = checked(table, best, noise)
        row |= {"discover": found.right, "discover_text": str(best), "discover_share": share(table, best, noise, seed)}
    return row


def classes_row(name: str, noise: float, seed: int) -> Row:
    """A table of classes: the formula's accuracy on fresh rows as a part of that of the border."""
    frame, fresh = classes(name, 300, noise, seed), classes(name, _FRESH, noise, seed + 1000)
    began = time.perf_counter()
    explorer, acts, sentence = by_acts(frame, "out")
    spent = time.perf_counter() - began
    a, b = fresh["a_"].to_numpy(), fresh["b_"].to_numpy()
    border = np.where((1.5 * a - b + 0.4 if name == "groups" else a**2 + b**2 - 2.2) > 0, "yes", "no")
    truth = fresh["out"].to_numpy()
    model = explorer.model
    with torch.no_grad():
        chosen = np.array(model.classes)[model.predict(fresh.drop(columns="out")).argmax(1).numpy()]
    part = float((chosen == truth).mean() / (border == truth).mean())
    curves = any(model.layer(ref.layer).symbol(ref.source, ref.target) is None for ref in model.edge_refs(active=True))
    text = explorer.fitted_formula
    explorer.close()
    law = not curves and part > 0.98
    return {"law": law, "form": law, "share": part, "seconds": spent, "acts": acts, "says": sentence, "text": str(text)}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--noise", type=float, nargs="*", default=[0.01, 0.03, 0.05])
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--discover", type=float, help="seconds of discover beside the acts")
    parser.add_argument("--only", nargs="*", help="names of tables")
    parser.add_argument(
        "--mixed", action="store_true", help="sums of products, kinks and the like instead of the thirty tables"
    )
    parser.add_argument("--store", type=Path, help="a file of rows that stay")
    options = parser.parse_args()
    rows: dict[str, Row] = json.loads(options.store.read_text()) if options.store and options.store.exists() else {}
    wanted = []
    for table in MIXED if options.mixed else (*TABLES, *CLASSES):
        name = table if isinstance(table, str) else table.name
        if options.only and name not in options.only:
            continue
        for noise in options.noise:
            for draw in range(options.draws):
                key = f"{name}, {noise:.0%}, draw {draw}"
                wanted.append(key)
                if key not in rows:
                    rows[key] = (
                        classes_row(table, noise, draw)
                        if isinstance(table, str)
                        else numbers_row(table, noise, draw, options.discover)
                    )
                    if options.store:
                        options.store.write_text(json.dumps(rows, indent=1))
                print(_line(key, rows[key]), flush=True)
    chosen = [rows[key] for key in wanted]
    done = [row for row in chosen if row["says"].startswith("Done")]
    print(f"law by acts {sum(row['law'] for row in chosen)} of {len(chosen)}; ", end="")
    if any("discover" in row for row in chosen):
        print(f"by discover {sum(row.get('discover', False) for row in chosen)}; ", end="")
    print(f'"Done" {len(done)}, false {sum(row["share"] < _ENOUGH for row in done)}')
    print(
        f"seconds: median {np.median([row['seconds'] for row in chosen]):.1f}, longest {max(row['seconds'] for row in chosen):.1f}"
    )


def _line(key: str, row: Row) -> str:
    word = "law" if row["law"] else "form" if row["form"] else "no"
    beside = "" if "discover" not in row else f" discover {'law' if row['discover'] else 'no':<4}"
    end = "Done" if row["says"].startswith("Done") else row["says"][:60]
    return f"{key:<32}{row['seconds']:6.1f} s{row['acts']:3} acts  {word:<5}{beside} {row['share']:6.3f}  {end:<16} {row['text'][:110]}"


if __name__ == "__main__":
    main()
