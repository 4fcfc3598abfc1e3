"""The explorer: a network in a notebook that trains while it is watched and clicked."""

from kanwidget.explorer.explorer import KANExplorer
from kanwidget.explorer.files.html_report import save_html
from kanwidget.explorer.session.recorder import Recorder

__all__ = ["KANExplorer", "Recorder", "save_html"]
