"""Quantum chains with quasi-periodic potentials: eigenstates, extended or localized, and the exact mobility edges."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import arrays
from kanwidget.datasets.dataset import Dataset

#: Parameters by name, each a tensor of any common shape.
Parameters = Mapping[str, Tensor]


def _neighbours(parameters: Parameters, distance: Tensor) -> Tensor:
    """The amplitude of hopping over a distance in sites: 1 between neighbours, else 0, whatever the parameters of the model."""
    return (distance == 1).to(distance.dtype)


@dataclass(frozen=True)
class ChainModel:
    """A chain of sites with hopping 1 between neighbours and a potential of the wave cos(2πbn + φ), b the golden ratio.

    Examples:
        >>> MODELS["gaam"].columns
        ('lambda', 'alpha', 'phi', 'E')
    """

    name: str
    ranges: Mapping[str, tuple[float, float]]
    """The parameters, and where they are drawn from by default."""
    limits: Mapping[str, tuple[float, float]]
    """Open intervals outside of which a parameter makes no sense or the mobility edge is another one."""
    potential: Callable[[Parameters, Tensor], Tensor]
    """Parameters and the wave → potential; it stands on every `period`-th site."""
    edge: Callable[[Parameters, Tensor], Tensor]
    """Parameters and energy → order parameter: above 0 localized, below 0 extended, 0 at the mobility edge."""
    hopping: Callable[[Parameters, Tensor], Tensor] = _neighbours
    """Parameters and distance ≥ 1 in sites → amplitude."""
    period: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of a table of states: the model's parameters, and `E`, the energy."""
        return (*self.ranges, "E")


def _decaying(parameters: Parameters, distance: Tensor) -> Tensor:
    """The amplitude of hopping over d ≥ 1 sites, exp(-p·(d - 1)): it is 1 between neighbours, as in the other models.

    Papers write it as t·exp(-p·d): here t is exp(p).
    """
    return torch.exp(-parameters["p"] * (distance - 1))


def _chebyshev(degree: int, x: Tensor) -> Tensor:
    """Chebyshev's polynomial of the second kind and of that degree at x, by its recurrence U_{n+1} = 2x·U_n - U_{n-1}."""
    before, value = torch.zeros_like(x), torch.ones_like(x)
    for _ in range(degree):
        before, value = value, 2 * x * value - before
    return value


def _mosaic(period: int) -> ChainModel:
    """The model of a chain with the potential λ·cos(2πbn + φ) on every `period`-th site, and none elsewhere.

    Sites without one can be eliminated. What is left is a chain with ψ(m+1) + ψ(m-1) = (2·T_κ(E/2) - U_{κ-1}(E/2)·V(m))·ψ(m),
    the model of Aubry and André with an amplitude that depends on the energy: it is critical where that amplitude is 2. `edge` is the
    amplitude less 2: above 0 states are localized.
    """
    return ChainModel(
        f"mosaic{period}",
        {"lambda": (0.0, 4.0), "phi": (0.0, 2 * math.pi)},
        {},
        potential=lambda parameters, wave: parameters["lambda"] * wave,
        edge=lambda parameters, energy: (parameters["lambda"] * _chebyshev(period - 1, energy / 2)).abs() - 2,
        period=period,
    )


MODELS: dict[str, ChainModel] = {
    row.name: row
    for row in (
        _mosaic(2),
        _mosaic(3),
        ChainModel(
            "gaam",
            {"lambda": (0.0, 2.0), "alpha": (-0.9, 0.9), "phi": (0.0, 2 * math.pi)},
            {"alpha": (-1.0, 1.0)},
            potential=lambda parameters, wave: 2 * parameters["lambda"] * wave / (1 - parameters["alpha"] * wave),
            # For λ ≥ 0 no energy lies below -2 - 2λ/(1 + |α|), so that αE + 2λ is never below -2: the absolute value is for λ < 0.
            edge=lambda parameters, energy: (parameters["alpha"] * energy + 2 * parameters["lambda"]).abs() - 2,
        ),
        ChainModel(
            "maam",
            {"lambda": (0.0, 4.0), "p": (0.25, 2.5), "phi": (0.0, 2 * math.pi)},
            {"p": (0.0, math.inf)},
            potential=lambda parameters, wave: parameters["lambda"] * wave,
            edge=lambda parameters, energy: (
                parameters["lambda"].abs() * torch.cosh(parameters["p"]) - energy - torch.exp(parameters["p"])
            ),
            hopping=_decaying,
        ),
    )
}


