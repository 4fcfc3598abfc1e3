"""Constants of trees, fitted by Levenberg-Marquardt: many starts and many choices of columns in one batch.

Constants that multiply whole terms are solved for exactly in each step (variable projection), so that only the inner ones need starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.discovery.engine.fitting.projection import Problem, Projection
from kanwidget.discovery.engine.fitting.starts import draw_starts
from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.patience import look_at_the_clock
from kanwidget.discovery.engine.trees import Tree, constants, with_constants

#: Relative size of the squared error from which nothing can be gained in double precision.
_EXACT = 1e-31
#: From here on, a step that gains nothing ends the fit.
_NEARLY_EXACT = 1e-25
_LEAST_GAIN = 1e-9
_LEAST_CURVATURE = 1e-12
_LEAST_DAMPING = 1e-10
_RELAX = 1 / 6
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
    tape = Tape(tree)
    problem = Problem.of(tape, columns, y, weights)
    if not tape.inner:
        inner = torch.zeros(bindings, 0, dtype=y.dtype)
        projection = problem.project(inner)
        return Fits(tree, _constants(tape, projection.factors, inner), _finite(projection.sse))
    sample = _sample(y.shape[1], rows)
    coarse = columns[..., sample], y[:, sample], None if weights is None else weights[sample]
    theta = _starts(tree, tape, coarse[0], bindings, starts, own, generator)
    if starts + own > finalists or len(sample) < y.shape[1]:
        theta = _screen(Problem.of(tape, *coarse), theta, steps, finalists)
    theta, projection = _descend(problem, theta, steps, refine=True)
    return _best(tree, tape, theta, projection)


def _starts(
    tree: Tree, tape: Tape, columns: Tensor, bindings: int, starts: int, own: bool, generator: torch.Generator | None
) -> Tensor:
    """Inner constants to start from: `(bindings, starts, q)`."""
    parts = []
    if own:
        numbers = torch.tensor(constants(tree), dtype=columns.dtype)[tape.inner]
        parts.append(numbers.expand(bindings, 1, -1))
    if starts:
        slots = [slot.repeat_interleave(starts, 0) if len(slot) > 1 else slot for slot in columns.unbind(1)]
        drawn = draw_starts(tree, slots, bindings * starts, generator)
        parts.append(drawn[:, tape.inner].reshape(bindings, starts, -1))
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


def _best(tree: Tree, tape: Tape, theta: Tensor, projection: Projection) -> Fits:
    sse = _finite(projection.sse).reshape(theta.shape[:2])
    best = sse.argmin(1)
    members = best + torch.arange(len(theta)) * theta.shape[1]
    numbers = _constants(tape, projection.factors[members], theta.flatten(0, 1)[members])
    return Fits(tree, numbers, sse.amin(1))


def _descend(problem: Problem, theta: Tensor, steps: int, refine: bool = False) -> tuple[Tensor, Projection]:
    """Levenberg-Marquardt steps from `theta`, `(bindings, starts, q)`. Members that gain nothing any more leave the batch."""
    shape = theta.shape
    owners = torch.arange(shape[0]).repeat_interleave(shape[1])
    batch = _Batch(problem.members(owners), theta.flatten(0, 1), refine)
    for _ in range(steps):
        if not batch.step():
            break
    theta, projection = batch.finish()
    return theta.reshape(shape), projection


class _Batch:
    """Members on their way down, each with its own damping."""

    def __init__(self, problem: Problem, theta: Tensor, refine: bool) -> None:
        self._problem = problem
        self._refine = refine
        self._inner = theta.shape[1]
        self._size = problem.size()
        controls = torch.tensor([0.01, 2.0], dtype=theta.dtype).expand(len(theta), 2)
        self._state = self._join(controls, theta, problem.project(theta, refine))
        self._members = torch.arange(len(theta))
        self._ends: list[tuple[Tensor, Tensor]] = []

    def step(self) -> bool:
        """One step of all members; whether any goes on."""
        look_at_the_clock()
        controls, theta, current = self._parts(self._state)
        trial = theta + _move(current, controls[:, 0])
        projection = self._problem.project(trial, self._refine)
        accepted = projection.sse < current.sse
        gained = self._join((controls * _RELAX).clamp_(min=2 * _LEAST_DAMPING), trial, projection)
        gained[:, 1] = 2.0
        self._state[:, 0] *= self._state[:, 1]
        self._state[:, 1] *= 2.0
        least = torch.where(accepted, (1 - _LEAST_GAIN) * current.sse, torch.inf)
        going = (projection.sse < least) | ~accepted
        self._state = torch.where(accepted[:, None], gained, self._state)
        floor = torch.where(accepted, _EXACT, _NEARLY_EXACT) * self._size
        going &= (self._state[:, 2 + self._inner] > floor) & (self._state[:, 0] < _MOST_DAMPING)
        self._leave(going & torch.isfinite(current.sse))
        return len(self._members) > 0

    def finish(self) -> tuple[Tensor, Projection]:
        """Inner constants and projections of all members, in their first order."""
        self._ends.append((self._members, self._state))
        members, states = zip(*self._ends, strict=True)
        state = torch.cat(states)[torch.cat(members).argsort()] if len(states) > 1 else states[0]
        return self._parts(state)[1:]

    def _join(self, controls: Tensor, theta: Tensor, projection: Projection) -> Tensor:
        """One row a member: damping, its growth at the next refusal, inner constants, projection."""
        return torch.cat([controls, theta, projection.table], 1)

    def _parts(self, state: Tensor) -> tuple[Tensor, Tensor, Projection]:
        return state[:, :2], state[:, 2 : 2 + self._inner], Projection(state[:, 2 + self._inner :], self._inner)

    def _leave(self, going: Tensor) -> None:
        """Take members out of the batch, where that is worth the copies."""
        count = int(going.sum())
        if count * 4 > 3 * len(going):
            return
        out, on = (~going).nonzero()[:, 0], going.nonzero()[:, 0]
        self._ends.append((self._members[out], self._state[out]))
        self._problem = self._problem.members(on)
        self._state, self._members = self._state[on], self._members[on]
        self._size = self._size[on] if len(self._size) > 1 else self._size


def _move(projection: Projection, damping: Tensor) -> Tensor:
    """The damped step of the inner constants, 0 where there is none."""
    normal = projection.normal.clone()
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal.add_(damping[:, None] * diagonal.clamp(min=_LEAST_CURVATURE) + _LEAST_CURVATURE**2)
    move = torch.linalg.solve_ex(normal, projection.gradient[:, :, None])[0][:, :, 0] / projection.sizes
    return move.nan_to_num_(0.0, 0.0, 0.0)


def _constants(tape: Tape, factors: Tensor, inner: Tensor) -> Tensor:
    """All constants in the order of the tree's nodes: `(M, constants)`."""
    result = factors.new_empty(len(factors), len(tape.factors) + len(tape.inner))
    result[:, tape.factors] = factors
    result[:, tape.inner] = inner
    return result


def _finite(sse: Tensor) -> Tensor:
    return sse.nan_to_num(torch.inf)


def _sample(total: int, rows: int) -> Tensor:
    """Evenly spread indices of at most `rows` rows."""
    return torch.linspace(0, total - 1, min(rows, total), dtype=torch.float64).round().long()
