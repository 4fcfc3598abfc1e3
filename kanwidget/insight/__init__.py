"""Reading a network: importances, and (in `plot`, imported when first needed) drawings."""

from kanwidget.core.scores import Scores, attribute, feature_interaction, feature_score
from kanwidget.insight.effects import ColumnEffects, column_effects
from kanwidget.insight.loss_derivatives import LossDerivatives, loss_derivatives
from kanwidget.insight.noise import Noise, noise_of
from kanwidget.insight.summary import Summary, summary
from kanwidget.insight.yardsticks import Yardsticks, yardsticks

__all__ = [
    "ColumnEffects",
    "LossDerivatives",
    "Noise",
    "Scores",
    "Summary",
    "Yardsticks",
    "attribute",
    "column_effects",
    "feature_interaction",
    "feature_score",
    "loss_derivatives",
    "noise_of",
    "summary",
    "yardsticks",
]
