"""Kolmogorov-Arnold networks that you can watch, click and turn into formulas."""

from typing import TYPE_CHECKING, Any

from kanwidget.core.primitives import primitives, register_primitive
from kanwidget.core.records import EdgeRef, History, StepRecord, SymbolicFit
from kanwidget.datasets import (
    Dataset,
    create_dataset,
    load_mercury,
    load_planets,
    load_puromycin,
    load_trees,
)
from kanwidget.kan import KAN
from kanwidget.training import fit_many
from kanwidget.training.residuals import fit_residual, prune_residual

if TYPE_CHECKING:
    from kanwidget.discovery import Discovery, DiscoveryStep, Equation, discover_steps
    from kanwidget.discovery.discover import discover
    from kanwidget.explorer import KANExplorer
    from kanwidget.sweeps import pareto, plot_pareto, search_architecture, sweep
    from kanwidget.symbolic import ex_round

__version__ = "0.1.0"
__all__ = [
    "KAN",
    "Dataset",
    "Discovery",
    "DiscoveryStep",
    "EdgeRef",
    "Equation",
    "History",
    "KANExplorer",
    "StepRecord",
    "SymbolicFit",
    "create_dataset",
    "discover",
    "discover_steps",
    "ex_round",
    "fit_many",
    "fit_residual",
    "load_mercury",
    "load_planets",
    "load_puromycin",
    "load_trees",
    "pareto",
    "plot_pareto",
    "primitives",
    "prune_residual",
    "register_primitive",
    "search_architecture",
    "sweep",
]

#: Loaded when first used: sympy and the widget libraries cost more than torch's import allows.
_LAZY = {
    "KANExplorer": "kanwidget.explorer",
    "ex_round": "kanwidget.symbolic",
    **dict.fromkeys(("Discovery", "DiscoveryStep", "Equation", "discover", "discover_steps"), "kanwidget.discovery"),
    **dict.fromkeys(("pareto", "plot_pareto", "search_architecture", "sweep"), "kanwidget.sweeps"),
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'kanwidget' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
