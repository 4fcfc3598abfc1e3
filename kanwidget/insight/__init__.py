"""Reading a network: what matters in it, and (in `plot`, imported when first needed) pictures of it."""

from kanwidget.insight.attribution import Scores, attribute, feature_interaction, feature_score

__all__ = ["Scores", "attribute", "feature_interaction", "feature_score"]
