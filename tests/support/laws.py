"""The law of a table, as a simplification finds it in its first stage."""

import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.laws import LawSearch


def law_of(x, y, symbols, stage="first"):
    """The likeliest law as an expression in the symbols, and its root mean squared error on training rows; None without one.

    Args:
        x: Columns, `(rows, columns)`.
        y: The target, `(rows,)`.
        symbols: Of the columns.
        stage: Of the search.
    """
    data = Dataset(torch.as_tensor(x), torch.as_tensor(y), in_vars=[str(symbol) for symbol in symbols])
    model = KAN([x.shape[1], 1])
    search = LawSearch(model, held_out(model, data, "test"))
    for _ in search.steps(stage):
        pass
    best = search.best
    if best is None:
        return None, None
    equation = best.member.equation
    return equation.sympy.subs({str(symbol): symbol for symbol in symbols}), equation.rmse_train
