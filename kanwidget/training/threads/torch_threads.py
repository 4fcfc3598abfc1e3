"""What of torch's own state a training changes: how many threads it uses, and whether it makes graphs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from kanwidget.core.network import Network

#: Below this many parameters times rows, one thread is faster than several.
_SMALL_WORK = 5e7


def is_small(network: Network, rows: int) -> bool:
    """Whether threads of a training on so many rows would mostly wait for each other."""
    return sum(p.numel() for p in network.parameters()) * rows < _SMALL_WORK


@contextmanager
def one_thread(small: bool = True) -> Iterator[None]:
    """Let torch use one thread for a small network, and as many as before afterwards.

    Threads of a small problem spend their time waiting for each other: with another load on two cores, forty small
    fits took 32 s instead of 2.4 s. And sums are rounded in an order that depends on their number: a session on a thread of
    its own and the script that replays it must use the same. torch keeps the number per thread, and
    gives the last one set to threads that are begun later: who calls this on a thread of its own sets it back there.
    """
    before = torch.get_num_threads()
    if not small or before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """Put back, at the end, the number of threads and whether graphs are made.

    Ctrl-C may come at any place: also where a `no_grad` is being left, which then leaves graphs switched off for everybody.
    """
    threads, graphs = torch.get_num_threads(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_grad_enabled(graphs)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