def chain_models() -> tuple[str, ...]:
    """The names of the models.

    Examples:
        >>> chain_models()
        ('mosaic2', 'mosaic3', 'gaam', 'maam')
    """
    return tuple(MODELS)


def order_parameter(model: str, x: Any) -> Tensor:
    """How far a state is on the localized side of the exact mobility edge, by theory for infinite chains.

    - `mosaic2`, `mosaic3`: |λ·U(E/2)| - 2 with U(E/2) = E, E² - 1
    - `gaam`: |αE + 2λ| - 2, which is αE + 2λ - 2 for λ ≥ 0
    - `maam`: |λ|·cosh(p) - E - exp(p)

    Args:
        model: A name out of `chain_models()`.
        x: Rows with the columns of `localization(model)`, shape `(rows, columns)`; energies in units of the hopping between neighbours.

    Returns:
        One number for each row, shape `(rows,)`: above 0 where the state is localized, below 0 where it is extended.

    Raises:
        ValueError: For an unknown model, and for rows with other columns.

    Examples:
        >>> order_parameter("mosaic2", [[1.0, 0.0, 1.5], [2.0, 0.0, 1.5]])  # columns lambda, phi, E
        tensor([-0.5000,  1.0000], dtype=torch.float64)

    References:
        Wang, Xia, Zhang, Yao, Chen, You, Zhou, Liu, "One dimensional quasiperiodic mosaic lattice with exact mobility edges",
        arXiv:2004.11155 (their λ is half of ours).
        Ganeshan, Pixley, Das Sarma, "Nearest neighbor tight binding models with an exact mobility edge in one dimension",
        Phys. Rev. Lett. 114, 146601 (2015).
        Biddle, Das Sarma, "Predicted mobility edges in one-dimensional incommensurate optical lattices: an exactly solvable model
        of Anderson localization", arXiv:0910.4390.
    """
    row = MODELS[_check.choice(model, "model", "order_parameter", MODELS)]
    x = arrays.inputs(x, "x", "order_parameter", row.columns)
    if x.shape[1] != len(row.columns):
        _check.fail("x", "order_parameter", f"of shape (rows, {len(row.columns)}), columns {', '.join(row.columns)}", x)
    columns = dict(zip(row.columns, x.T, strict=True))
    return row.edge(columns, columns["E"])


# ---- Hamiltonians of many chains at once, and how far their eigenstates reach

Boundary = Literal["ring", "open"]
GOLDEN = (1 + math.sqrt(5)) / 2
_WHERE = "localization"
#: Numbers of the Hamiltonians that are diagonalized at once, 32 MB.
_BATCH = 4_000_000


def hamiltonian(model: str, parameters: Mapping[str, Any], sites: int = 233, boundary: Boundary = "ring") -> Tensor:
    """The Hamiltonians of chains in units of the hopping between neighbours: H = Σ hopping(|n - n'|)·|n⟩⟨n'| + Σ V(n)·|n⟩⟨n|.

    With w(n) = cos(2πbn + φ):

    - `mosaic2`, `mosaic3`: V(n) = λ·w(n) on every second or third site, else 0
    - `gaam`: V(n) = 2λ·w(n)/(1 - α·w(n))
    - `maam`: V(n) = λ·w(n), and hopping exp(-p·(d - 1)) over d sites

    On a ring b is the quotient of neighbouring Fibonacci numbers next to the golden ratio, so that the potential closes, too. An open
    chain has the golden ratio itself, and a few states at its ends that the theory of infinite chains doesn't know.

    Args:
        model: A name out of `chain_models()`.
        parameters: Each parameter of the model with a number for each chain, shape `(chains,)`, or one number.
        sites: Sites with a potential, ≥ 3; on a ring a Fibonacci number that shares no divisor with the period of the mosaic.
        boundary: `ring` or `open`.

    Returns:
        Shape `(chains, n, n)`, symmetric, float64; n is `sites` times the period of the mosaic.

    Raises:
        ValueError: For unknown, missing or impossible parameters, and for a ring on which the potential doesn't close.

    Examples:
        >>> hamiltonian("gaam", {"lambda": 0.0, "alpha": 0.5, "phi": 0.0}, sites=3, boundary="open")
        tensor([[[0., 1., 0.],
                 [1., 0., 1.],
                 [0., 1., 0.]]], dtype=torch.float64)
    """
    where = "hamiltonian"
    row = MODELS[_check.choice(model, "model", where, MODELS)]
    _check_size(row, sites, boundary, where)
    return _hamiltonians(row, _vectors(row, parameters), sites, boundary)


