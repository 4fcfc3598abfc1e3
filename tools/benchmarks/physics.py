"""Physics found by networks, each result with its formula: `python -m tools.benchmarks.physics [job …]`.

- conserved quantities of oscillators and of a pendulum, by `fit_residual` and `prune_residual`;
- the Lagrangian of a relativistic mass on a spring, from accelerations;
- two stresses of a neo-Hookean solid, by `simplify` and `fit_formula`, without and with noise and with Hooke's law to begin with.

`rmse` is the root mean squared distance of the formula from the exact law at fresh points over the range of the data, and `exact` says
whether it is below 1e-9 over a range half as wide again, too; of the Lagrangian both are those of such a wide range. Conserved quantities
are compared up to offset and factor. `theirs` are the figures stored in the notebooks of pykan 0.2.8; with other data, so they stand
beside ours only as a mark.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import sympy
import torch
from torch import Tensor

from kanwidget import KAN, Dataset
from tools.benchmarks.paper.store import Store

F64 = torch.float64
Residual = Callable[..., Tensor]
#: The linear functions x and x², and constants: edges of quadratic invariants.
QUADRATIC = ["0", "x", "x^2"]
#: Modulus and Poisson's ratio of the solid, E = 1 and ν = 0.2: Lamé's constants.
MU, LAMBDA = 1 / 2.4, 0.2 / (1.2 * 0.6)
#: Deformation gradients F = 1 + U(-0.2, 0.2).
STRAIN = 0.2
GRADIENT = [f"F{i}{j}" for i in "123" for j in "123"]


def uniform(rows: int, columns: int, size: float, seed: int) -> Tensor:
    """Rows between -size and size."""
    return size * (2 * torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed), dtype=F64) - 1)


def distance(
    formula: sympy.Expr, symbols: Sequence[sympy.Symbol], truth: Callable[[Tensor], Tensor], x: Tensor
) -> float:
    """Root mean squared distance of a formula from the truth, up to offset and factor of the truth."""
    values = np.broadcast_to(sympy.lambdify(symbols, formula, "numpy")(*x.T.numpy()), len(x))
    design = np.stack([truth(x).numpy(), np.ones(len(x))], 1)
    return float(np.sqrt(np.mean((values - design @ np.linalg.lstsq(design, values, rcond=None)[0]) ** 2)))


# ---- conserved quantities


def oscillators(z: Tensor) -> Tensor:
    """Velocities and accelerations of independent oscillators of frequency 1: positions come first."""
    q, p = z.chunk(2, dim=1)
    return torch.cat([p, -q], 1)


def pendulum(z: Tensor) -> Tensor:
    """ẋ and v̇ of a pendulum with g/l = 1."""
    return torch.cat([z[:, [1]], -torch.sin(z[:, [0]])], 1)


def conserved(flow: Callable[[Tensor], Tensor]) -> dict[str, Residual]:
    """C doesn't change along the flow, and is 0 at one state and 1 at another."""
    ends = torch.tensor([[0.0], [1.0]], dtype=F64)
    return {
        "conserved": lambda C: (C.gradient[:, 0] * flow(C.x)).sum(1, keepdim=True),
        "two states": lambda C: C.value - ends,
    }


def one_quantity(flow: Callable[[Tensor], Tensor], truth: Callable[[Tensor], Tensor], size: float) -> dict[str, Any]:
    """The conserved quantity of a system of one position and one velocity, as a sum of two curves that get names."""
    started = time.perf_counter()
    residuals = conserved(flow)
    points = {"conserved": uniform(300, 2, size, 0), "two states": torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=F64)}
    model = KAN([2, 1], grid=5, k=5, grid_range=(-size, size))
    spline = model.fit_residual(residuals, points, grid_schedule=(10, 20), progress=False)
    model.auto_symbolic(data=points["conserved"])
    model.fit_residual(residuals, points, progress=False)
    seconds = time.perf_counter() - started
    symbols = sympy.symbols("x v")
    formula = model.formula(symbols)
    near, far = (distance(formula, symbols, truth, uniform(1000, 2, r * size, 1)) for r in (1, 1.5))
    return {
        "ours": str(model.formula(symbols, round=6)),
        "rmse": near,
        "exact": far < 1e-9,
        "spline_residual": spline.last.train_loss,
        "seconds": round(seconds, 1),
    }


