"""The search for formulas, and the formula that becomes the session's network."""

from kanwidget.explorer.commands.discovery import search, use_formula

__all__ = ["search", "use_formula"]
