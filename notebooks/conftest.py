"""Settings of nbval, which runs the notebooks and compares their outputs."""

from typing import Any

from tests.support.ports import share_ports


def pytest_configure() -> None:
    share_ports()


def pytest_collection_modifyitems(items: list[Any]) -> None:
    for item in items:
        # nbval waits this many seconds for outputs that come after a cell's reply: the widget's first state can.
        item.output_timeout = 30
