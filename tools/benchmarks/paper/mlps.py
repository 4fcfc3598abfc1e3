"""Multilayer perceptrons trained as well as we can: tanh, inputs and labels standardized, float64, LBFGS and LM."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from kanwidget.datasets import Dataset


class MLP(nn.Module):
    """tanh layers between inputs and a label that are standardized."""

    def __init__(self, shape: Sequence[int], data: Dataset, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            pairs = list(pairwise(shape))
            layers = [nn.Linear(a, b, dtype=torch.float64) for a, b in pairs]
            for layer in layers:
                nn.init.xavier_normal_(layer.weight, gain=5 / 3)
        self.layers = nn.ModuleList(layers)
        self.x_mean, self.x_std = data.train_input.mean(0), data.train_input.std(0)
        self.y_mean, self.y_std = data.train_label.mean(), data.train_label.std()

    def forward(self, x: Tensor) -> Tensor:
        h = (x - self.x_mean) / self.x_std
        for layer in self.layers[:-1]:
            h = torch.tanh(layer(h))
        return self.y_mean + self.y_std * self.layers[-1](h)


def _error(model: nn.Module, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model(x) - y).square().mean().sqrt())


def lm(model: MLP, data: Dataset, steps: int) -> None:
    """Levenberg-Marquardt with the Jacobian from torch.func."""
    named = {name: p.detach() for name, p in model.named_parameters()}
    shapes = {name: p.shape for name, p in named.items()}
    vector = torch.cat([p.flatten() for p in named.values()])
    x, y = data.train_input, data.train_label

    def output(flat: Tensor, one: Tensor) -> Tensor:
        parts = dict(zip(shapes, flat.split([s.numel() for s in shapes.values()]), strict=True))
        views = {name: part.view(shapes[name]) for name, part in parts.items()}
        return torch.func.functional_call(model, views, one[None])[0, 0]

    rows = torch.func.vmap(torch.func.grad(output), in_dims=(None, 0))
    values = torch.func.vmap(output, in_dims=(None, 0))
    unit = model.y_std
    residual = (values(vector, x) - y[:, 0]) / unit
    damping, small = 1e-2, 0
    for _ in range(steps):
        jac = rows(vector, x) / unit
        matrix, gradient = jac.T @ jac, jac.T @ residual
        scale = matrix.diagonal().mean()
        while damping < 1e12:
            factor, info = torch.linalg.cholesky_ex(
                matrix + damping * scale * torch.eye(len(vector), dtype=vector.dtype)
            )
            moved = vector - torch.cholesky_solve(gradient[:, None], factor)[:, 0]
            new = (values(moved, x) - y[:, 0]) / unit
            if int(info) == 0 and bool(new.square().sum() < residual.square().sum()):
                break
            damping *= 4
        else:
            break
        small = small + 1 if residual.square().sum() - new.square().sum() < 1e-9 * residual.square().sum() else 0
        vector, residual, damping = moved, new, max(damping / 4, 1e-15)
        if small > 5:
            break
    nn.utils.vector_to_parameters(vector, model.parameters())


def lbfgs(model: MLP, data: Dataset, steps: int) -> None:
    """torch's LBFGS with its line search."""
    unit = model.y_std
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=steps, history_size=50, tolerance_grad=0, tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = ((model(data.train_input) - data.train_label) / unit).square().mean()
        value.backward()
        return value

    optimizer.step(loss)


METHODS = {"LM": lm, "LBFGS": lbfgs}


def trained(method: str, shape: Sequence[int], data: Dataset, seed: int, steps: int) -> dict[str, Any]:
    """Errors, parameters and seconds of one perceptron."""
    model, began = MLP(shape, data, seed), time.perf_counter()
    METHODS[method](model, data, steps)
    return {
        "method": method,
        "shape": list(shape),
        "parameters": sum(p.numel() for p in model.parameters()),
        "train": _error(model, data.train_input, data.train_label),
        "validation": _error(model, data.val_input, data.val_label),
        "test": _error(model, data.test_input, data.test_label),
        "seconds": round(time.perf_counter() - began, 2),
    }
