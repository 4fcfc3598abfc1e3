"""A progress bar that counts pykan's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from kanwidget.pykan.network.fitting import REPORTED, Metrics, counts, reported

if TYPE_CHECKING:
    from kanwidget import StepRecord


class StepBar:
    """A progress bar with the last values of a training.

    Args:
        display: Names of the values that it shows, `display_metrics`; the losses and the penalty by default.
        metrics: What is measured after a step.
        lamb: Weight of the penalty.

    Examples:
        >>> with StepBar(["reg"], Metrics(None)) as bar:
        ...     bar.begin(2)
        ...     bar.show({"reg": 0.5, "train_loss": 1.0}, steps=1)
        ...     bar.text
        'reg 5.00e-01'
    """

    def __init__(self, display: Sequence[str] | None, metrics: Metrics, lamb: float = 0.0) -> None:
        """Make a bar, not shown yet, of the values with the names `display` (None for the losses and the penalty).

        `metrics` has the values measured after steps, `lamb` is the weight of the penalty.
        """
        self._metrics, self._lamb = metrics, lamb
        names = [*REPORTED, *metrics.values]
        # Names of the values that the bar shows.
        self._shown = [display] if isinstance(display, str) else list(REPORTED if display is None else display)
        if unknown := [name for name in self._shown if name not in names]:
            raise ValueError(
                f"the `display_metrics` argument of fit must be a list of {', '.join(names)}; got {', '.join(map(repr, unknown))}."
            )
        self.text = ""  # what stands beside the bar
        self._bar: Any = None  # tqdm's, from `begin` on

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def begin(self, steps: int) -> None:
        """Show the bar, with so many of pykan's steps to go."""
        from tqdm.auto import tqdm

        # Short enough for a cell of 850 px: notebooks break the line of a longer one.
        self._bar = tqdm(total=steps, bar_format="{bar} {n_fmt}/{total_fmt} [{elapsed}{postfix}]")

    def __call__(self, network: Any, record: StepRecord) -> None:
        """Show the record of a step and count it, if it ends one of pykan's steps (`every` steps here) or the training.

        To be called after the metrics have measured it.
        """
        if counts(record, self._metrics.every):
            self.describe(record, steps=1)

    def describe(self, record: StepRecord, *, steps: int = 0) -> None:
        """Show the losses and the penalty of a record and the last values of the metrics, and count so many of pykan's steps.

        The penalty is shown without its weight, `_lamb`.
        """
        last = {name: values[-1] for name, values in self._metrics.values.items()}
        self.show(reported(record, self._lamb) | last, steps=steps)

    def show(self, values: Mapping[str, Any], *, steps: int = 0) -> None:
        """Show values by name, of those that the bar is to show, and count so many of pykan's steps."""
        self.text = " · ".join(f"{name} {float(values[name]):.2e}" for name in self._shown)
        self._bar.set_postfix_str(self.text, refresh=False)
        self._bar.update(steps)

    def fill(self) -> None:
        """Count the steps that a training didn't need: in notebooks a bar that isn't full turns red, as if it had failed."""
        self._bar.update(self._bar.total - self._bar.n)
