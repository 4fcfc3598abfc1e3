"""Quantum chains with quasi-periodic potentials: eigenstates, extended or localized, and the exact mobility edges."""

from kanwidget.datasets.chains.models import chain_models, order_parameter
from kanwidget.datasets.chains.states import fractal_dimension, hamiltonian, inverse_participation_ratio, localization

__all__ = [
    "chain_models",
    "fractal_dimension",
    "hamiltonian",
    "inverse_participation_ratio",
    "localization",
    "order_parameter",
]
