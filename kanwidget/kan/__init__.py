"""`KAN`, the class that users hold: one line a method, by kind; the rooms below do the work."""

from kanwidget.kan.kan import KAN

__all__ = ["KAN"]