#: A state of the plane oscillator: x, y, p_x, p_y.
STATE = torch.tensor([1.2, 0.5, -0.3, 0.9], dtype=F64)
#: A second state, by what sets it apart from the first.
SECOND = {
    "any": torch.tensor([-0.4, 1.1, 0.8, 0.2], dtype=F64),
    "x ahead of y": torch.tensor([1.2 * math.cos(2) - 0.3 * math.sin(2), 0.5, -0.3 * math.cos(2) - 1.2 * math.sin(2), 0.9], dtype=F64),
    "momenta reversed": STATE * torch.tensor([1.0, 1.0, -1.0, -1.0], dtype=F64),
}  # fmt: skip


def plane_quantity(two_states: Tensor, seed: int) -> tuple[KAN | None, float]:
    """A conserved quantity of the plane oscillator that differs at two states, and the residual; None where none does."""
    residuals = conserved(oscillators)
    points = {"conserved": uniform(120, 4, 2, 0), "two states": two_states}
    weights = {"conserved": 1.0, "two states": 1.0}
    model = KAN([4, [1, 2], 1], grid=2, k=2, base_fun="zero", grid_range=(-2, 2), seed=seed)
    for node in range(3):  # the output adds the sum and the two products as they are
        model.fix_symbolic(1, node, 0, "x", params=(1, 0, 1, 0), data=points["conserved"])
        model.freeze(1, node, 0)
    first = model.fit_residual(residuals, points, weights, update_grid=False, progress=False).last.train_loss
    if first > 1e-6:
        return None, first
    small = model.prune_residual(residuals, points, weights, seed=seed, update_grid=False)
    small.auto_symbolic(data=points["conserved"], lib=QUADRATIC, r2_threshold=-1e9)
    last = small.fit_residual(residuals, points, weights, update_grid=False, progress=False).last.train_loss
    return small, last


def quantity_between(second: str, seed: int) -> dict[str, Any]:
    """The quantity that tells two states of the plane oscillator apart."""
    started = time.perf_counter()
    model, residual = plane_quantity(torch.stack([STATE, SECOND[second]]), seed)
    if model is None:
        return {"ours": None, "residual": residual}
    return {**_described(model), "residual": residual, "seconds": round(time.perf_counter() - started, 1)}


def states_alike(quantities: Sequence[KAN], seed: int) -> Tensor:
    """Two random states of the plane oscillator in which quantities agree: the second one is moved until they do, by Newton's method."""
    first, second = uniform(2, 4, 2, seed)
    for _ in range(50 if quantities else 0):
        fields = [model.derivatives(second[None], order=1) for model in quantities]
        gaps = [f.value[0] - model(first[None])[0] for f, model in zip(fields, quantities, strict=True)]
        jacobian = torch.cat([field.gradient[0] for field in fields]).detach()
        second = second - torch.linalg.lstsq(jacobian, torch.cat(gaps).detach(), driver="gelsd").solution
    return torch.stack([first, second])


def one_after_the_other(seed: int) -> dict[str, Any]:
    """Conserved quantities of the plane oscillator: each tells states apart in which all before it agree, until there is none."""
    started, quantities, rounds = time.perf_counter(), [], []
    at = uniform(200, 4, 2, 5)
    for number in range(6):
        model, residual = plane_quantity(states_alike(quantities, 10 * seed + number), 10 * seed + number)
        if model is None:
            rounds.append({"ours": None, "residual": residual})
            break
        quantities.append(model)
        gradients = torch.stack([c.derivatives(at, order=1).gradient[:, 0] for c in quantities], 1)
        rank = int(torch.linalg.matrix_rank(gradients, rtol=1e-6).max())
        rounds.append({**_described(model), "residual": residual, "rank": rank})
    return {"rounds": rounds, "seconds": round(time.perf_counter() - started, 1)}


def _described(model: KAN) -> dict[str, Any]:
    """A conserved quantity as a formula, and how far it is from exact: the largest coefficient of its change in time."""
    symbols = sympy.symbols("x y p_x p_y")
    formula = sympy.expand(model.formula(symbols))
    speeds = (*symbols[2:], -symbols[0], -symbols[1])
    drift = sympy.expand(sum(formula.diff(q) * speed for q, speed in zip(symbols, speeds, strict=True)))
    worst = max([abs(float(c)) for c in sympy.Poly(drift, *symbols).coeffs()], default=0.0)
    return {"ours": str(_monic(formula)), "drift": worst, "exact": worst < 1e-9}


