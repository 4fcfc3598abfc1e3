"""`auto_symbolic`: splines become functions, the surest first; the rest is refitted, and what makes the error worse is taken back."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.primitives import Primitive, primitives
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.simplification.description import description_length
from kanwidget.simplification.held_out import HeldOutRows, held_out
from kanwidget.simplification.refits import STEPS, assign, refit
from kanwidget.simplification.straightened import freedom_of_a_sum, straight_edges
from kanwidget.simplification.swaps import swapped
from kanwidget.symbolic.edges import fit_curves, numeric_edges, tied_edges
from kanwidget.symbolic.fits.custom import OnBroken, log_broken
from kanwidget.symbolic.fits.ranking import PYKAN_NUMBERS, R2_THRESHOLD, checked_simplicity
from kanwidget.symbolic.fits.spaces import curve_noise, scaled_error

_log = logging.getLogger(__name__)
#: Functions of an edge that are tried with a refit; half as many in a network of more edges.
_TRIED, _MANY_EDGES = 4, 20
#: Functions that are behind an allowed one by this score aren't tried.
_AHEAD = 5.0
#: Steps that a whole network takes, about: a step decides about all edges over this number, of a small network about one.
_STEPS_OF_A_NETWORK = 12
#: An edge that was refused a function is asked once more where the mean squared error has fallen to this part since.
_CLEARER = 0.25
#: Rows on which edges are fitted, at least; fewer than twice as many.
_ROWS = 256


@dataclass(frozen=True, slots=True)
class SymbolicStep:
    """Result of one step of `auto_symbolic_steps`: edges that were searched and, where a candidate fits, fixed."""

    searched: tuple[EdgeRef, ...]
    """Of tied edges only the owner of the parameters."""
    fixed: tuple[tuple[EdgeRef, SymbolicFit], ...]
    """Edges that are symbolic now, with their fits; of tied edges all."""
    numeric: tuple[EdgeRef, ...]
    """Searched edges that stay splines."""
    remaining: int
    """Number of edges that later steps search."""
    reasons: dict[EdgeRef, str] = field(default_factory=dict)
    """Why the numeric ones stay splines, one sentence each."""
    error: float = math.nan
    """The error on held-out rows after the step, in the target's unit."""


def auto_symbolic_steps(
    network: Network,
    data: Any = None,
    *,
    edges: Iterable[Sequence[int]] | None = None,
    lib: Iterable[str] | None = None,
    simplicity: float | None = None,
    weight_simple: float | None = None,
    r2_threshold: float = R2_THRESHOLD,
    edges_per_step: int | None = None,
    refit_steps: int = STEPS,
    on_broken: OnBroken = log_broken,
) -> Iterator[SymbolicStep]:
    """`auto_symbolic` in steps, each of which decides about one edge or some. Changes the network in place.

    Arguments are checked at the call; the network changes as the steps are taken. A loop that breaks off keeps the edges fixed so far.

    Args:
        network: The network.
        data: See `auto_symbolic`.
        edges: `(layer, source, target)` of the edges in question; all by default. Edges that share a function count as one.
            Symbolic and pruned edges are skipped.
        lib: Names of the primitives to try; all of them by default.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; 0.7 by default.
        weight_simple: Ranks as pykan does, with this weight of simplicity, instead.
        r2_threshold: The least R² for which an edge is fixed. Below 0 every edge is fixed, whatever the data say.
        edges_per_step: Most edges that a step decides about together; by default a twelfth of them.
        refit_steps: Most steps of each refit; 0 for none.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Raises:
        ValueError: For an edge or a primitive that doesn't exist.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 2, dtype=torch.float64)
        >>> steps = auto_symbolic_steps(KAN([2, 1]), x, r2_threshold=-1, edges_per_step=1)
        >>> [(len(step.searched), step.remaining) for step in steps]
        [(1, 1), (1, 0)]
    """
    where = "auto_symbolic"
    _check.real(r2_threshold, "r2_threshold", where, high=1)
    weight = checked_simplicity(simplicity, weight_simple, where)
    _check.integer(refit_steps, "refit_steps", where, low=0)
    library = tuple(primitives(lib, where))
    owners = _owners(network, edges)
    held = held_out(network, data, where, r2_threshold)
    numbers = None if weight_simple is None else PYKAN_NUMBERS  # independent numbers of a curve
    ranking = {"numbers": numbers, "simplicity": weight, "on_broken": on_broken}
    tried = _TRIED if len(owners) <= _MANY_EDGES else _TRIED // 2  # functions of an edge, each with a refit
    straight = straight_edges(freedom_of_a_sum(network) or {})
    search = _FunctionSearch(network, held, library, ranking, r2_threshold, refit_steps, tried, straight)
    return search.steps(owners, edges_per_step)


