"""What tests of threads share."""

import threading
import time


def ours():
    """The threads of explorers."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("kanwidget")]


def eventually(condition, seconds=60):
    """Wait until something is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)
