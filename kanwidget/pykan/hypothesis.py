"""pykan's tests of a function's structure, by the ones of `kanwidget.structure`.

A test says `holds`, `fails` or undecided there, from the error of the derivatives; here only what holds is True, and pykan's thresholds
have no effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget import structure
from kanwidget.pykan.derivatives import batch_jacobian
from kanwidget.pykan.network.base import PykanNetwork

__all__ = [
    "detect_separability",
    "plot_tree",
    "test_general_separability",
    "test_separability",
    "test_symmetry",
    "test_symmetry_var",
]


def detect_separability(
    model: Any,
    x: Tensor,
    mode: str = "add",
    score_th: float = 1e-2,
    res_th: float = 1e-2,
    n_clusters: int | None = None,
    bias: float = 0.0,
    verbose: bool = False,
) -> dict[str, Any]:
    """The groups of columns into whose functions a function divides, as terms (`add`) or factors (`mul`); prints whether there are any.

    Args:
        model: A network, or a function of tensors `(rows, columns)`.
        x: Points, `(rows, columns)`.
        mode: `add` or `mul`.
        score_th: No effect, and neither have the arguments after it.
        res_th: No effect.
        n_clusters: No effect.
        bias: No effect.
        verbose: No effect.

    Returns:
        `n_groups`, `groups` of numbers of columns, and `labels`, the group of each column.

    Examples:
        >>> x = torch.rand(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> detect_separability(lambda x: x[:, [0]] * x[:, [1]] + x[:, [2]], x)["groups"]
        add separability detected
        [[0, 1], [2]]
    """
    finding = structure.detect_separability(*_subject(model, x), mode)  # type: ignore[arg-type]  # which it checks
    groups = [[_number(name) for name in group] for group in finding.groups]
    groups = groups if finding.holds else [list(range(x.shape[1]))]
    grouped = {column for group in groups for column in group}
    groups += [[column] for column in range(x.shape[1]) if column not in grouped]
    labels = [next(n for n, group in enumerate(groups) if column in group) for column in range(x.shape[1])]
    print(f"{mode} separability {'detected' if len(groups) > 1 else 'not detected'}")
    return {"n_groups": len(groups), "groups": groups, "labels": labels}


def test_separability(
    model: Any,
    x: Tensor,
    groups: Sequence[Sequence[int]],
    mode: str = "add",
    threshold: float = 1e-2,
    bias: float = 0.0,
) -> bool:
    """Whether a function divides into functions of these groups of columns, as terms (`add`) or factors (`mul`).

    `model` is a network or a function of tensors, `x` has points, `(rows, columns)`, and `groups` numbers of columns from 0. `threshold`
    and `bias` have no effect.

    Examples:
        >>> x = torch.rand(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> test_separability(lambda x: x[:, [0]] * x[:, [1]] + x[:, [2]], x, [[0, 1], [2]])
        True
    """
    finding = structure.detect_separability(*_subject(model, x), mode)  # type: ignore[arg-type]  # which it checks
    parts = [{_number(name) for name in group} for group in finding.groups]
    # A column without influence belongs anywhere.
    return finding.holds and all(any(part <= set(group) for group in groups) for part in parts)


def test_general_separability(model: Any, x: Tensor, groups: Sequence[Sequence[int]], threshold: float = 1e-2) -> bool:
    """Whether each of these groups of columns, numbers from 0, acts through one number: f = g(h(group), rest) for each of them.

    `model` is a network or a function of tensors, `x` has points, `(rows, columns)`. `threshold` has no effect.

    Examples:
        >>> x = torch.rand(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> test_general_separability(lambda x: torch.sin(x[:, [0]] * x[:, [1]] + x[:, [2]]), x, [[0, 1], [2]])
        True
    """
    return all(test_symmetry(model, x, group) for group in groups)


def test_symmetry(model: Any, x: Tensor, group: Sequence[int], dependence_th: float = 1e-3) -> bool:
    """Whether the columns of a group, numbers from 0, act through one number: f = g(h(group), rest). Columns without influence don't count.

    `model` is a network or a function of tensors, `x` has points, `(rows, columns)`. `dependence_th` has no effect.

    Examples:
        >>> x = torch.rand(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> f = lambda x: torch.sin(x[:, [0]] * x[:, [1]] + x[:, [2]])
        >>> test_symmetry(f, x, [0, 1]), test_symmetry(f, x, [0, 2])
        (True, False)
    """
    examined = structure.examine(*_subject(model, x))
    # Columns without influence: a finding's statement ends with the name of one.
    idle = {finding.statement.rsplit(" ", 1)[-1] for finding in examined.irrelevant().holding}
    names = [name for column in group if (name := f"x_{column + 1}") not in idle]
    if len(names) < 2 or len(names) >= x.shape[1] - len(idle):
        return True  # a single column is one number, and all columns that matter act through f itself
    return examined.compositional(names).holds


def test_symmetry_var(model: Any, x: Tensor, input_vars: Sequence[Any], symmetry_var: Any) -> Tensor:
    """How parallel the gradients of a function and of an expression of some columns are in these: 1 where it acts through that alone.

    Args:
        model: A network, or a function of tensors `(rows, columns)`.
        x: Points, `(rows, columns)`.
        input_vars: A sympy symbol for each column.
        symmetry_var: The expression, of some of these symbols.

    Returns:
        The cosine of their angle, `(rows,)`.

    Examples:
        >>> import sympy
        >>> a, b = sympy.symbols("a b")
        >>> x = torch.rand(100, 2, generator=torch.Generator().manual_seed(0)) + 1
        >>> cosines = test_symmetry_var(lambda x: torch.sin(x[:, [0]] * x[:, [1]]), x, [a, b], a * b)
        100.0% data have more than 0.9 cosine similarity
        suggesting symmetry
    """
    import sympy

    columns = [number for number, symbol in enumerate(input_vars) if symbol in symmetry_var.free_symbols]
    slopes = [sympy.lambdify(list(input_vars), symmetry_var.diff(input_vars[column]), "math") for column in columns]
    rows = x.detach().double().tolist()
    wanted = torch.tensor([[slope(*row) for slope in slopes] for row in rows], dtype=torch.float64)
    gradient = batch_jacobian(model, x)[:, columns].double()
    cosines = torch.nn.functional.cosine_similarity(gradient, wanted, dim=1, eps=1e-300).abs()
    share = float((cosines > 0.9).double().mean())
    print(f"{100 * share}% data have more than 0.9 cosine similarity")
    print("suggesting symmetry" if share > 0.9 else "not suggesting symmetry")
    return cosines


def plot_tree(
    model: Any,
    x: Tensor,
    in_var: Iterable[Any] | None = None,
    style: str = "tree",
    sym_th: float = 1e-3,
    sep_th: float = 1e-1,
    skip_sep_test: bool = False,
    verbose: bool = False,
) -> None:
    """Draw the tree of a function as pyplot's current figure, see `kanwidget.structure.plot_tree`.

    Args:
        model: A network, or a function of tensors `(rows, columns)`.
        x: Points, `(rows, columns)`.
        in_var: No effect: columns are x_1, x_2, ….
        style: No effect: there is one.
        sym_th: Largest part of a gradient that may depend on other columns: a network's function is never exact.
        sep_th: No effect.
        skip_sep_test: No effect.
        verbose: No effect.

    Examples:
        >>> import matplotlib.pyplot as plt
        >>> x = torch.rand(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> plot_tree(lambda x: x[:, [0]] + x[:, [1]] ** 2, x)
        >>> plt.close()
    """
    from kanwidget.insight.plot import hand_over

    options: dict[str, Any] = {"tolerance": sym_th} if isinstance(model, PykanNetwork) else {}
    hand_over(structure.plot_tree(*_subject(model, x), **options))  # the function and the points


def _subject(model: Any, x: Tensor) -> tuple[Any, Tensor]:
    """What `kanwidget.structure` examines, a network of kanwidget or a function, and the points as doubles without a graph."""
    return model.network if isinstance(model, PykanNetwork) else model, x.detach().double()


def _number(name: str) -> int:
    """Number of the column `x_3`: 2."""
    return int(name.removeprefix("x_")) - 1