def _hamiltonians(row: ChainModel, parameters: Parameters, sites: int, boundary: Boundary) -> Tensor:
    """The Hamiltonians of chains, `(chains, n, n)`, n sites in all: the potential on the diagonal, the hopping beside it.

    Args:
        row: The model.
        parameters: The numbers of each chain by name, `(chains,)`.
        sites: Sites with a potential; a mosaic has others between them.
        boundary: `ring`, on which distances go the shorter way round, or `open`.
    """
    length = sites * row.period
    n = torch.arange(length, dtype=torch.float64)
    # Of a Fibonacci number of sites the next one is round(GOLDEN * sites): with their quotient the wave closes on the ring.
    b = round(GOLDEN * sites) / sites if boundary == "ring" else GOLDEN
    columns = {name: values[:, None] for name, values in parameters.items()}
    wave = torch.cos(2 * math.pi * b * n + columns["phi"])
    potential = row.potential(columns, wave) * (n % row.period == 0)
    distance = (n[:, None] - n).abs()
    if boundary == "ring":
        distance = torch.minimum(distance, length - distance)
    # Hopping is defined from distance 1 on; what stands on the diagonal is taken out below.
    hopping = row.hopping({name: values[:, :, None] for name, values in columns.items()}, distance.clamp(min=1))
    return torch.diag_embed(potential) + hopping * (distance > 0)


def inverse_participation_ratio(states: Tensor) -> Tensor:
    """IPR = Σ |ψ(n)|⁴ / (Σ |ψ(n)|²)²: 1 on one site, 1/n evenly on n sites.

    Args:
        states: One state a column, shape `(…, n, states)`, as `torch.linalg.eigh` gives them.

    Returns:
        Shape `(…, states)`.

    Examples:
        >>> inverse_participation_ratio(torch.tensor([[1.0, 0.5], [0.0, 0.5]]))
        tensor([1.0000, 0.5000])
    """
    if not isinstance(states, Tensor) or states.ndim < 2:
        expected = "a tensor with one state a column, of shape (…, sites, states)"
        _check.fail("states", "inverse_participation_ratio", expected, states, error=TypeError)
    weights = states.abs().square()
    return weights.square().sum(-2) / weights.sum(-2).square()


def fractal_dimension(states: Tensor) -> Tensor:
    """D = -log(IPR)/log(n): near 0 for a localized state, near 1 for an extended one, sharply so for many sites only.

    Args:
        states: As for `inverse_participation_ratio`, with n ≥ 2 sites.

    Examples:
        >>> fractal_dimension(torch.full((16, 1), 0.25))
        tensor([1.])
    """
    ratio = inverse_participation_ratio(states)
    if states.shape[-2] < 2:
        _check.fail("states", "fractal_dimension", "on at least two sites", states)
    return -ratio.log() / math.log(states.shape[-2])


def _check_size(row: ChainModel, sites: Any, boundary: Any, where: str) -> None:
    """An error unless chains of a model may have so many sites and such a boundary; it names the call, `where`.

    On a ring the potential closes only with a Fibonacci number of sites. If that had a divisor in common with the period of a mosaic, the
    potential would repeat itself.
    """
    _check.integer(sites, "sites", where, low=3)
    _check.choice(boundary, "boundary", where, ("ring", "open"))
    if boundary == "ring" and (not _is_fibonacci(sites) or math.gcd(sites, row.period) > 1):
        fitting = [number for number in (34, 55, 89, 233, 377, 610, 987) if math.gcd(number, row.period) == 1]
        advice = f"These are {', '.join(map(str, fitting))}; boundary='open' takes any number."
        expected = "a Fibonacci number on a ring"
        if row.period > 1:
            expected += f" of the mosaic, and without the divisor {row.period}"
        _check.fail("sites", where, expected, sites, advice)


