"""`extend`: a network's grid is refined step by step, as long as that makes the error on held-out rows smaller."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from kanwidget import _check
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.records import History
from kanwidget.surgery._record import record
from kanwidget.training.extension_trainings import WORTH, ExtensionStep, Grid, Trainings, finest_of, grid_of
from kanwidget.training.steps.loop import progress_bar

#: `auto` doubles the grid, up to this one and as long as every coefficient has so many training rows: held-out rows tell where there are
#: too few.
FINEST, _ROWS_A_COEFFICIENT = 1000, 0.6
#: Random starts of a network that was never trained: one without hidden nodes has one minimum. Of the four-dimensional function of the
#: accuracy benchmark ([4, 2, 2, 1], G = 3) a third of all starts end in a poor one.
_STARTS, _DEEP_STARTS = 4, 12


def extend(
    network: AnyNetwork,
    data: Any,
    grids: Sequence[int | Sequence[int]] | str = "auto",
    *,
    progress: bool = True,
    **options: Any,
) -> AnyNetwork:
    """Train, refine the grid, train again, as long as that helps; returns a new network. See `KAN.extend` for the arguments."""
    ladder = extend_steps(network, data, grids, **options)
    _check.boolean(progress, "progress", "extend")
    bar, best = progress_bar(None, progress, "extend", unit="grid"), None
    try:
        for step in ladder:
            best = step if best is None or step.helped else best
            state = f"grid {step.grid} · held-out {step.validation_loss:.2e} · best grid {best.grid}"
            bar.set_postfix_str(state, refresh=False)
            bar.update()
    except KeyboardInterrupt:
        if best is None:
            raise
        best = _interrupted(best)
    finally:
        bar.close()
    assert best is not None  # the ladder has a grid
    return best.network  # type: ignore[return-value]


def _interrupted(best: ExtensionStep) -> ExtensionStep:
    """The best step until now, with a copy of its first network, whose history says that the extension was broken off."""
    network = copy.deepcopy(best.network)
    record(network, "extend", f"grid {best.grid} kept: interrupted, the held-out rows weren't learnt")
    history = getattr(network, "history", None)
    if isinstance(history, History):
        history.stop_reason = "interrupted"
    return replace(best, networks=(network,))


def extend_steps(
    network: Network,
    data: Any,
    grids: Sequence[int | Sequence[int]] | str = "auto",
    *,
    starts: int | str = "auto",
    steps: int = 100,
    target: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Iterator[ExtensionStep]:
    """The grids of an extension one by one, each with its trained network; arguments as in `KAN.extend`.

    The last step is the result: the best grid once more, trained on all rows where some were held out.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x.sin(), n_var=1, train_num=100, ranges=(-3, 3))
        >>> [step.grid for step in extend_steps(KAN([1, 1]), data, [3, 6, 12])]
        [3, 6, 12, 12]
    """
    plan = Trainings(network, data, steps, seed, options)
    ladder = _ladder(network, grids, len(plan.folds[0].train_input))
    count = _starts(network, starts)
    if target is not None:
        _check.real(target, "target", "extend", low=0, open_low=True)
    return _climb(plan, ladder, count, target)


def _climb(plan: Trainings, ladder: list[Grid], starts: int, target: float | None) -> Iterator[ExtensionStep]:
    """Yield a step for every grid that is tried, and at last the best one again, finished, with the `stop_reason`.

    A grid helps if it makes the held-out error smaller than the best one by more than one percent.

    Args:
        plan: The trainings: their data and options.
        ladder: The grids, coarse ones first.
        starts: Number of random starts on the first grid.
        target: Held-out error that is good enough; None for none.
    """
    # Starts are compared on some grids of the ladder; then its first one is trained.
    best, failures, reason = plan.first(ladder, starts), 0, None
    # The grids that helped, the first one included: `finished` may train them again, on all rows.
    path = [best]
    yield best
    for index, grid in enumerate(ladder):
        if index:
            step = plan.finer(best, grid)
            helped = step.validation_loss * WORTH < best.validation_loss
            best, failures = (step, 0) if helped else (best, failures + 1)
            path += [step] if helped else []
            yield replace(step, helped=helped)
        reason = plan.stop_reason(best, target, failures) or ("last grid" if index == len(ladder) - 1 else None)
        if reason:
            break
    assert reason is not None
    network = plan.finished(path)
    record(network, "extend", f"grid {best.grid} kept: {REASONS[reason]}")
    yield replace(best, networks=(network,), stop_reason=reason)


#: What a stop reason means, for a person.
REASONS = {
    "target": "the held-out error has reached the target",
    "exact": "the held-out error is round-off",
    "nothing helps": "finer grids don't make the held-out error smaller",
    "last grid": "all grids have been tried",
}


def _ladder(network: Network, grids: Sequence[int | Sequence[int]] | str, rows: int) -> list[Grid]:
    """The grids to try, one after the other: numbers of intervals, or lists with one a layer.

    They are the checked ones of the list `grids`, or with `auto` the network's own, doubled as long as `rows` training rows suffice.
    """
    if isinstance(grids, str):
        _check.choice(grids, "grids", "extend", ("auto",))
        return doubled_grids(network, rows)
    if not isinstance(grids, Sequence) or not grids:
        expected = "'auto', or a list of at least one number of intervals"
        _check.fail("grids", "extend", expected, grids, "Write [10] for a single grid.")
    ladder: list[Grid] = [[*grid] if isinstance(grid, Sequence) else grid for grid in grids]
    for grid in ladder:
        if isinstance(grid, list) and len(grid) != network.depth:
            _check.fail("grids", "extend", f"made of numbers, or of lists of {network.depth}: one a layer", grid)
        for size in grid if isinstance(grid, list) else [grid]:
            _check.integer(size, "grids", "extend", low=1, advice="Each is a number of intervals, or one a layer.")
    return ladder


def doubled_grids(network: Network, rows: int, finest: int = FINEST) -> list[Grid]:
    """The network's own grid, doubled as long as there are rows enough, and no layer has more intervals than `finest`.

    Rows are enough where `rows`, the number of training rows, is at least 0.6 for each interval of each spline, all counted with the
    intervals of the finest layer. A grid is one number of intervals, or a list with one a layer.

    Examples:
        >>> from kanwidget import KAN
        >>> doubled_grids(KAN([1, 1], grid=3), rows=50)
        [3, 6, 12, 24, 48]
    """
    splines = sum(int(layer.spline_on.sum()) for layer in network.layers)
    if not splines:
        _check.fail("network", "extend", "one with splines", network, "All its edges are functions already.")
    ladder, finer = [grid_of(network)], grid_of(network, 2)
    while finest_of(finer) <= finest and splines * finest_of(finer) * _ROWS_A_COEFFICIENT <= rows:
        ladder.append(finer)
        finer = grid_of(network, 2 ** len(ladder))
    return ladder


def _starts(network: Network, starts: int | str) -> int:
    """The number of random starts on the first grid: `starts`, checked, or with `auto` more for a network with more hidden levels.

    A network that was trained or edited has one, itself; so has with `auto` one without hidden nodes, which has one minimum.
    """
    if isinstance(starts, str):
        _check.choice(starts, "starts", "extend", ("auto",))
        deep = _STARTS if network.depth == 2 else _DEEP_STARTS
        return 1 if _is_begun(network) or network.depth == 1 else deep
    count = _check.integer(starts, "starts", "extend", low=1)
    if count > 1 and _is_begun(network):
        advice = "Other starts would lose what it has learnt: leave `starts` out, or give a new network."
        _check.fail("starts", "extend", "1 for a network that was trained or edited", starts, advice)
    return count


def _is_begun(network: Network) -> bool:
    """Whether a network was trained or edited by hand: has a history, or edges that are no spline of their own or frozen."""
    history = getattr(network, "history", History())
    edited = any(
        bool((~layer.spline_on | layer.frozen).any()) or layer.symbols or layer.ties for layer in network.layers
    )
    return bool(history.records or history.events) or edited
