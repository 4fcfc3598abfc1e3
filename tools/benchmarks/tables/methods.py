"""The methods, a row each: how it is fitted, and which version it has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import kanwidget
from tools.benchmarks.tables import own, peers
from tools.benchmarks.tables.data import Problem
from tools.benchmarks.tables.peers import Predict


@dataclass(frozen=True)
class Method:
    """One method: frame and targets in, predictions out."""

    title: str
    fit: Callable[[Problem], Predict]
    package: str = ""
    """Of a peer; kanwidget's own methods have none, and what an older source of theirs gave is made again."""
    rooms: tuple[str, ...] = ()
    """Of an own method: the rooms of kanwidget that decide what it gives."""
    slow: bool = False
    """Whether it runs only where it is asked for."""

    def version(self) -> str:
        """Of the package; of an own method a hash of its source. Empty where the package isn't installed."""
        if self.package:
            try:
                return version(self.package)
            except PackageNotFoundError:
                return ""
        root = Path(kanwidget.__file__).parent
        sources = sorted(
            path for path in root.rglob("*.py") if path.relative_to(root).parts[0].removesuffix(".py") in self.rooms
        )
        return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:10]


_FIT = ("core", "datasets", "kan", "surgery", "training")
_ACTS = (*_FIT, "explorer", "formulas", "insight", "simplification", "symbolic")
_SEARCH = ("core", "datasets", "discovery", "formulas", "sklearn", "symbolic")
#: What others are compared with.
LINE, BOOSTING = "line", "boosting"
METHODS = {
    LINE: Method("ridge, logistic", peers.line, "scikit-learn"),
    BOOSTING: Method("boosting", peers.boosting, "scikit-learn"),
    "perceptron": Method("perceptron", peers.perceptron, "scikit-learn"),
    "pygam": Method("pyGAM", peers.pygam, "pygam"),
    "kanboost": Method("kanboost", peers.kanboost, "kanboost"),
    "ebm": Method("EBM", peers.ebm, "interpret-core"),
    "kanwidget": Method("KAN.fit", own.fit, rooms=_FIT),
    "acts": Method("three acts", own.three_acts, rooms=_ACTS, slow=True),
    "formula": Method("Formula estimator", own.formula, rooms=_SEARCH, slow=True),
}
