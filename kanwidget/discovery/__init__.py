"""From a table to formulas: a search that can be watched, the front that it fills, and what its formulas can become."""

from kanwidget.discovery.discover import discover, discover_steps
from kanwidget.discovery.discovery import Discovery
from kanwidget.discovery.equation import Equation
from kanwidget.discovery.steps import DiscoveryStep, DiscoverySteps

__all__ = ["Discovery", "DiscoveryStep", "DiscoverySteps", "Equation", "discover", "discover_steps"]
