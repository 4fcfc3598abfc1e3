"""`fit_residual`: least squares on any residuals of a network's value and derivatives; `prune_residual`: the same with fewer edges."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from kanwidget import _check
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.records import History
from kanwidget.core.reference_data import reference_rows
from kanwidget.core.state import NetworkState
from kanwidget.surgery import remove_edge
from kanwidget.training.residuals.arguments import prepare
from kanwidget.training.residuals.terms import ResidualError
from kanwidget.training.residuals.trainer import ResidualSettings, ResidualTrainer
from kanwidget.training.residuals.weighting import standard_errors
from kanwidget.training.steps.loop import append_history, check_hooks, progress_bar, take_steps
from kanwidget.training.steps.trainer import Callback

_WHERE = "fit_residual"
_log = logging.getLogger(__name__)
#: A loss counts as kept up to this multiple of the loss with all edges.
_SLACK = 2.0
#: Why a training stopped at Ctrl-C.
_INTERRUPTED = "interrupted"


@dataclass(slots=True, repr=False)
class ResidualHistory(History):
    """All steps of `fit_residual`: the columns of `History`, each residual's root mean square and each unknown constant by name."""

    unknowns: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Unknown constants by name: value and standard error."""
    weights: dict[str, float] = field(default_factory=dict)
    """The last weights of the residuals' mean squares."""


