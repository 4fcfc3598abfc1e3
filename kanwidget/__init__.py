"""Kolmogorov-Arnold networks that you can watch, click and turn into formulas."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from kanwidget.discovery import Discovery, DiscoveryStep, Equation, discover_steps
    from kanwidget.discovery.discover import discover
    from kanwidget.explorer import KANExplorer
    from kanwidget.kan import KAN
    from kanwidget.sweeps import pareto, plot_pareto, search_architecture, sweep
    from kanwidget.symbolic import ex_round
    from kanwidget.training import fit_many
    from kanwidget.training.residuals import fit_residual, prune_residual

__version__ = "0.1.0"

#: Where each public name comes from. All are loaded when first used: the shell answers `--help` without torch, sympy and widgets.
_HOMES = {
    "kanwidget.core.primitives": ("primitives", "register_primitive"),
    "kanwidget.core.records": ("EdgeRef", "History", "StepRecord", "SymbolicFit"),
    "kanwidget.datasets": (
        "Dataset",
        "create_dataset",
        "load_mercury",
        "load_planets",
        "load_puromycin",
        "load_trees",
    ),
    "kanwidget.discovery": ("Discovery", "DiscoveryStep", "Equation", "discover", "discover_steps"),
    "kanwidget.explorer": ("KANExplorer",),
    "kanwidget.kan": ("KAN",),
    "kanwidget.sweeps": ("pareto", "plot_pareto", "search_architecture", "sweep"),
    "kanwidget.symbolic": ("ex_round",),
    "kanwidget.training": ("fit_many",),
    "kanwidget.training.residuals": ("fit_residual", "prune_residual"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
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


def __getattr__(name: str) -> Any:
    """Import what a name stands for at its first use: a public name from its module, or a subpackage."""
    if name in _HOME_OF:
        return getattr(import_module(_HOME_OF[name]), name)
    if not name.startswith("_"):
        try:
            return import_module(f"{__name__}.{name}")  # a room: `kanwidget.datasets` after `import kanwidget`
        except ModuleNotFoundError as problem:
            if problem.name != f"{__name__}.{name}":
                raise
    raise AttributeError(f"module 'kanwidget' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
