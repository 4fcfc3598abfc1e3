"""Reading a network: importances, and (in `plot`, imported when first needed) drawings."""

from kanwidget.insight.attribution import Scores, attribute, feature_interaction, feature_score
from kanwidget.insight.effects import ColumnEffects, column_effects
from kanwidget.insight.noise import Noise, noise_of

__all__ = [
    "ColumnEffects",
    "Noise",
    "Scores",
    "attribute",
    "column_effects",
    "feature_interaction",
    "feature_score",
    "noise_of",
]
