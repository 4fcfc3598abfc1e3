"""What the commands do, step by step, and what they print about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.cli.formula import needed_constants, rounded, with_error
from kanwidget.cli.shapes import choose

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset
    from kanwidget.kan import KAN

#: Below so many numbers threads wait for each other longer than they compute: one alone is up to ten times faster.
_ONE_THREAD = 100_000
#: With fewer there is nothing that changes.
_FEWEST_ROWS = 2


def train(data: Dataset, width: list[int] | None, grid: int | None, *, steps: int, lamb: float, seed: int) -> KAN:
    """A trained network, pruned where a penalty asked for sparsity; its shape is chosen where none is given."""
    import torch

    from kanwidget.kan import KAN

    if data.train_input.numel() < _ONE_THREAD:
        torch.set_num_threads(1)
    width, grid = choose(data, width, grid, seed)
    model = KAN(width, grid=grid, seed=seed)
    print(f"Shape:    width {','.join(map(str, width))}, grid {grid}")
    if lamb > 0:
        train_sparse(model, data, steps, lamb)
        model = model.prune(data=data)
        idle = [name for name, score in zip(data.in_vars, model.feature_score.tolist(), strict=True) if score == 0]
        print(f"Pruned:   {model!r}" + (f"; without effect: {', '.join(idle)}" if idle else ""))
    model.fit(data, steps=steps)
    print(f"Network:  {_errors(data, model.predict)}")
    return model


def train_sparse(model: KAN, data: Dataset, steps: int, lamb: float) -> None:
    """Train with a penalty, on labels brought to mean 0 and standard deviation 1, and write the scale into the model.

    lamb weighs the penalty against the squared error, which has the square of the labels' unit: without this, one
    value of lamb would mean something else for every table.
    """
    import torch

    from kanwidget.datasets.arrays import moments

    mean, scale = moments(data.train_label)
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


def find_formula(model: KAN, data: Dataset, steps: int) -> None:
    """Put a function in the place of every curve, and print the formula with its constants and its error."""
    from kanwidget.symbolic import numeric_functions, symbolic_formula, to_numpy

    model.auto_symbolic(data=data)
    model.fit(data, steps=steps)
    (expression,), variables = symbolic_formula(model, data.in_vars)
    expression, constants = needed_constants(expression, variables, data, model)
    functions = numeric_functions(model)
    print(f"Formula:  {data.out_vars[0]} = {rounded(expression)}")
    if functions:
        print(
            f"          where {', '.join(functions)} are curves that no function of the library fits; try other widths"
        )
    known = [with_error(*pair) for pair in constants.values()]
    if known:
        print(f"          constants {', '.join(known)}")
    compute = to_numpy(expression, variables, model)
    print(f"Error:    {_errors(data, lambda x: x.new_tensor(compute(x.numpy())[:, None]))}")


def write_report(model: KAN, data: Dataset, path: Path) -> None:
    """A page that opens without network and without Python."""
    from kanwidget.explorer.html import save_html

    save_html(model, data, path)
    print(f"Report:   {path} (opens in any browser, without network)")


def check_rows(data: Dataset) -> None:
    """Nothing, or an error that says how many rows are needed: of one row no curve can be learnt."""
    train = len(data.train_input)
    if train < _FEWEST_ROWS:
        held = 0 if data.test_input is None else len(data.test_input)
        advice = f" {held} went to the test: give a longer table or a smaller --test-fraction." if held else ""
        raise ValueError(
            f"training needs at least {_FEWEST_ROWS} rows; got {train}.{advice or ' Give a longer table.'}"
        )


def check_folder(path: Path | None) -> None:
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
            missed, spread = float(residual.square().sum()), float((y - y.mean(0)).square().sum())
            # Nines are what matters in R²: 0.9999998 must not be printed as 1.0000. One row, or equal labels, have none.
            share = f" (1 - R² = {missed / spread:.2g})" if spread > 0 else ""
            parts.append(f"{part} RMSE {float(residual.square().mean().sqrt()):.3g}{share}")
    return ", ".join(parts)
