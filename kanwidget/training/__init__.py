"""Loss, penalty, optimisers, and the steps of a training."""

from kanwidget.training.fit import fit, fit_steps
from kanwidget.training.group import OPTIMIZERS
from kanwidget.training.lm import Interrupted
from kanwidget.training.many import fit_many
from kanwidget.training.penalty import Penalty
from kanwidget.training.settings import Settings, make_settings
from kanwidget.training.trainer import Trainer

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
