"""A tanh network for the same residual functions: the PINN that the KAN is compared with."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from kanwidget.training.residuals import Field
from tools.benchmarks._pde_problems import F64, Problem


@dataclass
class Point:
    """Value and slopes, as `KAN.derivatives` gives them."""

    value: Tensor
    gradient: Tensor


class MLP:
    """Layers of tanh, Glorot's start; all parameters are one vector."""

    def __init__(self, width: list[int], seed: int = 0) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.width, parts = width, []
        for n_in, n_out in pairwise(width):
            scale = math.sqrt(2 / (n_in + n_out))
            parts += [scale * torch.randn(n_out * n_in, generator=generator, dtype=F64), torch.zeros(n_out, dtype=F64)]
        self.vector = torch.cat(parts)

    def layers(self, vector: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Matrices and offsets."""
        sizes = [size for i, o in pairwise(self.width) for size in (o * i, o)]
        parts = vector.split(sizes)
        shapes = zip(self.width[1:], self.width, strict=False)
        return [(m.view(o, i), b) for m, b, (o, i) in zip(parts[::2], parts[1::2], shapes, strict=True)]

    def field(self, vector: Tensor, x: Tensor) -> Field:
        """Value, slopes and second derivatives, propagated as in the KAN."""
        features = self.width[0]
        value, pairs = x, [(a, b) for a in range(features) for b in range(a, features)]
        first = [torch.eye(features, dtype=F64)[a].expand_as(x) for a in range(features)]
        second = [torch.zeros_like(x) for _ in pairs]
        layers = self.layers(vector)
        for index, (matrix, offset) in enumerate(layers):
            value, first, second = (
                value @ matrix.T + offset,
                [f @ matrix.T for f in first],
                [s @ matrix.T for s in second],
            )
            if index < len(layers) - 1:
                value = torch.tanh(value)
                slope = 1 - value**2
                bend = -2 * value * slope
                second = [slope * s + bend * first[a] * first[b] for s, (a, b) in zip(second, pairs, strict=True)]
                first = [slope * f for f in first]
        parts = {(): value} | {(a,): f for a, f in enumerate(first)} | dict(zip(pairs, second, strict=True))
        return Field(x, parts)

    def __call__(self, x: Tensor) -> Tensor:
        return self.field(self.vector, x).value

    def derivatives(self, x: Tensor, order: int = 1) -> Point:
        """Value and gradient."""
        field = self.field(self.vector, x)
        return Point(field.value, field.gradient)


def weighted(problem: Problem, weights: dict[str, float], model: MLP) -> Callable[[Tensor], Tensor]:
    """From a vector to all residuals, times √(w/n): their squares sum to what `fit_residual` minimises."""

    def residuals(vector: Tensor) -> Tensor:
        parts = []
        for name, function in problem.residuals.items():
            found = function(model.field(vector, problem.points[name])).flatten()
            parts.append(found * math.sqrt(weights[name] / len(found)))
        return torch.cat(parts)

    return residuals


def train_lm(model: MLP, problem: Problem, weights: dict[str, float], steps: int) -> None:
    """Levenberg-Marquardt with Nielsen's damping, in proportion to each parameter's scale."""
    residuals = weighted(problem, weights, model)
    unit = torch.eye(len(model.vector), dtype=F64)

    def jacobian(vector: Tensor) -> Tensor:
        """By forward mode, 64 parameters at a time."""
        along = torch.func.vmap(lambda v: torch.func.jvp(residuals, (vector,), (v,))[1], chunk_size=64)
        return along(unit).T

    damping, growth = 1e-2, 2.0
    r = residuals(model.vector)
    for _ in range(steps):
        jac = jacobian(model.vector)
        matrix, gradient = jac.T @ jac, jac.T @ r
        scale = matrix.diagonal() + 1e-9 * matrix.diagonal().mean()
        while damping < 1e12:
            step = -torch.linalg.solve(matrix + damping * torch.diag(scale), gradient)
            moved = residuals(model.vector + step)
            gain = float(r @ r - moved @ moved)
            if math.isfinite(gain) and gain > 0:
                predicted = float(-2 * gradient @ step - step @ (matrix @ step))
                ratio = min(1.0, gain / predicted) if predicted > 0 else 0.0
                damping, growth = damping * max(0.1, 1 - (2 * ratio - 1) ** 3), 2.0
                model.vector, r = model.vector + step, moved
                break
            damping, growth = damping * growth, 2 * growth
        else:
            return


def train_lbfgs(model: MLP, problem: Problem, weights: dict[str, float], steps: int) -> None:
    """torch's LBFGS with strong Wolfe line search."""
    residuals = weighted(problem, weights, model)
    vector = model.vector.clone().requires_grad_(True)
    optimizer = torch.optim.LBFGS(
        [vector],
        max_iter=steps,
        history_size=50,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-14,
        tolerance_change=1e-16,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = residuals(vector).square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    model.vector = vector.detach()
