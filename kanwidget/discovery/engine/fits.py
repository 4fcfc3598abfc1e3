"""Constants of trees, fitted by Levenberg-Marquardt: many starts and many choices of columns in one batch.

Constants that multiply whole terms are solved for exactly in each step (variable projection), so that only the inner ones need starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.projection import Problem, Projection, Skeleton
from kanwidget.discovery.engine.starts import draw_starts
from kanwidget.discovery.engine.trees import Tree, constants, with_constants

#: Relative size of the squared error from which nothing can be gained in double precision.
_EXACT = 1e-31
#: From here on, a step that gains nothing ends the fit.
_NEARLY_EXACT = 1e-25
_LEAST_GAIN = 1e-9
_LEAST_CURVATURE = 1e-12
#: A step that is damped more than this moves nothing.
_MOST_DAMPING = 1e9
#: Steps after which half of the starts go on, then a quarter.
_ROUNDS = ((2, 4), (4, 6))


@dataclass(frozen=True, slots=True)
class Fits:
    """The best constants for each choice of columns."""

    tree: Tree
    constants: Tensor
    """`(bindings, constants)`, in the order of the tree's nodes."""
    sse: Tensor
    """Sum of weighted squared residuals, `(bindings,)`; infinite where no start came to finite values."""

    def fitted(self, index: int = 0) -> Tree:
        """The tree with the constants of one binding."""
        return with_constants(self.tree, self.constants[index].tolist())


def fit_trees(
    tree: Tree,
    columns: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    starts: int = 16,
    own: bool = False,
    steps: int = 30,
    rows: int = 128,
    finalists: int = 2,
    generator: torch.Generator | None = None,
) -> Fits:
    """Fit the constants of one tree to many choices of columns, each from many starts.

    The first steps see a sample of the rows; half of the starts go on, then a quarter; the finalists see all rows.

    Args:
        tree: The tree; `("x", slot)` stands for the column of a slot.
        columns: `(slots, rows)`, or `(bindings, slots, rows)`, float64.
        y: `(rows,)`, or `(bindings, rows)`.
        weights: Of the squared residuals, `(rows,)`.
        starts: Sets of constants to start from, for each binding.
        own: Start from the tree's own constants too.
        steps: Most steps on the sample, and on all rows.
        rows: Size of the sample.
        finalists: Starts of each binding that see all rows.
        generator: Makes the random starts.

    Examples:
        >>> x = torch.linspace(0.1, 3, 60, dtype=torch.float64)
        >>> decay = ("mul", ("c", 1.0), ("exp", ("mul", ("c", 1.0), ("x", 0))))
        >>> fits = fit_trees(decay, x[None], 2 * torch.exp(-0.7 * x), generator=torch.Generator().manual_seed(0))
        >>> fits.constants.round(decimals=9)
        tensor([[ 2.0000, -0.7000]], dtype=torch.float64)
    """
    columns = columns if columns.ndim == 3 else columns[None]
    y = y if y.ndim == 2 else y[None]
    bindings = max(len(columns), len(y))
    skeleton = Skeleton(tree)
    problem = Problem.of(skeleton, columns, y, weights)
    if not skeleton.inner:
        inner = torch.zeros(bindings, 0, dtype=y.dtype)
        projection = problem.project(inner)
        return Fits(tree, skeleton.constants(projection.factors, inner), _finite(projection.sse))
    sample = _sample(y.shape[1], rows)
    coarse = columns[..., sample], y[:, sample], None if weights is None else weights[sample]
    theta = _starts(skeleton, coarse[0], bindings, starts, own, generator)
    if starts + own > finalists or len(sample) < y.shape[1]:
        theta = _screen(Problem.of(skeleton, *coarse), theta, steps, finalists)
    theta, projection = _descend(problem, theta, steps)
    return _best(skeleton, theta, projection)


def fit_tree(
    tree: Tree,
    columns: Tensor,
    y: Tensor,
    weights: Tensor | None = None,
    *,
    starts: int = 0,
    steps: int = 30,
    generator: torch.Generator | None = None,
) -> tuple[Tree, float]:
    """Fit the constants of one tree, from its own ones: the tree with them, and the sum of weighted squared residuals.

    Args:
        tree: The tree.
        columns: `(slots, rows)`, float64.
        y: `(rows,)`.
        weights: Of the squared residuals, `(rows,)`.
        starts: Random starts beside the tree's own constants.
        steps: Most steps. They end earlier where nothing is gained; exact data are fitted to round-off.
        generator: Makes the random starts.

    Examples:
        >>> x = torch.linspace(0, 3, 40, dtype=torch.float64)
        >>> tree = ("mul", ("c", 1.0), ("sin", ("mul", ("c", 1.9), ("x", 0))))
        >>> fitted, sse = fit_tree(tree, x[None], 3 * torch.sin(2 * x))
        >>> [round(number, 12) for number in constants(fitted)], sse < 1e-24
        ([3.0, 2.0], True)
    """
    if not constants(tree):
        starts = 0
    fits = fit_trees(tree, columns, y, weights, starts=starts, own=True, steps=steps, finalists=1 + (starts > 0), generator=generator)
    sse = float(fits.sse[0])
    return (fits.fitted() if sse < float("inf") else tree), sse


