"""The command line: `kanwidget demo`, `kanwidget discover DATA --target COLUMN`, `kanwidget fit …`, `kanwidget lab`."""

from kanwidget.cli.main import main

__all__ = ["main"]