def _is_fibonacci(number: int) -> bool:
    """Whether it is a Fibonacci number n: exactly then 5n² - 4 or 5n² + 4 is a square."""
    return any(math.isqrt(square) ** 2 == square for square in (5 * number**2 - 4, 5 * number**2 + 4))


def _vectors(row: ChainModel, parameters: Any) -> dict[str, Tensor]:
    """The parameters of a model by name, checked, as vectors of one length: a number for each chain. A single number is for all chains."""
    where, expected = "hamiltonian", f"a dictionary of {', '.join(row.ranges)}"  # all parameters have a usual range
    if not isinstance(parameters, Mapping) or set(parameters) != set(row.ranges):
        got = list(parameters) if isinstance(parameters, Mapping) else parameters
        _check.fail("parameters", where, expected, got)
    vectors = {name: torch.as_tensor(parameters[name], dtype=torch.float64).flatten() for name in row.ranges}
    lengths = {len(values) for values in vectors.values()} - {1}
    if len(lengths) > 1 or not all(bool(torch.isfinite(values).all()) for values in vectors.values()):
        _check.fail("parameters", where, f"{expected}: finite numbers, as many for each", parameters)
    for name, (low, high) in row.limits.items():  # of some parameters: outside they make no sense
        if not bool(((vectors[name] > low) & (vectors[name] < high)).all()):
            _check.fail("parameters", where, f"of {name} between {low:g} and {high:g}, without the ends", parameters)
    return dict(zip(vectors, torch.broadcast_tensors(*vectors.values()), strict=True))


# ---- eigenstates of random chains


def localization(
    model: str = "gaam",
    *,
    chains: int = 600,
    test_chains: int = 200,
    states: int = 5,
    sites: int = 233,
    boundary: Boundary = "ring",
    ranges: Mapping[str, tuple[float, float]] | None = None,
    target: Literal["phase", "dimension"] = "phase",
    threshold: float = 0.5,
    seed: int = 0,
) -> Dataset:
    """Eigenstates of random quasi-periodic chains, extended or localized.

    Each chain has random parameters; a few of its eigenstates, at random, become rows. Energies are in units of the hopping between
    neighbours. `order_parameter` has the exact answer for infinite chains, `hamiltonian` the models.

    - `lambda`: strength of the potential, from 0 to 4 (`mosaic2`, `mosaic3`, `maam`) or to 2 (`gaam`)
    - `alpha`: shape of the potential (`gaam`), from -0.9 to 0.9
    - `p`: decay of the hopping for each site (`maam`), from 0.25 to 2.5
    - `phi`: phase of the potential, from 0 to 2π; it doesn't matter
    - `E`: energy of the state

    Args:
        model: A name out of `chain_models()`.
        chains: Chains of the training rows, ≥ 1.
        test_chains: Chains of the test rows, ≥ 0: others than those of the training rows.
        states: Rows of each chain, ≥ 1.
        sites: Sites with a potential in each chain, see `hamiltonian`. The time grows with the cube.
        boundary: `ring` or `open`.
        ranges: Other ranges of parameters by name; equal ends fix one.
        target: `phase`: class 0 `extended`, class 1 `localized`. `dimension`: the fractal dimension D, a number.
        threshold: A state is localized if D is below it, 0 < threshold ≤ 1. The mosaic's states stay wide for longer: there 0.6
            parts them better.
        seed: Of the draw; the global random state isn't used.

    Returns:
        A `Dataset` with `chains * states` training rows.

    Raises:
        ValueError: For an unknown model and for numbers that make no chain, naming the argument.

    Examples:
        >>> localization("maam", chains=4, test_chains=2, sites=34)
        Dataset(20 train rows, 10 test rows, lambda, p, phi, E -> 2 classes)
        >>> strong = localization("gaam", chains=4, sites=34, ranges={"lambda": (4, 5), "alpha": (0, 0)})
        >>> bool((strong.train_label == 1).all())
        True

    References:
        Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 4.3, which has these models with the golden ratio;
        its number of sites, boundary, ranges and threshold aren't printed.
    """
    row = MODELS[_check.choice(model, "model", _WHERE, MODELS)]
    _check_size(row, sites, boundary, _WHERE)
    counts = (
        _check.integer(chains, "chains", _WHERE, low=1),
        _check.integer(test_chains, "test_chains", _WHERE, low=0, advice="0 makes no test data."),
    )
    _check.integer(states, "states", _WHERE, low=1, high=sites * row.period, advice="A chain has no more states.")
    _check.choice(target, "target", _WHERE, ("phase", "dimension"))
    _check.real(threshold, "threshold", _WHERE, low=0, high=1, open_low=True)
    chosen = _ranges(row, ranges)
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", _WHERE, low=0))
    parts: dict[str, Any] = {}
    for part, count in zip(("train", "test"), counts, strict=True):
        if count:
            unit = torch.rand(len(chosen), count, generator=generator, dtype=torch.float64)
            drawn = {name: low + (high - low) * u for (name, (low, high)), u in zip(chosen.items(), unit, strict=True)}
            picks = torch.rand(count, sites * row.period, generator=generator).argsort(1)[:, :states]
            x, dimension = _rows(row, drawn, picks, sites, boundary)
            parts[f"{part}_input"] = x
            parts[f"{part}_label"] = (dimension < threshold).long() if target == "phase" else dimension[:, None]
    return Dataset(**parts, in_vars=row.columns, out_vars=_names(parts) if target == "phase" else ("D",))


