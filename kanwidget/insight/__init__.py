"""Reading a network: importances, and (in `plot`, imported when first needed) drawings."""

from kanwidget.insight.attribution import Scores, attribute, feature_interaction, feature_score

__all__ = ["Scores", "attribute", "feature_interaction", "feature_score"]
