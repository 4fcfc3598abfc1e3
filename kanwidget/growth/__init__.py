"""Growing networks: from a sum of curves to finer grids, pairs of columns and hidden nodes, as far as the evidence asks for them."""

from kanwidget.growth.grow import grow_steps, grown
from kanwidget.growth.richer import RicherNetworks, Richness, richer_networks

__all__ = ["RicherNetworks", "Richness", "grow_steps", "grown", "richer_networks"]
