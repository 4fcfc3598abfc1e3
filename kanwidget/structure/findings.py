"""Findings: a statement about a function, the numbers behind it, a verdict, and all of it in words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

from kanwidget.structure.evidence import Measurement, Verdict

#: Advice where a fit can't tell.
_ADVICE = "more rows, less noise or more steps would tell"
#: Why derivatives that vanish say nothing.
_PIECES = "its derivatives don't tell its form: it is made of pieces"


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement about the structure of a function, and how far the evidence goes.

    Examples:
        >>> import torch
        >>> from kanwidget.structure import examine
        >>> points = torch.rand(100, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> finding = examine(lambda x: x[:, 0] * x[:, 1], points).symmetry("x_1", "x_2", "xy")
        >>> finding.verdict, finding.violation < finding.threshold
        ('holds', True)
    """

    kind: str
    """`irrelevant`, `additive`, `multiplicative`, `compositional` or `symmetry`."""
    statement: str
    """What the verdict is about."""
    verdict: Verdict
    """`holds` to within the threshold, `fails`, or `undecided`."""
    groups: tuple[tuple[str, ...], ...]
    """The columns that it speaks of: groups of a separation, the group of a composition, the pair of a symmetry."""
    measurement: Measurement
    threshold: float
    """What a structure holds to within: the tolerance, or the violation that the error of the fit can hide."""
    form: str = ""
    """Of a symmetry: `x-y`."""
    constant: float | None = None
    """Of a product: c in y = c + f·g, in the target's unit."""

    @property
    def holds(self) -> bool:
        """Whether the verdict is `holds`."""
        return self.verdict == "holds"

    @property
    def violation(self) -> float:
        """How far it is from holding exactly, between 0 and about 1, in no unit."""
        return self.measurement.violation

    @property
    def error(self) -> float:
        """Standard error of the violation."""
        return self.measurement.error

    @property
    def floor(self) -> float:
        """The violation that the error of the fit alone looks like: the spread of its members, over the scale of the terms."""
        return self.measurement.floor

    @property
    def words(self) -> str:
        """The verdict with its uncertainty."""
        if math.isnan(self.violation):
            return "undecided (nothing to measure: the slopes are 0, or a column has one value)"
        numbers = f"violation {_number(self.violation)} ± {_number(self.error)}"
        if self.verdict == "holds":
            return f"holds to within {_number(self.threshold)} ({numbers})"
        if self.verdict == "fails":
            # A violation that is clear need not be above what an error could hide at most.
            above = f", above {_number(self.threshold)}" if self.violation > self.threshold else ""
            return f"fails ({numbers}{above})"
        if self.measurement.contradicted:
            return f"undecided ({numbers}; {_PIECES})"
        return f"undecided ({numbers}; the fit's own error looks like {_number(self.floor)}: {_ADVICE})"

    def as_row(self) -> dict[str, Any]:
        """The finding as a row of a table, such as a pandas data frame takes."""
        return {
            "kind": self.kind, "statement": self.statement, "verdict": self.verdict, "violation": self.violation,
            "error": self.error, "floor": self.floor, "threshold": self.threshold,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"{self.statement}: {self.words}"


class Findings(Sequence[Finding]):
    """Findings, shown as a table."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = tuple(findings)

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> Findings: ...
    def __getitem__(self, index: int | slice) -> Finding | Findings:
        return Findings(self._findings[index]) if isinstance(index, slice) else self._findings[index]

    def __len__(self) -> int:
        return len(self._findings)

    @property
    def holding(self) -> Findings:
        """Those that hold."""
        return Findings(finding for finding in self if finding.holds)

    def rows(self) -> list[dict[str, Any]]:
        """One dict a finding."""
        return [finding.as_row() for finding in self]

    def __repr__(self) -> str:
        """The findings as a table: statement, verdict, violation with its error, threshold."""
        if not self._findings:
            return "no findings"
        lines = [("statement", "verdict", "violation", "threshold")]
        lines += [
            (f.statement, f.verdict, f"{_number(f.violation)} ± {_number(f.error)}", _number(f.threshold)) for f in self
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines
        )


def _number(value: float) -> str:
    """Two digits; numbers of rounding as such.

    Examples:
        >>> _number(0.1234), _number(3.21e-16), _number(0.0)
        ('0.12', '3e-16', '0')
    """
    return f"{value:.0e}" if 0 < abs(value) < 1e-3 else f"{value:.2g}"
