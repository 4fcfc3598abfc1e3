"""Reading a network: what matters in it, and pictures of it."""

from kanwidget.core.scores import Scores, attribute, feature_score

__all__ = ["Scores", "attribute", "feature_score"]
