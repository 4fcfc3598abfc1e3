"""Ports for servers and kernels that run beside those of another worker of pytest-xdist."""

import os

#: Which of the workers this process is, and how many there are.
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def share_ports():
    """Let this process give free ports out of its worker's share alone.

    A port is chosen some time before it is taken. Meanwhile another worker's process must not choose it too.
    """
    from jupyter_client.connect import LocalPortCache

    # Pairs, since a system may prefer even or odd ports.
    others = {port for port in range(2**16) if port // 2 % WORKERS != WORKER}
    LocalPortCache.instance().currently_used_ports |= others


def free_port():
    """A port of 127.0.0.1 that nobody uses, and that isn't given out again."""
    from jupyter_client.connect import LocalPortCache

    share_ports()
    return LocalPortCache.instance().find_available_port("127.0.0.1")
