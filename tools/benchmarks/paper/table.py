"""One line for each published figure: ours beside it, as a text table."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_FORM = "{:<10} {:<22} {:>9} {:>9} {:>8} {:>8} {:>5}  {}"
HEAD = _FORM.format("part", "row", "published", "ours", "ratio", "seconds", "seeds", "").rstrip()
#: Below the table: what the columns mean.
LEGEND = (
    "Ours is the median of the seeds. A ratio below 1 is better; of accuracies it is the ratio of what is wrong. Seconds are those of one\n"
    "seed, of the processor; with ~ they are of a clock, on a machine that other work shared."
)


@dataclass(frozen=True)
class Line:
    """A published figure and ours."""

    part: str
    row: str
    published: float
    ours: Sequence[float]
    """One value a seed, in the unit of `published`."""
    seconds: float
    """Of one seed."""
    note: str = ""
    """Where ours isn't better: why. Elsewhere what a reader has to know."""
    percent: bool = False
    """Accuracies in percent, where more is better, instead of errors."""
    clock: bool = False
    """Whether the seconds are of the clock and not of the processor."""

    @property
    def median(self) -> float:
        """The middle seed."""
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float:
        """Our error over the published one."""
        if self.percent:
            return (100 - self.median) / (100 - self.published)
        return self.median / self.published

    @property
    def below(self) -> bool:
        """Whether our error is smaller."""
        return self.ratio < 1

    def __str__(self) -> str:
        published, ours = (
            f"{value:.1f} %" if self.percent else f"{value:.1e}" for value in (self.published, self.median)
        )
        ratio = f"{self.ratio:.2f}" if 0.01 <= self.ratio < 1000 else f"{self.ratio:.0e}"
        seconds = f"{'~' if self.clock else ''}{self.seconds:.1f}"
        return _FORM.format(self.part, self.row, published, ours, ratio, seconds, len(self.ours), self.note).rstrip()


def table(lines: Iterable[Line]) -> Iterator[str]:
    """Text of all lines, then how many are below the published figure."""
    lines = list(lines)
    yield HEAD
    yield from map(str, lines)
    yield ""
    yield LEGEND
    yield f"{sum(line.below for line in lines)} of {len(lines)} rows are below the published figure."