def _monic(formula: sympy.Expr) -> sympy.Expr:
    """Without its offset, and divided by its largest factor, to five digits."""
    terms = {m: float(c) for m, c in formula.as_coefficients_dict().items() if m != 1}
    largest = max(terms.values(), key=abs)
    ratios = {m: round(c / largest, 5) for m, c in terms.items() if abs(c / largest) > 1e-9}
    return sum((int(c) if c == int(c) else c) * m for m, c in ratios.items())


# ---- a Lagrangian


def lagrangian() -> dict[str, Any]:
    """L of a relativistic mass on a spring (c = 1) from accelerations, with the squares of position and velocity as a first layer."""
    started = time.perf_counter()
    x = torch.cat([uniform(400, 1, 2, 0), uniform(400, 1, 0.9, 1)], 1)
    acceleration = -x[:, [0]] * (1 - x[:, [1]] ** 2) ** 1.5
    residuals = {
        "motion": lambda L: L.d(1, 1) * acceleration + L.d(0, 1) * L.x[:, [1]] - L.d(0),
        "gauge": lambda L: torch.cat([L.value, L.d(1), L.d(1, 1) - 1], 1),
    }
    points = {"motion": x, "gauge": torch.zeros(1, 2, dtype=F64)}
    model = KAN([2, 2, 1], grid=5, k=5, base_fun="zero")
    for column in range(2):
        model.remove_edge(0, column, 1 - column)
        model.fix_symbolic(0, column, column, "x^2", params=(1, 0, 1, 0), data=x)
        model.freeze(0, column, column)
    spline = model.fit_residual(residuals, points, grid_schedule=(10, 20), progress=False)
    model.auto_symbolic(data=x)
    model.fit_residual(residuals, points, progress=False)
    seconds = time.perf_counter() - started
    symbols = sympy.symbols("q v")
    at = torch.cat([uniform(1000, 1, 3, 2), uniform(1000, 1, 0.999, 3)], 1)
    exact = 1 - np.sqrt(1 - at[:, 1].numpy() ** 2) - at[:, 0].numpy() ** 2 / 2
    error = sympy.lambdify(symbols, model.formula(symbols), "numpy")(*at.T.numpy()) - exact
    rmse = float(np.sqrt(np.mean(error**2)))
    return {
        "ours": str(model.formula(symbols, round=6)),
        "rmse": rmse,
        "exact": rmse < 1e-9,
        "spline_residual": spline.last.train_loss,
        "seconds": round(seconds, 1),
    }


# ---- a constitutive law


def stress(gradient: Tensor) -> Tensor:
    """Kirchhoff stress μ(FFᵀ - 1) + λ·ln|F|·1 of deformation gradients `(rows, 9)`, `(rows, 3, 3)`."""
    f = gradient.view(-1, 3, 3)
    one = torch.eye(3, dtype=F64)
    return MU * (f @ f.mT - one) + LAMBDA * torch.linalg.det(f).log()[:, None, None] * one


def solid(target: str, rows: int = 1000, noise: float = 0.0, strain: float = STRAIN, seed: int = 0) -> pd.DataFrame:
    """Deformation gradients, |F| and one stress with noise as a part of its standard deviation."""
    gradient = torch.eye(3, dtype=F64).flatten() + uniform(rows, 9, strain, seed)
    frame = pd.DataFrame(gradient.numpy(), columns=GRADIENT)
    frame["J"] = torch.linalg.det(gradient.view(-1, 3, 3)).numpy()
    value = stress(gradient)[:, int(target[1]) - 1, int(target[2]) - 1].numpy()
    frame[target] = value + noise * value.std() * np.random.default_rng(seed).normal(size=rows)
    return frame