def fit_residual(
    network: Network,
    residuals: Mapping[str, Any],
    points: Mapping[str, Any],
    weights: Any = "auto",
    opt: str = "LM",
    steps: int = 60,
    *,
    unknowns: Mapping[str, float] | None = None,
    grid_schedule: Iterable[int] = (),
    candidate_points: Mapping[str, Any] | None = None,
    resample_every: int = 20,
    update_grid: bool = True,
    seed: int = 0,
    callbacks: Iterable[Callback] = (),
    progress: bool = True,
) -> ResidualHistory:
    """Train in place so that residuals vanish: differential equations, boundary and initial values, data.

    It minimizes Σ wᵢ·mean(rᵢ²) over all residuals, by Levenberg-Marquardt. The Jacobian is assembled from the derivatives that
    the residuals ask for, carried through the layers, without automatic differentiation per point. Besides the points
    themselves, memory holds 32 MB of it at a time, some 60·P² bytes for P parameters (seven matrices at once), and at most 256 MB of basis
    functions a residual.

    An equation alone has many solutions, and the fit ends at any of them: initial and boundary values are residuals, too. Where
    u = 0 satisfies all residuals, a warning is logged. Of many solutions `prune_residual` looks for a sparse one.

    Args:
        network: The network, in float64 for more than six digits. Second derivatives of splines of order k are of order k - 2:
            k = 4 or 5 converges where cubic ones get stuck in their kinks.
        residuals: By name, functions of a `Field` u (`u.x`, `u.value`, `u.d(0)`, `u.d(0, 1)`, `u.gradient`, `u.hessian`,
            `u.laplacian`) that return what shall be 0, `(batch, columns)`; each row from its own point alone. Derivatives
            are of second order at most: write higher ones as systems, with a lower derivative as a further output.
        points: By the same names, points `(batch, features)`. Those of an equation lie on the boundary and at the start, too: left
            out there, a network can jump between the start and the earliest point, and follow another solution from there. A tuple
            of sets of as many points each gives the function one `Field` a set, whose rows belong together (the two ends of
            a period, say; a function of sin and cos, given as inputs, has the period anyway).
        weights: `auto` gives each residual the same trace of the tangent kernel (arXiv:2007.14527), found anew whenever grids or points
            change; a mapping from names to weights > 0, for instance 1/σ² of measurements; None for 1.
        opt: `LM`.
        steps: Most steps with each grid; a grid that has converged takes fewer.
        unknowns: Constants to find, by name with first values. Functions with arguments of these names get them as numbers.
        grid_schedule: Grid intervals to go on with, one after the other, each greater than the last: `(10, 20)`.
        candidate_points: For residuals whose points are to follow the residual, points to draw them from, every `resample_every` steps by
            the density |r|/mean|r| + 1 (arXiv:2207.10289), with |r| a decaying mean over the drawings, so that points stay at a
            front. Those functions must take everything from `u.x`.
        resample_every: See `candidate_points`.
        update_grid: Whether grids follow the activations at steps 10 and 20 of the first grid, as in `fit`, and are
            widened, which changes nothing within, wherever activations come close to an end. Those of a network that solves a
            good part of the problem already are widened only.
        seed: Seed of that drawing.
        callbacks: Called with `(network, record)` after each step; one that returns True ends the training.
        progress: Whether to show a progress bar.

    Returns:
        A `ResidualHistory`: its `train_loss` is the root of the minimized sum; `unknowns` has the constants and their standard errors.
        Ctrl-C ends the training and keeps the last finished step.

    Raises:
        ValueError: For arguments that don't fit, and for residuals that fail, are not finite at the start or have another shape; the
            network is then unchanged.

    Examples:
        u″ = -u with u(0) = 0 and u′(0) = 1 is the sine.

        >>> import torch
        >>> from kanwidget import KAN, fit_residual
        >>> x = torch.linspace(0, 3, 40, dtype=torch.float64)[:, None]
        >>> model = KAN([1, 1], grid=8, k=5, grid_range=(0, 3))
        >>> history = fit_residual(
        ...     model,
        ...     {"equation": lambda u: u.d(0, 0) + u.value, "start": lambda u: torch.cat([u.value, u.d(0) - 1], 1)},
        ...     {"equation": x, "start": x[:1]},
        ...     progress=False,
        ... )
        >>> bool((model.predict(x) - torch.sin(x)).abs().max() < 1e-5)
        True
    """
    if not isinstance(network, Network):
        _check.fail("network", _WHERE, "a network", network, "Build it with KAN([2, 5, 1]).", error=TypeError)
    _check.choice(opt, "opt", _WHERE, ["LM"])
    _check.boolean(update_grid, "update_grid", _WHERE)
    _check.boolean(progress, "progress", _WHERE)
    settings = ResidualSettings(
        _check.integer(steps, "steps", _WHERE, low=0),
        _grids(network, grid_schedule),
        update_grid,
        _check.integer(resample_every, "resample_every", _WHERE, low=1),
        _check.integer(seed, "seed", _WHERE, low=0),
    )
    hooks = check_hooks(callbacks, _WHERE)
    state = NetworkState(network)
    equations = prepare(network, residuals, points, weights, unknowns, candidate_points)
    trainer = ResidualTrainer(network, equations, settings)
    if any(term.derivatives.order for term in equations.terms) and float(trainer.objective.loss_of_zero()) == 0:
        advice = "Is an initial or boundary value, or a normalization, missing among the residuals?"
        _log.warning("u = 0 satisfies every residual, so nothing asks the network for another solution. %s", advice)
    network.reference = reference_rows(trainer.rows)
    history = ResidualHistory(optimizer="LM")
    bar = progress_bar(settings.steps * (1 + len(settings.grid_schedule)), progress)
    try:
        take_steps(network, trainer, history, hooks, bar)
    except ResidualError:
        state.restore()
        raise
    except BaseException:  # of a callback, say
        _conclude(network, trainer, history)
        raise
    _conclude(network, trainer, history)
    return history


def _conclude(network: Network, trainer: ResidualTrainer, history: ResidualHistory) -> None:
    """Complete the history by weights, unknown constants and their errors, and append it to the network's own.

    The network's scales count as settled from now on.
    """
    history.weights = trainer.weights
    network.scaling.settle()
    if trainer.unknowns:
        trainer.refresh()  # the last step's callback may have changed the network
        pairs = zip(trainer.unknowns.items(), standard_errors(trainer.objective), strict=True)
        history.unknowns = {name: (value, error) for (name, value), error in pairs}
    append_history(network, history)


