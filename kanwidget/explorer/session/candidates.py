"""`EdgeCandidates`: the functions that could replace an edge, best first, and two caches of them."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, Primitive, SymbolicFit, primitive
from kanwidget.core.primitives import primitives
from kanwidget.core.reference_data import REFERENCE_ROWS
from kanwidget.datasets.validation import sampled_data
from kanwidget.explorer.session.caches import Latest
from kanwidget.explorer.session.samples import sampled_edge
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.symbolic.candidates.partial_residuals import partial_residuals
from kanwidget.symbolic.candidates.suggest import candidates_of_layer, noise_of
from kanwidget.symbolic.fits.custom import BrokenPrimitive, blamed, called
from kanwidget.symbolic.fits.ranking import SIMPLICITY, misfit, order, score
from kanwidget.symbolic.fits.spaces import numbers_of
from kanwidget.symbolic.writing.text import equation
from kanwidget.symbolic.writing.tidy import visible

#: Seconds that a best candidate may lag behind the training: candidates are refreshed about once a second.
LAG_SECONDS = 2.0
#: Edges of which the best candidate is cached; the oldest entry is dropped first.
_MOST_EDGES = 64
#: Fractions of the edge's spread: movements below the first show no difference, those above the second need a full search.
_SAME, _FAR = 1e-3, 0.2
#: Number of functions that a refresh fits anew: of the best ones, and of all others in turn.
_BEST, _OTHERS = 6, 2


@dataclass(slots=True)
class _BestEntry:
    fit: SymbolicFit
    version: int
    seconds: float
    samples: Tensor
    """Inputs and values of the edge: where these are the same, so is the fit."""
    differs_in: int = -1
    """The last version whose samples were found to differ."""


class BestCache:
    """Cache of the best candidate per edge, valid while the edge's samples are unchanged.

    While training an entry may be a little older, but not older than the last act.
    """

    def __init__(self) -> None:
        #: Edge → its best candidate with the version and the samples that it was searched for; the oldest first.
        self._entries: dict[EdgeRef, _BestEntry] = {}

    def put(self, edge: EdgeRef, fit: SymbolicFit, version: int, samples: Tensor) -> None:
        """Store the best candidate of an edge, with the version of the network and the edge's samples that it was searched for."""
        self._entries.pop(edge, None)  # so that the new entry is the last one, and the first one is the oldest
        self._entries[edge] = _BestEntry(fit, version, time.monotonic(), samples)
        if len(self._entries) > _MOST_EDGES:
            del self._entries[next(iter(self._entries))]

    def get(self, edge: EdgeRef, run: TrainingRun, samples: Callable[[], Tensor]) -> SymbolicFit | None:
        """The best candidate of an edge; None without one that holds for the network as it is.

        It holds for the version that it was searched in and later ones with the same samples; while training also for two seconds, but not
        beyond an act (`run.act_version` is the version after the last one).

        Args:
            edge: The edge.
            run: The network in training.
            samples: Gives what the edge is fitted to now; called only where versions don't decide.
        """
        entry, version = self._entries.get(edge), run.version
        if entry is None:
            return None
        late = time.monotonic() - entry.seconds > LAG_SECONDS
        if entry.version == version or (run.running and not late and entry.version >= run.act_version):
            return entry.fit
        # `differs_in`: the last version whose samples were found to differ. A curve that has moved in training doesn't come back.
        if entry.differs_in == version or (run.running and entry.differs_in > entry.version):
            return None
        if torch.equal(entry.samples, samples()):
            entry.version = version
            return entry.fit
        entry.differs_in = version
        return None

    def edges(self) -> list[EdgeRef]:
        """The edges that have an entry, which may be out of date."""
        return sorted(self._entries)


