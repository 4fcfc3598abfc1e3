"""What can be asked of a session: one class a command. Importing the room registers them all."""

from kanwidget.explorer.commands import edges, extension, guide, history, logarithms, network, training, view

__all__ = ["edges", "extension", "guide", "history", "logarithms", "network", "training", "view"]
