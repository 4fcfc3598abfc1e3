"""The methods that learn the signature, each a function of a split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, pairwise
from typing import Any

import torch
from sympy import symbols
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from kanwidget import KAN, Dataset
from tools.benchmarks.knots.data import (
    FROM_TRANSLATIONS,
    INPUTS,
    TRANSLATIONS,
    Rows,
    Split,
    classes,
    numbers,
    rounded,
    rounding_loss,
)

#: Hidden layers of the perceptrons of which the best on validation rows is taken.
_MLPS = ((50, 50), (100, 100), (300, 300, 300))
#: What a method makes of a split: a function rows → signatures, and what is worth noting.
Learned = tuple[Callable[[Rows], Tensor], dict[str, Any]]


def majority(data: Split) -> Learned:
    """The most frequent signature."""
    value = data.train.signature.mode().values
    return lambda rows: value.expand(len(rows.signature)), {"parameters": 0}


def human(data: Split) -> Learned:
    """λ μ_r / (μ_r² + μ_i²), the natural slope of Davies et al."""

    def slope(rows: Rows) -> Tensor:
        longitude, real, imag = (rows.columns[name] for name in TRANSLATIONS)
        return longitude * real / (real**2 + imag**2)

    return rounded(slope, data), {"parameters": 2, "formula": "λ·μ_r/(μ_r² + μ_i²)"}


def formula(data: Split) -> Learned:
    """The product of two lines that makes the rows but the test's most probable: a KAN with one product node for each pair of columns."""
    rows = data.all_but_test()
    fits = [product_of_lines(rows, pair) for pair in combinations(FROM_TRANSLATIONS, 2)]
    loss, pair, model = min(fits, key=lambda fit: fit[0])
    return rounded(lambda other: model.predict(other.inputs(pair)).flatten(), data), {
        "parameters": 6,
        "columns": list(pair),
        "formula": str(model.formula(list(pair))),
        "loss": round(loss, 4),
    }


def product_of_lines(rows: Rows, pair: tuple[str, str]) -> tuple[float, tuple[str, str], KAN]:
    """(a·x + b)·(c·z + d) for two columns, trained for least squares and then for the rounding; with its loss."""
    x, z = symbols("x_1 x_2")
    model = KAN.from_formula((x + 0.5) * (z + 0.7), [x, z])
    data = Dataset(rows.inputs(pair), rows.signature)
    model.fit(data, steps=30, progress=False)
    model.fit(data, "LBFGS", steps=60, loss=rounding_loss, progress=False)
    return float(rounding_loss(model.predict(rows.inputs(pair))[:, 0], rows.signature)), pair, model


def kan_classes(width: int, names: Sequence[str], grid: int = 3) -> Callable[[Split], Learned]:
    """A KAN [inputs, width, classes] with cross-entropy."""

    def learn(data: Split) -> Learned:
        rows = Dataset(data.train.inputs(names), numbers(data.train))
        held_out = data.validation.inputs(names), numbers(data.validation)
        model = KAN([len(names), width, len(classes())], grid=grid, seed=data.seed)
        model.fit(rows, steps=60, validation=held_out, progress=False)
        return lambda other: classes()[model.predict(other.inputs(names)).argmax(1)], _about(model)

    return learn


def kan_number(width: int, names: Sequence[str]) -> Callable[[Split], Learned]:
    """A KAN [inputs, width, 1] for the signature as a number, rounded as the formulas are."""

    def learn(data: Split) -> Learned:
        held_out = data.validation.inputs(names), data.validation.signature[:, None]
        model = KAN([len(names), width, 1], grid=5, seed=data.seed)
        rows = Dataset(data.train.inputs(names), data.train.signature)
        model.fit(rows, steps=60, validation=held_out, progress=False)
        return rounded(lambda other: model.predict(other.inputs(names)).flatten(), data), _about(model)

    return learn


def _about(model: KAN) -> dict[str, Any]:
    return {"parameters": sum(p.numel() for p in model.parameters()), "network": repr(model)}


