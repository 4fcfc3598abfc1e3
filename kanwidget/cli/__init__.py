"""The command line: `kanwidget demo`, `kanwidget fit DATA --target COLUMN`, `kanwidget lab`."""

from kanwidget.cli.main import main

__all__ = ["main"]
