"""What can be asked of a session: one class a command. Importing the room registers them all."""

from kanwidget.explorer.commands import discovery, edges, extension, guide, history, logarithms, network, training, view

__all__ = ["discovery", "edges", "extension", "guide", "history", "logarithms", "network", "training", "view"]
