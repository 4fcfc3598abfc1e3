"""Pieces of a training on several threads of Python, which end together."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

import torch

from kanwidget.core.threads import one_thread

Piece = TypeVar("Piece")
Report = Callable[[int], None]
#: Does a piece of the work, reports its progress, and ends soon once it is interrupted.
Work = Callable[[Piece, Report, Callable[[], bool]], None]


def on_threads(threads: int, pieces: Sequence[Piece], work: Work[Piece], report: Report) -> None:
    """Do all pieces on a number of threads, and report their progress on this thread.

    Each thread uses one of torch's: several that work on one small product wait for each other, on a busy machine for most of the
    time. An error on one of them, or here, ends all, and is raised here once they have ended.
    """
    if threads == 1:
        for piece in pieces:
            work(piece, report, lambda: False)
        return
    stop, messages = threading.Event(), SimpleQueue[int | BaseException | None]()

    def run(share: Sequence[Piece]) -> None:
        end: BaseException | None = None
        try:
            with one_thread():
                for piece in share:
                    if not stop.is_set():
                        work(piece, messages.put, stop.is_set)
        except BaseException as error:
            end = error
        messages.put(end)

    workers = [
        # Some kernels find the cell of an output in the context.
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(run, pieces[first::threads]),
            name="kanwidget-fit",
            daemon=True,
        )
        for first in range(threads)
    ]
    try:
        for worker in workers:
            worker.start()
        running = threads
        while running:
            message = messages.get()
            if isinstance(message, BaseException):
                raise message
            if message is None:
                running -= 1
            else:
                report(message)
    finally:
        stop.set()
        pressed = _join(workers)
        # The workers have set their own number of torch's threads, and with it that of threads still to come.
        torch.set_num_threads(torch.get_num_threads())
        if pressed:
            raise KeyboardInterrupt


def _join(workers: Sequence[threading.Thread]) -> bool:
    """Wait for threads that are asked to stop, also through another Ctrl-C: whether there was one."""
    pressed = False
    for worker in workers:
        while worker.is_alive():
            try:
                worker.join()
            except KeyboardInterrupt:
                pressed = True
    return pressed
