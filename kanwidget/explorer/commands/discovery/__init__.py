"""The search for formulas, and the formula that becomes the session's network."""

from kanwidget.explorer.commands.discovery import loading, search

__all__ = ["loading", "search"]