class EdgeCandidates:
    """The candidates of a network in training. It alone assigns its attributes.

    Args:
        run: The network in training.
        lib: Names of the primitives; None for all of them.
    """

    def __init__(self, run: TrainingRun, lib: tuple[str, ...] | None = None) -> None:
        self.run, self.lib = run, lib  # the network in training; names of the primitives, None for all of them
        #: Weight of simplicity in the ranking.
        self.simplicity = SIMPLICITY
        #: The best candidate of each edge, for one library and weight of simplicity.
        self._best = Latest[BestCache]()
        #: Edge → all its candidates, in one version of the network.
        self._rankings = Latest[dict[EdgeRef, list[SymbolicFit]]]()
        #: The search of the selected edge while it trains, in which a refresh fits a few functions anew.
        self._live: _LiveSearch | None = None
        #: Edge with a function → its partial residuals, what the training rows ask of it in one state: `(3, rows)`, see `samples`.
        self._requests = Latest[dict[EdgeRef, Tensor]]()
        #: Registered functions that don't work, and messages about those of them that no notice has named yet.
        self._broken: set[Primitive] = set()
        self.unreported: list[str] = []

    def forget(self) -> None:
        """Forget the best candidates and the live search after a change of the nodes: the same indices now name other edges."""
        self._best, self._live = Latest[BestCache](), None

    def rank_by(self, simplicity: float) -> None:
        """Rank candidates from now on with this weight of simplicity, 0 to 1: of complexity against accuracy."""
        self.simplicity = simplicity
        self._live = None  # the search of the selected edge while it trains, whose ranking was another

    @property
    def library(self) -> tuple[Primitive, ...]:
        """The primitives that are candidates; more may be registered at any time."""
        return tuple(primitives(self.lib))

    @property
    def best(self) -> BestCache:
        """The cache of each edge's best candidate. It is empty after a change of the library or of the weight of simplicity."""
        return self._best.get((self.library, self.simplicity), BestCache)

    # ---- one edge

    def of(self, edge: EdgeRef) -> list[SymbolicFit]:
        """All functions that could replace an edge, best first; searched once for each version of the network."""
        if edge not in self._cached():
            self.store(edge, self.search(edge))
        return self._cached()[edge]

    def is_cached(self, edge: EdgeRef) -> bool:
        """Whether the candidates of an edge need no search."""
        return edge in self._cached()

    def store(self, edge: EdgeRef, fits: list[SymbolicFit]) -> None:
        """Cache all candidates of an edge as it is now, best first: they count for this version of the network.

        The best one has a cache of its own, where it counts for later versions, too, as long as the edge's samples are the same.
        """
        self._cached()[edge] = fits
        if fits:
            self.best.put(edge, fits[0], self.run.version, self.samples(edge))

    def search(self, edge: EdgeRef, names: Sequence[str] | None = None) -> list[SymbolicFit]:
        """Fit the functions `names` (None for all of the library) to an edge as it is now; the candidates, best first, aren't cached."""
        return self.of_layer([EdgeRef(*edge)], names)[0]

    def params_for_data(self, edge: EdgeRef, name: str) -> tuple[float, float, float, float] | None:
        """The constants a, b, c, d with which the function `name` takes the place of an edge's function: those that the data ask for.

        None for a spline, to whose curve the function is fitted when it is fixed, and where the function is no candidate.
        """
        if not self._has_symbol(edge):
            return None
        return next((fit.params for fit in self.of(edge) if fit.name == name), None)

    @property
    def _state(self) -> tuple[int, float]:
        """What candidates depend on: the network, and the noise on the labels."""
        return self.run.version, self.run.noise

    def _has_symbol(self, edge: EdgeRef) -> bool:
        """Whether an edge has a function, alone or beside a spline: its candidates are then searched on what the rows ask."""
        return self.run.model.layer(edge[0]).symbol(*edge[1:]) is not None

    def _cached(self) -> dict[EdgeRef, list[SymbolicFit]]:
        """Edge → all its candidates, for the network, library and ranking as they are now; callers add the edges that they search."""
        return self._rankings.get((self._state, self.library, self.simplicity), dict)

    def samples(self, edge: EdgeRef) -> Tensor:
        """Some of what an edge is fitted to: where that is the same, so are its candidates.

        Returns:
            Of a spline the inputs and values of the edge, `(2, rows)`. Of an edge with a function its partial residuals, where each output
            has labels: inputs, the values with which the outputs would be the labels, and weights, `(3, rows)`.
        """
        if self._has_symbol(edge):
            # Edge → its partial residuals, as far as they are computed.
            requests = self._requests.get(self._state, dict)
            if edge not in requests:
                # One pass for all that will be asked for next.
                edges = [ref for ref in {edge, *self.best.edges()} if self._has_symbol(ref)]
                data = sampled_data(self.run.trainer.data, REFERENCE_ROWS)
                rows = partial_residuals(self.run.model, edges, data) or []  # none where outputs lack labels
                requests |= zip(edges, map(torch.stack, rows), strict=bool(rows))
            if edge in requests:
                return requests[edge]
        return sampled_edge(self.run.model, edge, self.run.model.reference)

    # ---- several edges

    def of_layer(self, edges: Sequence[EdgeRef], names: Sequence[str] | None = None) -> list[list[SymbolicFit]]:
        """The candidates of each of some edges of one layer, best first: much faster than one edge after the other.

        Args:
            edges: The edges.
            names: Of the functions that are fitted; None for all of the library.
        """
        model, data = self.run.model, self.run.trainer.data
        library = self.library if names is None else primitives(names)
        return candidates_of_layer(
            model, edges, data, library, simplicity=self.simplicity, on_broken=self.record_broken
        )

    def best_of(self, edge: EdgeRef) -> SymbolicFit | None:
        """The best candidate of an edge, None where no search has found it for the current state."""
        return self.best.get(edge, self.run, lambda: self.samples(edge))

    # ---- while training

    def for_view(self, edge: EdgeRef) -> list[SymbolicFit]:
        """The candidates to show, best first: up-to-date ones, or while training those of the live search, which refits a few at a time."""
        if not self.run.running or self.is_cached(edge) or self._has_symbol(edge):
            return self.of(edge)
        samples = self.samples(edge)
        self._live = self._refreshed(edge, samples)
        if self._live.fits:
            self.best.put(edge, self._live.fits[0], self.run.version, samples)
        return self._live.fits

    def _refreshed(self, edge: EdgeRef, samples: Tensor) -> _LiveSearch:
        """The current candidates of an edge, from those of the previous refresh: the best six, and two others in turn, are fitted anew.

        Of each other one, c·f(a·x + b) + d, a and b stay, and c, d and R² are new. All are searched for another edge or library, and for a
        curve that has moved by more than 20 % of its spread.

        Args:
            edge: The edge.
            samples: Its inputs and values, `(2, n)`; those of the last full search are `previous.searched`.
        """
        previous, library = self._live, self.library
        is_same = previous is not None and (previous.edge, previous.library) == (edge, library)
        if previous is None or not is_same or _distance(previous.searched, samples) > _FAR:
            return _LiveSearch(edge, self.search(edge), samples, samples, library)
        # What ranks: simplicity, how many independent numbers the curve has, and how uncertain it is, as a part of its variance.
        noise = noise_of(self.run.model, [edge], self.run.trainer.data)[0]
        rule = Rule(self.simplicity, numbers_of(self.run.model.layer(edge[0])), noise)
        names = [row.name for row in library]
        best = [fit.name for fit in previous.fits[:_BEST]]
        # From the one whose turn it is to the end of the library, then from its beginning.
        others = [name for name in names[previous.turn :] + names[: previous.turn] if name not in best]
        anew = [*best, *others[:_OTHERS]]
        fits = self.search(edge, anew)
        rescaled = [refitted(fit, samples, rule) for fit in previous.fits if fit.name not in anew]
        turn = names.index(others[_OTHERS]) if len(others) > _OTHERS else 0  # the first one that wasn't fitted anew
        fits = _ordered([*fits, *(fit for fit in rescaled if fit is not None)])
        return replace(previous, fits=fits, samples=samples, turn=turn)

    def has_moved(self, edge: EdgeRef) -> bool:
        """Whether the edge has moved so far since the last live search, by a thousandth of its spread, that a new one would differ."""
        live = self._live
        return live is None or live.edge != edge or _distance(live.samples, self.samples(edge)) > _SAME

    # ---- functions that don't work

    def record_broken(self, broken: BrokenPrimitive) -> None:
        """Record that a registered function doesn't work, for one notice."""
        if broken.primitive not in self._broken:
            self._broken.add(broken.primitive)
            self.unreported.append(str(broken))

    def take_unreported(self) -> list[str]:
        """Take the messages about functions that no notice has named yet."""
        messages, self.unreported = self.unreported, []
        return messages