def _names(parts: Mapping[str, Tensor]) -> tuple[str, ...]:
    """The names of the classes up to the highest one that occurs in the labels of `parts`, the training and test part of a dataset.

    A weak potential leaves extended states only, and a dataset names what it has.
    """
    highest = max(int(values.max()) for part, values in parts.items() if part.endswith("label"))
    return ("extended", "localized")[: highest + 1]


def _ranges(row: ChainModel, ranges: Any) -> dict[str, tuple[float, float]]:
    """The range of each parameter of a model, checked: those that the caller gives in `ranges`, and the model's own for the others."""
    if ranges is None:
        return dict(row.ranges)
    if not isinstance(ranges, Mapping) or not set(ranges) <= set(row.ranges):
        got = list(ranges) if isinstance(ranges, Mapping) else ranges
        _check.fail("ranges", _WHERE, f"a dictionary with some of {', '.join(row.ranges)}", got)
    return dict(row.ranges) | {name: _range(row, name, pair) for name, pair in ranges.items()}


def _range(row: ChainModel, name: str, pair: Any) -> tuple[float, float]:
    """The ends of a parameter's range, checked: in order, and strictly within the model's limits, if it has any for this one.

    Args:
        row: The model.
        name: The parameter.
        pair: Low and high end as the caller gave them.
    """
    low, high = row.limits.get(name, (-math.inf, math.inf))
    expected = f"two numbers in order for {name}"
    if name in row.limits:
        expected += f", between {low:g} and {high:g} without the ends"
    try:
        first, last = (float(end) for end in pair)
    except (TypeError, ValueError):
        first = last = math.nan
    if not low < first <= last < high:
        _check.fail("ranges", _WHERE, expected, pair)
    return first, last


def _rows(
    row: ChainModel, parameters: dict[str, Tensor], picks: Tensor, sites: int, boundary: Boundary
) -> tuple[Tensor, Tensor]:
    """The table of chosen eigenstates of many chains, a row each.

    Args:
        row: The model.
        parameters: The numbers of each chain by name, `(chains,)`.
        picks: Indices of the chosen states by rising energy, `(chains, states)`.
        sites: Sites with a potential.
        boundary: `ring` or `open`.

    Returns:
        Parameters and energy, `(chains * states, parameters + 1)`, and the fractal dimension of each state, `(chains * states,)`.
    """
    energies, dimensions = [], []
    size = max(1, _BATCH // (sites * row.period) ** 2)  # few enough for the memory
    for part in (slice(start, start + size) for start in range(0, len(picks), size)):
        matrices = _hamiltonians(row, {name: values[part] for name, values in parameters.items()}, sites, boundary)
        energy, psi = torch.linalg.eigh(matrices)
        energies.append(energy.gather(1, picks[part]))
        dimensions.append(fractal_dimension(psi).gather(1, picks[part]))
    energy = torch.cat(energies)
    columns = [parameters[name][:, None].expand_as(energy) for name in row.ranges]
    return torch.stack([*columns, energy], -1).flatten(0, 1), torch.cat(dimensions).flatten()
