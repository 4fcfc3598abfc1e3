"""The best candidates that are known so far, each with the state that it belongs to: hover cards and tables show no others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core import EdgeRef, Primitive, SymbolicFit

#: Seconds that a value may lag behind the training: candidates are refreshed about once a second.
LAG_SECONDS = 2.0
#: Edges that are remembered; the longest known one is forgotten first.
_MOST = 64


@dataclass(slots=True)
class _Found:
    fit: SymbolicFit
    version: int
    seconds: float
    samples: Tensor
    """Inputs and values of the edge: where these are the same, so is the fit."""
    other: int = -1
    """The last version in which the edge was found to be another."""


class FitsKnown:
    """Edge → all its candidates, in one state of the network: going back to an edge searches nothing again."""

    def __init__(self) -> None:
        self._state: tuple[int, tuple[Primitive, ...]] | None = None
        self._fits: dict[EdgeRef, list[SymbolicFit]] = {}

    def at(self, version: int, rows: tuple[Primitive, ...]) -> dict[EdgeRef, list[SymbolicFit]]:
        """Those of this version of the network, fitted from these functions."""
        if self._state != (version, rows):
            self._state = (version, rows)
            self.forget()
        return self._fits

    def forget(self) -> None:
        """Another order makes other lists."""
        self._fits = {}


class BestKnown:
    """Edge → its best candidate, as long as it is true.

    A value holds for the version of the network that it was found in, and for any other in which the edge has the same
    inputs and values. While training it may be a little older, but not older than the last act.
    """

    def __init__(self) -> None:
        #: Version of the last act.
        self.acted = 0
        self._found: dict[EdgeRef, _Found] = {}
        self._rows: tuple[Primitive, ...] = ()

    def among(self, rows: tuple[Primitive, ...]) -> BestKnown:
        """The same, if the best was looked for among these functions; else nothing is known any more."""
        if rows != self._rows:
            self._rows = rows
            self.forget()
        return self

    def put(self, edge: EdgeRef, fit: SymbolicFit, version: int, samples: Tensor) -> None:
        """A candidate was found to be the best one."""
        self._found.pop(edge, None)
        self._found[edge] = _Found(fit, version, time.monotonic(), samples)
        if len(self._found) > _MOST:
            del self._found[next(iter(self._found))]

    def get(self, edge: EdgeRef, version: int, running: bool, samples: Callable[[], Tensor]) -> SymbolicFit | None:
        """The best candidate, None where none is known for this state."""
        found = self._found.get(edge)
        if found is None:
            return None
        late = time.monotonic() - found.seconds > LAG_SECONDS
        if found.version == version or (running and not late and found.version >= self.acted):
            return found.fit
        if found.other == version or (running and found.other > found.version):
            return None  # what has moved in training doesn't come back
        if torch.equal(found.samples, samples()):
            found.version = version
            return found.fit
        found.other = version
        return None

    def edges(self) -> list[EdgeRef]:
        """The edges about which something is remembered, which may be out of date."""
        return sorted(self._found)

    def forget(self) -> None:
        """The edges are others now, or another order makes another one the best."""
        self._found.clear()
