"""Noisy rows with and without evidence: how far a plain `fit` ends from the truth, and whether its error bars hold.

    python -m tools.benchmarks.noise              # ten draws of each
    python -m tools.benchmarks.noise --draws 3 --only xy line
    python -m tools.benchmarks.noise --grown      # `KAN.for_data` chooses the shape of the network with evidence
    python -m tools.benchmarks.noise --coverage   # of the bands: how much of the truth they hold, curves and predictions

Four functions of four columns, two of them useless, 60 to 1,000 rows, 5 to 50 % noise. Errors are those against the truth on fresh
rows, in spreads of the target; *σ* is the estimated noise over the true one; *gone* the part of the useless columns with less than half
a degree of freedom, *there* that of the others with more; *inside* the part of fresh rows whose truth lies within ± 2 standard errors
of the prediction.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from kanwidget import KAN, Dataset, EdgeRef
from kanwidget.training.evidence.errors import curve_errors, valid_posterior

#: Functions with the network that holds them.
FUNCTIONS: dict[str, tuple[Callable[[Tensor], Tensor], list[int]]] = {
    "sin-exp": (lambda x: torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2), [4, 5, 1]),
    "xy": (lambda x: x[:, 0] * x[:, 1], [4, 5, 1]),
    "two curves": (lambda x: torch.sin(3 * x[:, 0]) + x[:, 1] ** 2, [4, 1]),
    "line": (lambda x: 2 * x[:, 0] - x[:, 1], [4, 1]),
}
ROWS, NOISES, GRID = (60, 200, 1000), (0.05, 0.2, 0.5), 8
_USELESS = (2, 3)


def drawn(function: Callable[[Tensor], Tensor], rows: int, noise: float, seed: int) -> tuple[Dataset, Tensor, Tensor]:
    """Noisy rows, fresh inputs, and the truth there, in spreads of the target."""
    generator = torch.Generator().manual_seed(seed)
    x, fresh = (2 * torch.rand(n, 4, generator=generator, dtype=torch.float64) - 1 for n in (rows, 1000))
    truth = function(fresh)
    mean, spread = truth.mean(), truth.std()
    label = (function(x) - mean) / spread + noise * torch.randn(rows, generator=generator, dtype=torch.float64)
    return Dataset(x, label), fresh, (truth - mean) / spread


def trained(data: Dataset, width: list[int] | None, seed: int, evidence: bool) -> tuple[KAN, float]:
    """A network, grown where no width is given, and the seconds of the processor that its training took."""
    started = time.process_time()
    model = KAN.for_data(data, seed=seed) if width is None else KAN(width, grid=GRID, seed=seed)
    model.fit(data, evidence=evidence, progress=False)
    return model, time.process_time() - started


def row(name: str, rows: int, noise: float, draws: int, grown: bool) -> str:
    """A line of the table."""
    function, width = FUNCTIONS[name]
    columns: dict[str, list[float]] = {
        key: [] for key in ("before", "after", "t0", "t1", "σ", "gone", "there", "inside")
    }
    for seed in range(draws):
        data, fresh, truth = drawn(function, rows, noise, seed)
        for evidence, error, seconds in ((False, "before", "t0"), (True, "after", "t1")):
            model, spent = trained(data, None if grown and evidence else width, seed, evidence)
            columns[error].append(float((model.predict(fresh)[:, 0] - truth).square().mean().sqrt()))
            columns[seconds].append(spent)
        assert model.posterior is not None  # of the training with evidence
        columns["σ"].append(model.history.last.noise / noise)
        value, std = model.predict(fresh, return_std=True)
        columns["inside"].append(float(((value - truth[:, None]).abs() <= 2 * std).double().mean()))
        freedom = dict.fromkeys(range(model.n_in), 0.0)
        for edge, parts in model.posterior.freedom.items():
            if edge.layer == 0:
                freedom[edge.source] += parts.total
        says = {column: value >= 0.5 for column, value in freedom.items()}
        columns["gone"].append(statistics.mean(float(not says[column]) for column in _USELESS))
        columns["there"].append(statistics.mean(float(says[column]) for column in set(says) - set(_USELESS)))
    before, after = (statistics.median(columns[key]) for key in ("before", "after"))
    return (
        f"{name:11s}{rows:6d}{noise:7.0%}{before:10.4f}{after:9.4f}{after / before:7.2f}"
        f"{statistics.mean(columns['σ']):8.2f}{statistics.mean(columns['gone']):7.0%}{statistics.mean(columns['there']):7.0%}"
        f"{statistics.mean(columns['inside']):9.1%}{statistics.mean(columns['t0']):8.2f}{statistics.mean(columns['t1']):7.2f}"
    )


def coverage(rows: int, noise: float, draws: int) -> str:
    """A line of the table of bands: of the curves of a sum, over the range of the rows, and of predictions of a sum and of exp of a sum."""
    parts: dict[str, list[float]] = {"curves": [], "sum": [], "hidden": []}
    for seed in range(draws):
        for name, width, part in (("two curves", [4, 1], "sum"), ("sin-exp", [4, 1, 1], "hidden")):
            data, fresh, truth = drawn(FUNCTIONS[name][0], rows, noise, seed)
            model, _ = trained(data, width, seed, True)
            value, std = model.predict(fresh, return_std=True)
            parts[part].append(float(((value - truth[:, None]).abs() <= 2 * std).double().mean()))
            if part == "sum":
                parts["curves"] += [_held_part(model, data, column, fresh, truth) for column in range(4)]
    return f"{rows:6d}{noise:7.0%}" + "".join(f"{statistics.mean(values):10.1%}" for values in parts.values())


def _held_part(model: KAN, data: Dataset, column: int, fresh: Tensor, truth: Tensor) -> float:
    """The part of a column's range over which the band of its centred curve holds the true one."""
    function, x = FUNCTIONS["two curves"][0], data.train_input
    line = torch.zeros(len(x) + 200, 4, dtype=torch.float64)
    line[:, column] = torch.cat(
        [x[:, column], torch.linspace(float(x[:, column].min()), float(x[:, column].max()), 200).double()]
    )
    spread = (function(fresh).std() / truth.std()).item()
    with torch.no_grad():
        curve, true = model(line)[:, 0], function(line) / spread
    posterior = valid_posterior(model)
    assert posterior is not None
    errors = curve_errors(model, posterior, EdgeRef(0, column, 0), line[len(x) :, column])
    if errors is None:  # no spline
        return 1.0
    off = (curve - curve[: len(x)].mean() - true + true[: len(x)].mean())[len(x) :].abs()
    return float((off <= 2 * errors + 1e-12).double().mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--only", nargs="*", choices=list(FUNCTIONS), default=list(FUNCTIONS))
    parser.add_argument("--grown", action="store_true", help="with evidence, the network of `KAN.for_data`")
    parser.add_argument("--coverage", action="store_true", help="of the bands, instead")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.coverage:
        print("  rows  noise    curves   of a sum   of exp of a sum", flush=True)
        for rows in (60, 200, 2000):
            for noise in (0.01, *NOISES):
                print(coverage(rows, noise, options.draws), flush=True)
        return
    print(
        "function      rows  noise    before    after  ratio       σ   gone  there   inside  seconds  after", flush=True
    )
    for name in options.only:
        for rows in ROWS:
            for noise in NOISES:
                print(row(name, rows, noise, options.draws, options.grown), flush=True)


if __name__ == "__main__":
    main()