def _starts(
    skeleton: Skeleton, columns: Tensor, bindings: int, starts: int, own: bool, generator: torch.Generator | None
) -> Tensor:
    """Inner constants to start from: `(bindings, starts, q)`."""
    parts = []
    if own:
        numbers = torch.tensor(constants(skeleton.tree), dtype=columns.dtype)[skeleton.inner]
        parts.append(numbers.expand(bindings, 1, -1))
    if starts:
        slots = [slot.repeat_interleave(starts, 0) if len(slot) > 1 else slot for slot in columns.unbind(1)]
        drawn = draw_starts(skeleton.tree, slots, bindings * starts, generator)
        parts.append(drawn[:, skeleton.inner].reshape(bindings, starts, -1))
    return torch.cat(parts, 1)


def _screen(problem: Problem, theta: Tensor, steps: int, finalists: int) -> Tensor:
    """The best starts of each binding, moved by some steps."""
    starts = theta.shape[1]
    for share, length in _ROUNDS:
        if starts // share > finalists:
            theta = _survivors(*_descend(problem, theta, length), starts // share)
    return _survivors(*_descend(problem, theta, steps), finalists)


def _survivors(theta: Tensor, projection: Projection, count: int) -> Tensor:
    sse = _finite(projection.sse).reshape(theta.shape[:2])
    best = sse.topk(min(count, theta.shape[1]), dim=1, largest=False).indices
    return theta.gather(1, best[:, :, None].expand(-1, -1, theta.shape[2]))


def _best(skeleton: Skeleton, theta: Tensor, projection: Projection) -> Fits:
    sse = _finite(projection.sse).reshape(theta.shape[:2])
    best = sse.argmin(1)
    members = best + torch.arange(len(theta)) * theta.shape[1]
    numbers = skeleton.constants(projection.factors[members], theta.flatten(0, 1)[members])
    return Fits(skeleton.tree, numbers, sse.amin(1))


def _descend(problem: Problem, theta: Tensor, steps: int) -> tuple[Tensor, Projection]:
    """Levenberg-Marquardt steps from `theta`, `(bindings, starts, q)`. Members that gain nothing any more leave the batch."""
    shape = theta.shape
    theta = theta.flatten(0, 1)
    owners = torch.arange(shape[0]).repeat_interleave(shape[1])
    batch = _Batch(problem.members(owners), theta)
    for _ in range(steps):
        if not batch.step():
            break
    theta, projection = batch.finish()
    return theta.reshape(shape), projection


class _Batch:
    """Members on their way down, each with its own damping."""

    def __init__(self, problem: Problem, theta: Tensor) -> None:
        self._problem = problem
        self._theta = theta
        self._projection = problem.project(theta)
        self._damping = torch.full_like(self._projection.sse, 0.01)
        self._growth = torch.full_like(self._damping, 2.0)
        self._size = problem.size().expand(len(theta))
        self._members = torch.arange(len(theta))
        self._ends: list[tuple[Tensor, Tensor, Projection]] = []

    def step(self) -> bool:
        """One step of all members; whether any goes on."""
        current = self._projection
        trial = self._theta + _move(current, self._damping)
        projection = self._problem.project(trial)
        accepted = projection.sse < current.sse
        gain = torch.where(accepted, 1 - projection.sse / current.sse, 1.0)
        self._theta = torch.where(accepted[:, None], trial, self._theta)
        self._projection = projection.where(accepted, current)
        self._damping = torch.where(accepted, (self._damping / 6).clamp(min=1e-10), self._damping * self._growth)
        self._growth = torch.where(accepted, 2.0, 2 * self._growth)
        floor = torch.where(accepted, _EXACT, _NEARLY_EXACT) * self._size
        ended = (gain < _LEAST_GAIN) | (self._projection.sse <= floor) | (self._damping > _MOST_DAMPING)
        self._leave(ended | ~torch.isfinite(current.sse))
        return len(self._members) > 0

    def finish(self) -> tuple[Tensor, Projection]:
        """Inner constants and projections of all members, in their first order."""
        self._ends.append((self._members, self._theta, self._projection))
        members, thetas, projections = zip(*self._ends, strict=True)
        order = torch.cat(members).argsort()
        return torch.cat(thetas)[order], Projection.cat(projections).at(order)

    def _leave(self, ended: Tensor) -> None:
        """Take members out of the batch, where that is worth the copies."""
        if not ended.any() or (ended.sum() * 4 < len(ended) and not ended.all()):
            return
        out, on = ended.nonzero()[:, 0], (~ended).nonzero()[:, 0]
        self._ends.append((self._members[out], self._theta[out], self._projection.at(out)))
        self._problem = self._problem.members(on)
        self._theta, self._projection = self._theta[on], self._projection.at(on)
        self._damping, self._growth = self._damping[on], self._growth[on]
        self._size, self._members = self._size[on], self._members[on]


def _move(projection: Projection, damping: Tensor) -> Tensor:
    """The damped step of the inner constants, 0 where there is none."""
    normal = projection.normal.clone()
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal.add_(damping[:, None] * diagonal.clamp(min=_LEAST_CURVATURE) + _LEAST_CURVATURE**2)
    move = torch.linalg.solve_ex(normal, projection.gradient[:, :, None])[0][:, :, 0] / projection.sizes
    return torch.where(torch.isfinite(move), move, 0.0)


def _finite(sse: Tensor) -> Tensor:
    return torch.where(torch.isfinite(sse), sse, torch.inf)


def _sample(total: int, rows: int) -> Tensor:
    """Evenly spread indices of at most `rows` rows."""
    return torch.linspace(0, total - 1, min(rows, total), dtype=torch.float64).round().long()
