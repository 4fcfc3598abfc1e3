"""Where batches run: in this process, in worker processes of this machine, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from kanwidget import _check
from kanwidget.sweeps.batches import Row, failed_row, run_batch
from kanwidget.sweeps.data import Arrays
from kanwidget.sweeps.space import Case

Batch = Sequence[Case]
Results = Iterator[list[tuple[str, Row]]]
Backend = Callable[[list[list[Case]], Mapping[str, Arrays]], Results]

#: Number of times that all workers restart after one was killed; then each batch runs alone, to identify the fatal one.
_BREAKS = 3
_DIED = "its worker process died: it was killed, or had not enough memory"


def pick(backend: Any, n_jobs: Any) -> tuple[Backend, int]:
    """The backend, and its number of workers.

    Raises:
        ValueError: For other names and numbers, and for `dask` without a client.
        ImportError: If a package that it needs isn't installed.
    """
    _check.choice(backend, "backend", "sweep", ("local", "dask"))
    if backend == "dask":
        client = _client()
        return lambda batches, data: on_dask(client, batches, data), max(1, len(client.nthreads()))
    jobs = _check.integer(n_jobs, "n_jobs", "sweep", low=-1, advice="-1 takes all cores.")
    if jobs == 0:
        _check.fail("n_jobs", "sweep", "an integer ≥ 1, or -1 for all cores", n_jobs)
    jobs = (os.cpu_count() or 1) if jobs == -1 else jobs
    if jobs == 1:
        return in_this_process, 1
    _needs("joblib", "sweep")
    return lambda batches, data: in_processes(jobs, batches, data), jobs


def in_this_process(batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """One batch after the other in this process."""
    for batch in batches:
        yield run_batch(batch, data)


def in_processes(jobs: int, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """In worker processes, in the order in which they finish. The batches of a killed worker run again."""
    pending = {batch[0].key: batch for batch in batches}
    for _ in range(_BREAKS):
        with contextlib.suppress(BrokenProcessPool):
            # A copy: finished batches are deleted while the pool still reads.
            for results in _pool(jobs, list(pending.values()), data):
                del pending[results[0][0]]
                yield results
        if not pending:
            return
    for batch in pending.values():
        # A pool of one would be this very process.
        yield from _alone(batch, lambda part: _pool(2, [part], data), BrokenProcessPool)


def _alone(batch: Batch, run: Callable[[Batch], Results], death: type[Exception]) -> Results:
    """One batch on a worker of its own; if it kills the worker (`run` then raises `death`), its networks one by one."""
    try:
        yield from run(batch)
    except death:
        if len(batch) == 1:
            yield [(batch[0].key, failed_row(batch[0], _DIED))]
        else:
            for case in batch:
                yield from _alone([case], run, death)


def _pool(jobs: int, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    from joblib import Parallel, delayed

    # No memory maps: they are read-only, and small data travels faster by itself.
    pool = Parallel(jobs, backend="loky", return_as="generator_unordered", batch_size=1, max_nbytes=None)
    yield from pool(delayed(run_batch)(batch, _of(batch, data)) for batch in batches)


def _of(batch: Batch, data: Mapping[str, Arrays]) -> dict[str, Arrays]:
    """The data that a batch needs."""
    return {name: data[name] for name in dict.fromkeys(case.data for case in batch)}


# ---- Dask


def on_dask(client: Any, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """On the workers of a Dask cluster, which have kanwidget installed."""
    from distributed import KilledWorker, as_completed

    # The data as a task: should the worker that has it die, the scheduler makes it again.
    shared = {name: client.submit(_identity, arrays, pure=False) for name, arrays in data.items()}

    def submit(batch: Batch) -> Any:
        return client.submit(run_batch, batch, _of(batch, shared), pure=False)

    running = {submit(batch): batch for batch in batches}
    suspects = []
    try:
        for future in as_completed(list(running)):
            batch = running.pop(future)
            try:
                results = future.result()
            except KilledWorker:
                # Another batch may have killed the worker: running alone decides.
                suspects.append(batch)
            else:
                yield results
        for batch in suspects:
            yield from _alone(batch, lambda part: iter([submit(part).result()]), KilledWorker)
    finally:
        client.cancel(list(running))


def _identity(arrays: Arrays) -> Arrays:
    return arrays


def _client() -> Any:
    """The client of the connected cluster."""
    _needs("distributed", "dask")
    from distributed import get_client

    try:
        return get_client()
    except ValueError:
        advice = "Connect first: client = distributed.Client('tcp://…:8786')."
        _check.fail("backend", "sweep", "'local' where there is no Dask client", "dask", advice)


def _needs(package: str, extra: str) -> None:
    """An error that names the package to install."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ImportError(f"sweep needs {package} for this, which is not installed: pip install 'kanwidget[{extra}]'")
