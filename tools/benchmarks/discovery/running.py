"""Tasks in processes of their own: one that breaks down or hangs costs its own answer only."""

from __future__ import annotations

import math
import multiprocessing
import resource
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait

import torch

from tools.benchmarks.discovery.answers import UNFINISHED, answers, judged
from tools.benchmarks.discovery.store import Row

#: Seconds of the processor beyond those of the task after which a search is broken off, and those that a verdict may take.
_GRACE, _VERDICT_SECONDS = 30, 600


def run(rows: Iterable[Row], workers: int) -> Iterator[Row]:
    """The rows with answers and verdicts as they come; rows that have an answer are judged only.

    Args:
        rows: A row a task, with or without an answer.
        workers: How many processes at once.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    waiting, active = list(rows)[::-1], {}
    while waiting or active:
        while waiting and len(active) < workers:
            row = waiting.pop()
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, row), daemon=True)
            process.start()
            sender.close()
            active[receiver] = (process, row)
        for receiver in wait(list(active)):
            process, row = active.pop(receiver)  # type: ignore[index]
            try:
                active[receiver] = (process, receiver.recv())  # type: ignore[union-attr, index]
            except EOFError:
                process.join()
                row = _ended(row, process.exitcode)
                if row.judged:
                    yield row
                else:
                    waiting.append(row)


def _ended(row: Row, code: int | None) -> Row:
    """The last row of a process. Without a verdict it says why: what a search had found until it broke down is still to be judged."""
    if row.judged:
        return row
    if row.failure == UNFINISHED:
        return replace(row, failure=f"the search ended with code {code}")
    what = "verdict" if row.trace else "search"
    return replace(row, failure=f"{row.failure or f'the {what} ended with code {code}'}", exact=False, form=False)


def _work(sender: Connection, row: Row) -> None:
    """In the process: the answer as it improves, then the verdict."""
    torch.set_num_threads(1)
    if not row.trace:
        _limit(row.task.seconds * 1.5 + _GRACE)
        for better in answers(row.task):
            row = replace(better, version=row.version)
            sender.send(row)
    _limit(_VERDICT_SECONDS)
    sender.send(judged(row))


def _limit(seconds: float) -> None:
    """End this process if it needs more seconds of the processor from now on."""
    limit = math.ceil(time.process_time() + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
