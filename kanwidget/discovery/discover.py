"""`discover`: from a table to the formulas behind it, and `discover_steps`, the generator under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kanwidget._refusals import short_refusals
from kanwidget.datasets.derived import column_findings
from kanwidget.discovery.arguments import WHERE, Request, hooks
from kanwidget.discovery.discovery import Discovery
from kanwidget.discovery.steps import DiscoveryStep, DiscoverySteps
from kanwidget.discovery.units import quantities

#: Characters of a formula or of what is tried.
_SHORT = 48


@short_refusals
def discover(
    data: Any = None,
    y: Any = None,
    *,
    target: str | Sequence[str] | None = None,
    seconds: float = 60.0,
    steps: int | None = None,
    seed: int = 0,
    units: Mapping[str, str] | None = None,
    lib: Iterable[str] | None = None,
    max_complexity: float = 150.0,
    loss: str = "mse",
    weights: Any = None,
    progress: bool = True,
    n_jobs: int = 1,
    callbacks: Iterable[Callable[[DiscoveryStep], Any]] = (),
) -> Discovery:
    """Search for formulas of a table, and return those that no simpler one equals, from simple to accurate.

    From 50 rows on a fifth is held out: formulas are ranked by their errors there. A validation part of the data takes its place. In
    the end constants that may well be exact numbers become these where the held-out rows agree, and the others are fitted to all
    training rows. Test rows of the data are never used but for `rmse_test`. Columns that are constant or repeat another one are left out,
    and `findings` says so.

    Args:
        data: A data frame, an array of inputs `(rows, columns)`, a `Dataset`, a pykan dict, or a pair (inputs, labels).
        y: The target beside inputs, `(rows,)` or `(rows, targets)`; beside a frame it may be the name of a column. Whole numbers are
            numbers.
        target: The column, or columns, of a frame that the others explain; by default the column `y`.
        seconds: Time of the search with its last fits, > 0. It ends sooner once a formula leaves nothing but round-off, also that of
            float32 or of few decimals, and no simpler one has come for a while.
        steps: Number of steps of the search instead; the result is then the same each time.
        seed: Of the rows that are held out and of the search; the global random state isn't used.
        units: The units of columns and target by name, such as `{"v": "km/h", "y": "kg*m/s**2"}`: SI and common ones with prefixes,
            `*`, `/`, `**`; other names are units of their own, and `1` is a number. Products without unit are tried first, and of
            formulas about as good one whose units fit is the best. Formulas that don't fit stay: a law may hold constants with units.
        lib: Names of the functions that formulas may hold; by default all that the search knows. Sums, products and powers always may.
        max_complexity: Of a formula, at most: columns and constants count 1, operations 1 and functions 2.
        loss: `mse`; or `huber` or `absolute` for tables with outliers, on which formulas are ranked by the mean size of residuals.
        weights: How much each row counts, ≥ 0, `(rows,)`.
        progress: Whether to show a progress bar.
        n_jobs: Threads of torch; -1 takes all that it has.
        callbacks: Called with each `DiscoveryStep`; one that returns True ends the search.

    Returns:
        A `Discovery`. Ctrl-C ends the search with the formulas so far.

    Raises:
        ValueError: For data that don't fit, and for NaN or infinity, naming row and column.
        TypeError: For columns that aren't numbers, naming them.

    Examples:
        >>> import torch
        >>> x = torch.rand(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1
        >>> discovery = discover(x, 3 * x[:, 0] ** 2 / x[:, 1], steps=30, progress=False)
        >>> discovery.best.text
        '3*x_1**2/x_2'
    """
    called = hooks(callbacks)
    running = _running(
        Request(data, y, target, seconds, steps, seed, units, lib, max_complexity, loss, weights, n_jobs)
    )
    line = _ProgressLine(seconds, steps, progress)
    try:
        for step in running:
            line.show(step)
            # A callback that returns True ends the search; each is to be called.
            if any([hook(step) is True for hook in called]):  # noqa: C419
                running.end("callback")
                break
    except KeyboardInterrupt:
        running.end("interrupted")
    finally:
        line.close()
    return running.discovery


@short_refusals
def discover_steps(
    data: Any = None,
    y: Any = None,
    *,
    target: str | Sequence[str] | None = None,
    seconds: float = 60.0,
    steps: int | None = None,
    seed: int = 0,
    units: Mapping[str, str] | None = None,
    lib: Iterable[str] | None = None,
    max_complexity: float = 150.0,
    loss: str = "mse",
    weights: Any = None,
    n_jobs: int = 1,
) -> DiscoverySteps:
    """An iterator that searches and gives one `DiscoveryStep` a step; arguments as of `discover`.

    To stop is to stop iterating; `discovery` is what was found so far. Time between two steps doesn't count.

    Examples:
        >>> from kanwidget import load_planets
        >>> steps = discover_steps(load_planets(), steps=30)
        >>> for step in steps:
        ...     if step.best is not None and step.best.r2 > 0.999:
        ...         break
        >>> steps.discovery.best.r2 > 0.999
        True
    """
    return _running(Request(data, y, target, seconds, steps, seed, units, lib, max_complexity, loss, weights, n_jobs))


def _running(request: Request) -> DiscoverySteps:
    """The search that `discover` was called for, before its first step. Arguments are checked; findings, sentences on columns, are made."""
    settings, table = request.settings(), request.table()
    units = quantities(request.units, table.in_vars, table.out_vars, WHERE)
    return DiscoverySteps(table, settings, quantities=units, findings=column_findings(table))


# ---- the progress bar of a search: its time or its steps, and the best formula


class _ProgressLine:
    """A bar on standard error, or a widget in a notebook; nothing without `progress`.

    Args:
        seconds: Time of the search.
        steps: Number of its steps, where these are counted.
        progress: Whether to show it.
    """

    def __init__(self, seconds: float, steps: int | None, progress: bool) -> None:
        # `_counts`: whether the bar counts steps, not seconds.
        self._counts, self._bar = steps is not None, _bar(seconds, steps) if progress else None

    def show(self, step: DiscoveryStep) -> None:
        """Move the bar to a step. Beside it stands what is tried, or the best formula so far, cut to 48 characters."""
        if self._bar is None:
            return
        done = step.number if self._counts else step.seconds
        text = f"trying {step.text}" if step.kind == "trying" or step.best is None else step.best.text
        self._bar.set_postfix_str(text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…", refresh=False)
        # `update` takes the change since the last one. Beyond its total tqdm draws no bar, and a search may end a little late.
        self._bar.update(min(done, self._bar.total) - self._bar.n)

    def close(self) -> None:
        """Fill the bar and close it: in notebooks one that isn't full turns red, as if it had failed."""
        if self._bar is None:
            return
        self._bar.total = max(self._bar.n, 1e-3)  # not 0, for which tqdm draws no bar
        self._bar.refresh()
        self._bar.close()


def _bar(seconds: float, steps: int | None) -> Any:
    """A progress bar of the steps, or of the seconds where no number of steps is given."""
    from tqdm.auto import tqdm

    if steps is not None:
        return tqdm(total=steps, desc="discover", leave=True)
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s{postfix}"
    return tqdm(total=float(seconds), desc="discover", leave=True, bar_format=layout)
