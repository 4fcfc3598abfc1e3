"""Data as pykan has them: dicts of four tensors in torch's default type."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

import kanwidget

#: A dataset of pykan: `train_input`, `train_label`, `test_input`, `test_label`.
Data = dict[str, Tensor]
PARTS = ("train_input", "test_input", "train_label", "test_label")


def create_dataset(
    f: Callable[[Tensor], Tensor],
    n_var: int = 2,
    f_mode: Any = "col",
    ranges: Any = (-1, 1),
    train_num: int = 1000,
    test_num: int = 1000,
    normalize_input: bool = False,
    normalize_label: bool = False,
    device: Any = "cpu",
    seed: int = 0,
) -> Data:
    """Uniform random inputs and the values of a function there, as a dict in torch's default type. The global random state isn't used.

    Args:
        f: The function, `(rows, n_var)` → `(rows, outputs)` or `(rows,)`; with `f_mode="row"` it gets the transpose.
        n_var: Number of inputs.
        f_mode: `col` or `row`.
        ranges: `(low, high)` for all inputs, or one pair for each.
        train_num: Rows to train on.
        test_num: Rows to test on.
        normalize_input: Whether inputs are standardized.
        normalize_label: Whether labels are.
        device: Where the tensors go.
        seed: Of the inputs.

    Examples:
        >>> data = create_dataset(lambda x: x[:, 0] * x[:, 1], n_var=2, train_num=100)
        >>> {name: tuple(part.shape) for name, part in data.items()}
        {'train_input': (100, 2), 'test_input': (1000, 2), 'train_label': (100, 1), 'test_label': (1000, 1)}
    """
    dtype = torch.get_default_dtype()

    def g(x: Tensor) -> Tensor:
        """The function at inputs in the default type: functions of notebooks make tensors of it themselves."""
        return f(x.to(dtype))

    made = kanwidget.create_dataset(
        g, n_var, f_mode, ranges, train_num, test_num, normalize_input, normalize_label, device, seed, dtype
    )
    return {name: made[name] for name in PARTS if name in made}


def create_dataset_from_data(
    inputs: Tensor, labels: Tensor, train_ratio: float = 0.8, device: Any = "cpu", seed: int | None = None
) -> Data:
    """Rows divided at random into a part to train on and one to test on.

    Args:
        inputs: `(rows, columns)`.
        labels: `(rows, outputs)` or `(rows,)`.
        train_ratio: The training's part of the rows, between 0 and 1.
        device: Where the tensors go.
        seed: Of the division; without one NumPy's global random state decides, as in pykan: the same rows after the same
            `np.random.seed`.

    Raises:
        ValueError: If the numbers of rows differ, or a part would be empty.

    Examples:
        >>> data = create_dataset_from_data(torch.rand(10, 2), torch.rand(10, 1), seed=0)
        >>> data["train_input"].shape, data["test_label"].shape
        (torch.Size([8, 2]), torch.Size([2, 1]))
    """
    rows = len(inputs)
    count = int(rows * train_ratio)
    if len(labels) != rows or not 0 < count < rows:
        raise ValueError(
            f"create_dataset_from_data needs as many labels as inputs, and rows for both parts; got {rows} inputs, "
            f"{len(labels)} labels and train_ratio={train_ratio!r}."
        )
    draw = np.random if seed is None else np.random.RandomState(seed)
    train = draw.choice(rows, count, replace=False)
    test = np.setdiff1d(np.arange(rows), train)
    divided = {"train": torch.from_numpy(train), "test": torch.from_numpy(test)}
    return {
        f"{part}_{kind}": table[index.to(table.device)].detach().to(device)
        for kind, table in (("input", inputs), ("label", labels))
        for part, index in divided.items()
    }


def augment_input(orig_vars: Sequence[Any], aux_vars: Sequence[Any], x: Any) -> Any:
    """Inputs with further columns in front, each a sympy expression of the others.

    Args:
        orig_vars: A symbol for each column.
        aux_vars: The expressions.
        x: `(rows, columns)`, or a dict of data, of which both inputs get the columns; it isn't changed.

    Raises:
        ValueError: For expressions that aren't finite on the data.

    Examples:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> augment_input([a, b], [a + b, a * b], torch.tensor([[2.0, 3.0]]))
        tensor([[5., 6., 2., 3.]])
    """
    if isinstance(x, dict):
        return x | {name: augment_input(orig_vars, aux_vars, x[name]) for name in PARTS[:2] if name in x}
    import sympy

    from kanwidget.datasets import with_columns

    names = [f"x_{number}" for number in range(1, len(orig_vars) + 1)]
    table = kanwidget.Dataset(x.detach().cpu().double(), torch.zeros(len(x), 1), in_vars=tuple(names))
    renamed = [expression.subs(dict(zip(orig_vars, map(sympy.Symbol, names), strict=True))) for expression in aux_vars]
    wider = with_columns(table, {f"aux_{number}": expression for number, expression in enumerate(renamed)})
    return torch.cat([wider.train_input[:, len(names) :].to(x), x], dim=1)


def get_feynman_dataset(name: str | int) -> tuple[Any, Any, Callable[[Tensor], Tensor], list[list[float]]]:
    """Symbols, formula, function and ranges of one of Feynman's equations, by its name or number, see `kanwidget.datasets.feynman`.

    The formula is a sympy expression of the symbols, the function takes `(rows, columns)`, and each column has a range [low, high].

    Examples:
        >>> symbols, formula, f, ranges = get_feynman_dataset("I.12.1")
        >>> symbols, formula
        ((mu, N_n), N_n*mu)
        >>> f(torch.tensor([[2.0, 3.0]])), ranges
        (tensor([[6.]]), [[-1.0, 1.0], [-1.0, 1.0]])
    """
    import sympy

    from kanwidget.datasets import feynman

    equation = feynman(name)
    symbols = sympy.symbols(equation.variables)
    formula = sympy.sympify(equation.formula, locals={symbol.name: symbol for symbol in symbols})

    def function(x: Tensor) -> Tensor:
        """Values of the formula as one column, `(rows, 1)`, at inputs `(rows, columns)`."""
        y = equation(x)
        return y[:, None] if y.ndim == 1 else y

    return symbols, formula, function, [list(pair) for pair in equation.ranges]