def _owners(network: Network, edges: Iterable[Sequence[int]] | None) -> list[EdgeRef]:
    """The splines in question; of tied edges only the owner of the parameters."""
    owners = numeric_edges(network)
    if edges is None:
        return owners
    chosen = set()
    for index, source, target in edges:
        network.check_edge(index, source, target, "auto_symbolic")
        chosen.add(_tied(network, index, source, target)[0])
    return [ref for ref in owners if ref in chosen]


@dataclass(slots=True)
class _FunctionSearch:
    """The search for functions in place of splines: what decides about them, and how far the network has come."""

    network: Network
    held: HeldOutRows
    library: tuple[Primitive, ...]
    ranking: dict[str, Any]
    """The arguments `numbers`, `simplicity` and `on_broken` of `fit_curves`."""
    r2_threshold: float
    refit_steps: int
    tried: int
    """Functions of an edge that are tried with a refit."""
    straight: list[EdgeRef]
    """Edges that evidence says to be straight: on average over what the rows leave open they are bent a little."""
    best_losses: Tensor = field(init=False)
    """The lowest losses of the held-out rows so far."""

    def steps(self, owners: list[EdgeRef], edges_per_step: int | None) -> Iterator[SymbolicStep]:
        """Decide about the splines in question, the surest ones first; yields what each step has fixed and refused. In place.

        Args:
            owners: The edges in question, of tied ones the first.
            edges_per_step: Most edges of a step; None for a twelfth of all.
        """
        remaining = list(owners)
        size = edges_per_step or max(1, len(owners) // _STEPS_OF_A_NETWORK)
        self.best_losses = self.held.row_losses(self.network)
        #: The error at which each edge was refused a function: what other edges still missed may have hidden its own.
        refused: dict[EdgeRef, float] = {}
        asked: set[EdgeRef] = set()
        while remaining:
            candidates = self._candidates(remaining)
            remaining.sort(key=lambda ref: _sureness(candidates[ref]), reverse=True)
            group, remaining = remaining[:size], remaining[size:]
            fixed, reasons = self._decide(group, candidates)
            error = float(self.best_losses.mean())
            # Refused edges are asked once more in the end, if the others have made the error much smaller since.
            again = [] if remaining else [ref for ref, loss in refused.items() if error < _CLEARER * loss]
            refused = {ref: loss for ref, loss in refused.items() if ref not in again and ref not in group}
            refused |= {ref: error for ref in reasons if ref not in asked}
            asked.update(group)
            remaining += again
            for ref, fit in fixed.items():
                _log.info("edge (%d, %d, %d) is now %s, R² = %.6g", *ref, fit.equation, fit.r2)
            for ref, reason in reasons.items():
                _log.info("edge (%d, %d, %d) stays numeric: %s", *ref, reason)
            every = tuple((tied, fit) for ref, fit in fixed.items() for tied in _tied(self.network, *ref))
            error = self.held.error(self.network)
            yield SymbolicStep(tuple(group), every, tuple(reasons), len(remaining), reasons, error)

    def _candidates(self, refs: Sequence[EdgeRef]) -> dict[EdgeRef, list[SymbolicFit]]:
        """The functions in question for some edges, best first, without those that only imitate another one.

        An edge whose curve no function of the library can follow has an empty list. Of many rows only some are used.
        """
        network, data = self.network, self.held.data
        rows = len(data.train_input)
        x = data.train_input[:: max(1, rows // _ROWS)]
        # Where labels are the network's own outputs its error is 0, and says nothing about noise.
        error = None if self.held.noiseless else scaled_error(network, data)
        found: dict[EdgeRef, list[SymbolicFit]] = {}
        for index in sorted({ref.layer for ref in refs}):
            in_layer = [ref for ref in refs if ref.layer == index]
            noise = None if error is None else curve_noise(network, in_layer, x, error, rows)
            fits = fit_curves(network, in_layer, x, self.library, noise=noise, **self.ranking)
            for ref, row in zip(in_layer, fits, strict=True):
                # Where evidence says straight, a line is the only function in question; else all that don't imitate a simpler one.
                lines = [fit for fit in row if fit.name == "x" and ref in self.straight]
                found[ref] = lines or [fit for fit in row if fit.imitates is None]
        return found

    def _decide(
        self, group: Sequence[EdgeRef], candidates: dict[EdgeRef, list[SymbolicFit]]
    ) -> tuple[dict[EdgeRef, SymbolicFit], dict[EdgeRef, str]]:
        """Fix the edges of a group that the data allow: all at once, or else each half by itself. In place.

        `candidates` has the functions in question for each edge, best first.

        Returns:
            The fixed edges, and why the others stay splines.
        """
        # Of each edge its functions with enough R², best first.
        good = {ref: [fit for fit in candidates[ref] if fit.r2 >= self.r2_threshold] for ref in group}
        reasons = {ref: _no_candidate(candidates[ref], self.r2_threshold) for ref in group if not good[ref]}
        refs = [ref for ref in group if good[ref]]
        if not refs:
            return {}, reasons
        if len(refs) == 1:
            fit, reason = self._best_of(refs[0], good[refs[0]])
            return ({}, reasons | {refs[0]: reason}) if fit is None else ({refs[0]: fit}, reasons)
        fixed = {ref: good[ref][0] for ref in refs}
        trial, losses = self._refitted(fixed)
        if self._allows(losses):
            self._take(trial, losses)
            return fixed, reasons
        fixed = {}
        for half in (refs[: len(refs) // 2], refs[len(refs) // 2 :]):
            done, why = self._decide(half, candidates)
            fixed, reasons = fixed | done, reasons | why
        return fixed, reasons

    def _best_of(self, ref: EdgeRef, fits: Sequence[SymbolicFit]) -> tuple[SymbolicFit | None, str]:
        """Try some functions on an edge, each with a refit, and fix it to the one with the shortest description of the data. In place.

        Returns:
            The function, None if none is allowed; and why there is none, empty where there is one.
        """
        held = self.held
        # Function, refitted network, its losses, and whether they are allowed.
        trials: list[tuple[SymbolicFit, Network, Tensor, bool]] = []
        for fit in _tried(fits, self.tried) if self.r2_threshold >= 0 else fits[:1]:
            # Lower scores are better: beside an allowed function one that is far behind needs no refit.
            if any(allowed for *_, allowed in trials) and fit.score - trials[-1][0].score > _AHEAD:
                break
            trial, losses = self._refitted({ref: fit})
            trials.append((fit, trial, losses, self._allows(losses)))
        allowed = [entry for entry in trials if entry[3]]
        if not allowed:
            fit, _, losses, _ = min(trials, key=lambda entry: float(entry[2].mean()))
            before, after = (held.reported(self.network, rows) for rows in (self.best_losses, losses))
            return None, f"{fit.name} would raise the {held.error_name} from {before:.3g} to {after:.3g}"
        fit, trial, losses, _ = min(allowed, key=lambda entry: description_length(entry[1], held))
        self._take(trial, losses)
        return fit, ""

    def _refitted(self, fits: dict[EdgeRef, SymbolicFit]) -> tuple[Network, Tensor]:
        """A copy of the network with some functions, refitted, and its losses on the held-out rows, `(rows,)`."""
        trial = swapped(self.network, fits, self.held.data.train_input)
        return trial, refit(trial, self.held, self.refit_steps)

    def _allows(self, losses: Tensor) -> bool:
        """Whether held-out losses, `(rows,)`, are as good as the best so far, but for chance; a threshold below 0 takes what fits best."""
        return self.r2_threshold < 0 or self.held.allows(self.best_losses, losses)

    def _take(self, trial: Network, losses: Tensor) -> None:
        """Take over a trial's functions and constants; its losses are the ones to keep to, if they are lower. In place."""
        assign(self.network, trial)
        self.best_losses = min(self.best_losses, losses, key=lambda rows: float(rows.mean()))


def _tied(network: Network, layer: int, source: int, target: int) -> list[EdgeRef]:
    """The edges that share an edge's function, the owner of the parameters first."""
    return [EdgeRef(layer, *pair) for pair in tied_edges(network.layer(layer), source, target)]


def _sureness(fits: Sequence[SymbolicFit]) -> tuple[float, float]:
    """How sure the best of an edge's functions, best first, is: by how much lower its score is than the next one's, then its R².

    Without another function the first number is infinite; without any it is -inf.
    """
    if not fits:
        return -math.inf, 0.0
    gap = fits[1].score - fits[0].score if len(fits) > 1 else math.inf
    return gap, fits[0].r2


def _tried(fits: Sequence[SymbolicFit], count: int) -> list[SymbolicFit]:
    """The first `count` of an edge's functions, best first, and the simplest of all."""
    simplest = min(fits, key=lambda fit: (fit.complexity, fit.score))
    return [*fits[:count], *([] if simplest in fits[:count] else [simplest])]


def _no_candidate(fits: Sequence[SymbolicFit], r2_threshold: float) -> str:
    """Why none of an edge's functions reaches the least R², in words."""
    if not fits:
        return "no function of the library holds its data"
    best = max(fits, key=lambda fit: fit.r2)
    return f"the best, {best.name}, has R² = {best.r2:.4g}, less than {r2_threshold:.12g}"


@limit_threads
def auto_symbolic(
    network: Network,
    data: Any = None,
    *,
    lib: Iterable[str] | None = None,
    simplicity: float | None = None,
    weight_simple: float | None = None,
    r2_threshold: float = R2_THRESHOLD,
    refit_steps: int = STEPS,
) -> list[tuple[EdgeRef, SymbolicFit]]:
    """Replace splines by functions, the surest first, and refit the network after each. Changes the network in place.

    For each edge a few functions are tried, and the one with the shortest description of the data stays: misfit, constants and
    functions, in bits. Where all of them make the error on held-out rows (the validation or test rows, otherwise a fifth of the
    training rows) worse than their noise allows, the edge stays a spline, and the log says why. Functions that only imitate a simpler
    one are never chosen. Symbolic and pruned edges stay as they are.

    `fit` then trains the constants on all rows; `fit_formula` gives the formula with their standard errors.

    Args:
        network: The network.
        data: A `Dataset`, a dict or a pair with labels. Inputs alone, or None for the reference data of the last training, get the
            network's own outputs as labels.
        lib: Names of the primitives to try; all of them by default.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; 0.7 by default.
        weight_simple: Ranks as pykan does, with this weight of simplicity, instead.
        r2_threshold: The least R² for which an edge is fixed. Below 0 every edge is fixed, whatever the data say.
        refit_steps: Most steps of each refit; 0 for none.

    Returns:
        The edges that were fixed, in the order of the structure, with the fits to their curves; the refits have moved the constants.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], train_num=100, test_num=50)
        >>> model = KAN([2, 1])
        >>> history = model.fit(data, steps=10, progress=False)
        >>> [fit.name for edge, fit in auto_symbolic(model, data)]
        ['x^2', 'x']
    """
    steps = auto_symbolic_steps(
        network,
        data,
        lib=lib,
        simplicity=simplicity,
        weight_simple=weight_simple,
        r2_threshold=r2_threshold,
        refit_steps=refit_steps,
    )
    fixed = {ref: fit for step in steps for ref, fit in step.fixed}
    return [(ref, fixed[ref]) for ref in network.edge_refs() if ref in fixed]