def _grids(network: Network, grid_schedule: Any) -> tuple[int, ...]:
    """The grid intervals of the refinements as a tuple, or an error: each is greater than the last, the first than the network's own."""
    several = isinstance(grid_schedule, Iterable) and not isinstance(grid_schedule, str)
    grids = list(grid_schedule) if several else [grid_schedule]
    largest = max(layer.grid_size for layer in network.layers)
    for grid in grids:
        advice = "Each grid has more intervals than the one before; the network's own comes first."
        largest = _check.integer(grid, "grid_schedule", _WHERE, low=largest + 1, advice=advice)
    return tuple(int(grid) for grid in grids)


def prune_residual(
    network: AnyNetwork,
    residuals: Mapping[str, Any],
    points: Mapping[str, Any],
    weights: Any = "auto",
    *,
    steps: int = 30,
    tolerance: float = 1e-6,
    seed: int = 0,
    **options: Any,
) -> AnyNetwork:
    """A new network, trained on residuals, without the edges that they don't need.

    Many networks may satisfy the same residuals: each combination of conserved quantities is conserved, too. Here every edge is taken
    out in turn and the others are trained; it stays out if the residuals still vanish. What is left is a sparse solution, and
    the order, which is random, decides which. An edge may look important and go all the same: the others take over. Where `prune`
    asks what an edge does, this asks whether it is needed.

    Args:
        network: The network; it isn't changed. Frozen edges stay as they are.
        residuals: As for `fit_residual`.
        points: As for `fit_residual`.
        weights: As for `fit_residual`; those of the first training serve all others, so that losses can be compared.
        steps: Most steps of each training, ≥ 1.
        tolerance: Residuals count as vanished where the root of the minimized sum is at most this, or twice what the network reached
            with all its edges. ≥ 0, in the unit of the residuals. A network that is far from a solution loses nearly all edges, since
            twice its residuals are no demand: give it more steps, or train it before.
        seed: Of the order of the edges.
        **options: Of `fit_residual`, but for `grid_schedule`, `callbacks` and `progress`.

    Returns:
        The network with the remaining edges. The history of its last training is the end of its `history`. Ctrl-C ends the search: the
        edges that were found needless until then are out.

    Raises:
        ValueError: For arguments that don't fit, as `fit_residual` raises it.

    Examples:
        (x + y)·∂C/∂y = 0 leaves C no y.

        >>> from kanwidget import KAN
        >>> x = torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> ends = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
        >>> residuals = {"constant": lambda C: C.x.sum(1, keepdim=True) * C.d(1), "ends": lambda C: C.value - C.x[:, [0]]}
        >>> small = prune_residual(KAN([2, 1], grid_range=(0, 1)), residuals, {"constant": x, "ends": ends})
        >>> small.edge_refs(active=True)
        [EdgeRef(layer=0, source=0, target=0)]
    """
    where = "prune_residual"
    _check.integer(steps, "steps", where, low=1)
    _check.real(tolerance, "tolerance", where, low=0)
    refused = sorted(options.keys() & {"grid_schedule", "callbacks", "progress"})
    if refused:
        _check.fail("options", where, f"without {', '.join(refused)}", refused, "Give them to fit_residual, before.")
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", where, low=0))
    best = copy.deepcopy(network)
    options |= {"steps": steps, "progress": False}
    history = fit_residual(best, residuals, points, weights, **options)
    if history.stop_reason == _INTERRUPTED:
        return best
    limit = max(tolerance, _SLACK * history.last.train_loss)
    edges = [e for e in best.edge_refs(active=True) if not bool(best.layer(e.layer).frozen[e.target, e.source])]
    for index in torch.randperm(len(edges), generator=generator).tolist():
        trial = copy.deepcopy(best)
        remove_edge(trial, *edges[index])
        options["unknowns"] = {name: value for name, (value, _) in history.unknowns.items()}
        try:
            attempt = fit_residual(trial, residuals, points, history.weights, **options)
        except ValueError:  # a residual isn't finite without this edge
            continue
        if attempt.stop_reason == _INTERRUPTED:
            break
        if attempt.last.train_loss <= limit:
            best, history = trial, attempt
    return best
