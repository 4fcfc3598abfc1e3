"""What can be asked of a session: one class a command. Importing the room registers them all."""

from kanwidget.explorer.commands import beginnings, discovery, edges, extension, guide, history, network, training, view

__all__ = ["beginnings", "discovery", "edges", "extension", "guide", "history", "network", "training", "view"]
