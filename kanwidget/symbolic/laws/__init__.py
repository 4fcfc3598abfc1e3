"""Laws of a table: products and sums of functions of one column each, with few constants, found by least squares."""

from kanwidget.symbolic.laws.search import Law, find_laws

__all__ = ["Law", "find_laws"]
