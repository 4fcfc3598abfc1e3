"""Loss, penalty, optimizers, and the steps of a training."""

from kanwidget.training.fit import fit, fit_steps
from kanwidget.training.many import fit_many
from kanwidget.training.objective.penalty import Penalty
from kanwidget.training.optimizers.base import Interrupted
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.optimizers.table import OPTIMIZERS
from kanwidget.training.steps.settings import make_settings
from kanwidget.training.steps.trainer import Trainer

__all__ = [
    "OPTIMIZERS",
    "Interrupted",
    "Penalty",
    "Settings",
    "Trainer",
    "fit",
    "fit_many",
    "fit_steps",
    "make_settings",
]