def hooke_network(target: str) -> KAN:
    """A network of Hooke's law for small deformations, with room for more: a sum for P11, three products for P12."""
    f = {name: sympy.Symbol(name) for name in [*GRADIENT, "J"]}
    if target == "P11":
        law = 2 * MU * (f["F11"] - 1) + LAMBDA * (f["F11"] + f["F22"] + f["F33"] - 3)
        return KAN.from_formula(law, list(f.values())).expand_depth(1).expand_width(1, 1)
    law = MU * (f["F12"] + f["F21"])
    return KAN.from_formula(law, list(f.values())).expand_depth(1).expand_width(1, 3, product=True)


def constitutive(target: str, noise: float = 0.0, hooke: bool = False) -> dict[str, Any]:
    """The formula of one stress."""
    started = time.perf_counter()
    data = Dataset.from_frame(solid(target, noise=noise), target)
    model = (
        hooke_network(target)
        if hooke
        else KAN.for_data(data, width=[data.n_features, *([1] if target == "P11" else [[0, 3], 1])])
    )
    spline = model.fit(data, steps=60, progress=False)
    # With the default penalty a network falls back to the prior, whose functions cost nothing, and loses columns of the correction.
    fitted = model.simplify(data, **({"lamb": 1e-5} if hooke else {})).fit_formula(data)
    seconds = time.perf_counter() - started
    errors = []
    for strain in (STRAIN, 1.5 * STRAIN):
        fresh = solid(target, strain=strain, seed=1)
        columns = [str(s) for s in fitted.variables]
        values = sympy.lambdify(fitted.variables, fitted.expression, "numpy")(*fresh[columns].to_numpy().T)
        errors.append(math.sqrt(np.mean((values - fresh[target].to_numpy()) ** 2)))
    return {
        "ours": fitted.text,
        "constants": [list(pair) for pair in fitted.constants.values()],
        "rmse": errors[0],
        "exact": errors[1] < 1e-9,
        "spline_rmse": spline.last.test_loss,
        "seconds": round(seconds, 1),
    }


def _energy(z: Tensor) -> Tensor:
    return (z**2).sum(1)


def _pendulum_energy(z: Tensor) -> Tensor:
    return z[:, 1] ** 2 / 2 - torch.cos(z[:, 0])


#: The work of each job, and what pykan's notebook has beside it.
JOBS: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "oscillator": (lambda: one_quantity(oscillators, _energy, 2.0), "-1.191*x**2 - 1.191*v**2 + 2.329, loss 1.07e-4 (Physics_2A)"),
    "pendulum": (lambda: one_quantity(pendulum, _pendulum_energy, 3.0), ""),
    "lagrangian": (lagrangian, "1.19 - 1.08*sqrt(1 - x**2), loss 5.03e-5, free mass (Physics_1)"),
    "P11": (lambda: constitutive("P11"), ".42*F11**2 + .42*F12**2 + .42*F13**2 + .28*log(2.5*J) - .67, 2.89e-11, with a prior (4A)"),
    "P12": (lambda: constitutive("P12"), ".42*(F11*F21 + F12*F22 + F13*F23), 6.78e-9 (Physics_4C)"),
    "P11, Hooke's law first": (lambda: constitutive("P11", hooke=True), "the same 2.89e-11 (Physics_4A)"),
    "P12, Hooke's law first": (lambda: constitutive("P12", hooke=True), "7.36e-3, not exact (Physics_4B)"),
    "P11, 2 % noise": (lambda: constitutive("P11", 0.02), ""),
    "P12, 2 % noise": (lambda: constitutive("P12", 0.02), ""),
    **{
        f"plane oscillator, {second}, seed {seed}": (
            (lambda second=second, seed=seed: quantity_between(second, seed)),
            "E_x, E_y, L of three seeds, loss 1.57e-3 (Physics_2B)",
        )
        for second in SECOND
        for seed in range(4)
    },
    "plane oscillator, one after the other": (lambda: one_after_the_other(0), ""),
}  # fmt: skip


def _result(name: str) -> dict[str, Any]:
    work, theirs = JOBS[name]
    return {"name": name, "theirs": theirs, **work()}


def main(names: Sequence[str]) -> None:
    """Do the jobs that have no result yet, and print all."""
    torch.set_num_threads(1)
    store = Store("physics")
    for name in names or JOBS:
        print(name, store.once(name, partial(_result, name)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="*", choices=[*JOBS, []], help="all, without any")
    main(parser.parse_args().jobs)
