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
Tell = Callable[[int], None]
#: Does a piece of the work, tells how far it has come, and ends soon once it is interrupted.
Work = Callable[[Piece, Tell, Callable[[], bool]], None]


def on_threads(threads: int, pieces: Sequence[Piece], work: Work[Piece], tell: Tell) -> None:
    """Do all pieces, on so many threads, and tell on this one how far they have come.

    Each thread uses one of torch's: several that work on one small product wait for each other, on a busy machine for most of the
    time. What is raised on one of them, or here, ends all, and is raised here once they have ended.
    """
    if threads == 1:
        for piece in pieces:
            work(piece, tell, lambda: False)
        return
    stop, news = threading.Event(), SimpleQueue[int | BaseException | None]()

    def run(mine: Sequence[Piece]) -> None:
        end: BaseException | None = None
        try:
            with one_thread():
                for piece in mine:
                    if not stop.is_set():
                        work(piece, news.put, stop.is_set)
        except BaseException as error:
            end = error
        news.put(end)

    workers = [
        # Some kernels look in the context for where output belongs.
        threading.Thread(
            target=contextvars.copy_context().run,
            args=(run, pieces[place::threads]),
            name="kanwidget-fit",
            daemon=True,
        )
        for place in range(threads)
    ]
    try:
        for worker in workers:
            worker.start()
        left = threads
        while left:
            message = news.get()
            if isinstance(message, BaseException):
                raise message
            if message is None:
                left -= 1
            else:
                tell(message)
    finally:
        stop.set()
        pressed = _join(workers)
        # They have set their own number of torch's threads, and with it that of threads still to come.
        torch.set_num_threads(torch.get_num_threads())
        if pressed:
            raise KeyboardInterrupt


def _join(workers: Sequence[threading.Thread]) -> bool:
    """Wait for threads that have been told to stop, though somebody presses Ctrl-C again: whether somebody has."""
    pressed = False
    for worker in workers:
        while worker.is_alive():
            try:
                worker.join()
            except KeyboardInterrupt:
                pressed = True
    return pressed