# ---- incremental candidate search while an edge trains
#
# The curve of an edge moves little within a second. Each refresh fits the best six functions and two others anew; all others keep their
# a and b, and get new c, d and R². Everything is searched again once the curve has moved by 20 % of its spread.


class Rule(NamedTuple):
    """What ranks the candidates of an edge, see `kanwidget.symbolic.fits.ranking`."""

    simplicity: float
    numbers: float
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class _LiveSearch:
    """The state of the search after a refresh."""

    edge: EdgeRef
    fits: list[SymbolicFit]
    samples: Tensor
    """Inputs and values of the edge at the refresh, `(2, n)`."""
    searched: Tensor
    """The same at the last full search."""
    library: tuple[Primitive, ...]
    turn: int = 0
    """Index in the library of the function whose turn is next."""


def refitted(fit: SymbolicFit, samples: Tensor, rule: Rule) -> SymbolicFit | None:
    """A candidate y ≈ c·f(a·x + b) + d of an edge that has moved since: a and b stay, c, d, R² and score are new.

    Args:
        fit: The candidate of the last search.
        samples: Inputs and values of the edge now, `(2, n)`.
        rule: What ranks candidates: the weight of simplicity, how many independent numbers the curve holds, and the variance of its own
            error as a part of its variance.

    Returns:
        The candidate; None where f isn't defined on the new inputs, or fails.
    """
    row, (x, y) = primitive(fit.name), samples.double().cpu()
    a, b, _, _ = fit.params
    low, high = float(x.min()), float(x.max())
    # An error in a function that somebody has registered is a `BrokenPrimitive` within.
    with contextlib.suppress(BrokenPrimitive), blamed(row):
        if row.interval(*sorted((a * low + b, a * high + b))) is None:
            return None
        value = called(row, row.fn, a * x + b)
        c, d = _line(value, y)
        spread = (y - y.mean()).square().sum()
        r2 = 1 - float((y - c * value - d).square().sum() / spread)
        params = (a, b, c, d)
        if not all(map(math.isfinite, (*params, r2))):
            return None
        text = equation(row, visible(row, params, low, high, r2))  # without a b or d that makes no difference
        # The misfit of a search counts only what the spline could have followed. It changes as that of the whole residual does.
        bits = fit.misfit + misfit(1 - r2, rule.numbers, rule.noise) - misfit(1 - fit.r2, rule.numbers, rule.noise)
        ranked = score(bits, fit.complexity, rule.simplicity)
        return replace(fit, params=params, r2=r2, score=ranked, equation=text, misfit=bits)
    return None


def _line(value: Tensor, y: Tensor) -> tuple[float, float]:
    """The numbers c and d of the least squares y ≈ c·value + d; `value` and `y` are `(n,)`.

    Where all values are the same c is 0: the smallest divisor only keeps 0/0 away.
    """
    centered = value - value.mean()
    c = float((centered * (y - y.mean())).sum() / centered.square().sum().clamp(min=1e-300))
    return c, float(y.mean() - c * value.mean())


def _ordered(fits: list[SymbolicFit]) -> list[SymbolicFit]:
    """The candidates, best first; those that only imitate a simpler function come last.

    `imitates` is the name of that function, else None. A fit whose simpler function isn't among them counts as one of its own.
    """
    names = {fit.name for fit in fits}
    return order(fit if fit.imitates in names else replace(fit, imitates=None) for fit in fits)


def _distance(previous: Tensor, current: Tensor) -> float:
    """How far an edge has moved between two samples, `(2, n)`: the larger movement of inputs and values, in standard deviations of each.

    It is a root mean square over the rows, and infinite where there are other rows.
    """
    if previous.shape != current.shape:
        return torch.inf
    spread = previous.std(1).clamp(min=1e-300)
    return float(((current - previous).square().mean(1).sqrt() / spread).max())
