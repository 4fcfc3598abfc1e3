"""Feynman's equations, in the module where pykan's notebooks look for them."""

from kanwidget.pykan.data import get_feynman_dataset

__all__ = ["get_feynman_dataset"]