def mlp(names: Sequence[str]) -> Callable[[Split], Learned]:
    """The best on validation rows of three perceptrons with SiLU, AdamW, and the best epoch of each."""

    def learn(data: Split) -> Learned:
        trained = [_perceptron(data, names, widths) for widths in _MLPS]
        loss, net, widths, scale = min(trained, key=lambda result: result[0])

        def signatures(rows: Rows) -> Tensor:
            with torch.no_grad():
                return classes()[net((rows.inputs(names) - scale[0]) / scale[1]).argmax(1)]

        about = {"parameters": sum(p.numel() for p in net.parameters()), "network": f"MLP {list(widths)}"}
        return signatures, about | {"validation_loss": round(loss, 4)}

    return learn


def _perceptron(data: Split, names: Sequence[str], widths: tuple[int, ...], epochs: int = 60) -> tuple[Any, ...]:
    """Validation loss, network, widths, and the scale of its inputs."""
    raw = data.train.inputs(names)
    scale = raw.mean(0), raw.std(0)
    x, x_held_out = ((part.inputs(names) - scale[0]) / scale[1] for part in (data.train, data.validation))
    labels, labels_held_out = numbers(data.train), numbers(data.validation)
    net, generator = _layers((len(names), *widths, len(classes())), data.seed)
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    best_loss, best = float("inf"), {}
    for _ in range(epochs):
        for batch in torch.randperm(len(x), generator=generator).split(128):
            optimizer.zero_grad()
            cross_entropy(net(x[batch]), labels[batch]).backward()
            optimizer.step()
        rate.step()
        with torch.no_grad():
            loss = float(cross_entropy(net(x_held_out), labels_held_out))
        if loss < best_loss:
            best_loss, best = loss, {name: value.clone() for name, value in net.state_dict().items()}
    net.load_state_dict(best)
    return best_loss, net, widths, scale


def _layers(shape: Sequence[int], seed: int) -> tuple[nn.Sequential, torch.Generator]:
    """Layers in float64, and a generator for the order of the rows."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for a, b in pairwise(shape):
            layers += [nn.Linear(a, b, dtype=torch.float64), nn.SiLU()]
    return nn.Sequential(*layers[:-1]), torch.Generator().manual_seed(seed)


def boosting(names: Sequence[str]) -> Callable[[Split], Learned]:
    """scikit-learn's histogram gradient boosting on all rows but the test's, of which it takes a tenth to see when to stop."""

    def learn(data: Split) -> Learned:
        from sklearn.ensemble import HistGradientBoostingClassifier

        rows = data.all_but_test()
        model = HistGradientBoostingClassifier(
            learning_rate=0.05, max_iter=300, max_leaf_nodes=15, early_stopping=True, random_state=data.seed
        )
        model.fit(rows.inputs(names).numpy(), rows.signature.numpy())
        return lambda other: torch.as_tensor(model.predict(other.inputs(names).numpy())), {"rounds": model.n_iter_}

    return learn


#: The columns of the formula, functions of the three translations. With most seeds it takes `shape_imag` in place of the cusp volume,
#: which is as good.
FORMULA = ("shape_real", "cusp_volume")
#: Names tell the columns: those of the formula, three translations, or all six of `INPUTS`.
METHODS: dict[str, Callable[[Split], Learned]] = {
    "majority": majority,
    "human formula": human,
    "formula": formula,
    "KAN [3, 2, 1]": kan_number(2, TRANSLATIONS),
    "MLP, 3 columns": mlp(TRANSLATIONS),
    "gradient boosting, 3 columns": boosting(TRANSLATIONS),
    "MLP, slope and cusp volume": mlp(FORMULA),
    "gradient boosting, slope and cusp volume": boosting(FORMULA),
    "KAN [6, 2, 1]": kan_number(2, INPUTS),
    "KAN [6, 1, classes]": kan_classes(1, INPUTS, grid=10),
    "KAN [6, 2, classes]": kan_classes(2, INPUTS),
    "MLP, 6 columns": mlp(INPUTS),
    "gradient boosting, 6 columns": boosting(INPUTS),
}
