"""`sweep`: settings × seeds, trained in batches, stored one by one."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NoReturn

from typing_extensions import Self

from kanwidget import _check
from kanwidget.sweeps.batches import Row, group_cases, row_of, run_batch
from kanwidget.sweeps.data import Arrays, arrays_of, datasets_by_name, digest
from kanwidget.sweeps.space import Case, cases_of, settings_of
from kanwidget.sweeps.table import Table
from kanwidget.training.steps.loop import progress_bar

#: Version of the results. Raise it when the same settings and data would give other results: stored ones are then computed again.
_RESULTS = 1
#: Identifies a sweep's file in SQLite's header, at byte 68 ("KANw"); `user_version`, at byte 60, is the format.
_APPLICATION, _FORMAT = 0x4B414E77, 1
_MAGIC = b"SQLite format 3\0"
#: Columns of rows that were written under older names.
_RENAMED = {"reason": "stop_reason", "bend": "geodesic_acceleration"}
Batch = Sequence[Case]
Results = Iterator[list[tuple[str, Row]]]
Backend = Callable[[list[list[Case]], Mapping[str, Arrays]], Results]

#: Number of times that all workers restart after one was killed; then each batch runs alone, to identify the fatal one.
_BREAKS = 3
_DIED = "its worker process died: it was killed, or had not enough memory"


def sweep(
    space: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]],
    data: Any,
    *,
    seeds: int | Sequence[int] = 1,
    n_jobs: int = 1,
    backend: str = "local",
    store: str | os.PathLike[str] | None = None,
    retry_failed: bool = False,
    progress: bool = True,
    **fixed: Any,
) -> Table:
    """Train a network for every setting and every seed.

    Networks of one structure are trained side by side. A network that can't be trained gets a row with the reason. Up to
    round-off, each result depends only on its setting, seed and data, not on the rest of the sweep or the number of workers.

    Args:
        space: Values by name, of which all combinations are tried, or a list of settings. Names are arguments of `KAN`
            (`width`, by default `auto`, see `KAN.for_data`; `grid`, `k`, `mult_arity`, `base_fun`, `grid_range`, `grid_eps`,
            `noise_scale`, `sparse_init`) and of `fit` (`steps`, `opt`, `lamb`, `lr`, `batch`, …), values numbers, text, booleans and
            lists.
        data: As for `fit`, or several by name in a dict: `{"100 rows": …, "1000 rows": …}`. With validation data each
            network ends, and is judged, in the state that was best on them.
        seeds: The number of seeds, or a list of seeds.
        n_jobs: Worker processes on this machine; -1 takes all cores. More than one worker needs joblib (`kanwidget[sweep]`).
        backend: `local`, or `dask` for the cluster of the current client (`kanwidget[dask]`); its workers need kanwidget, too.
        store: A file for the results. If it exists, its results aren't computed again: after a crash, or with more seeds or a
            larger space, call again with the same file. It may also hold results of other data or settings.
        retry_failed: Whether failed networks of `store` are trained again, on a machine with more memory, say. Otherwise their
            rows stay.
        progress: Whether to show a progress bar.
        **fixed: Arguments that all settings share: `width=[2, 5, 1], steps=50`.

    Returns:
        A table with a row for each network, in the order of settings, data, seeds.

    Raises:
        ValueError: For names that are no arguments, and for a file that isn't a sweep's; the file isn't changed.
        TypeError: If the space or the data have a wrong type.
        ImportError: If a package that the backend needs isn't installed.

    Examples:
        >>> from kanwidget import create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, test_num=100)
        >>> table = sweep({"width": [[2, 1], [2, 2, 1]]}, data, seeds=2, steps=20, progress=False)
        >>> table, table.best()["width"]
        (Table(4 rows: width, steps), [2, 2, 1])
    """
    sets = {name: arrays_of(dataset) for name, dataset in datasets_by_name(data, "sweep").items()}
    digests = {name: digest(arrays) for name, arrays in sets.items()}
    rows = cases_of(settings_of(space, fixed), digests, seeds, _RESULTS)
    cases = {case.key: case for case in rows}  # the same data under two names are used once
    start, workers = pick(backend, n_jobs)
    _check.boolean(progress, "progress", "sweep")
    _check.boolean(retry_failed, "retry_failed", "sweep")
    with Store(store) as database:
        stored = database.rows(list(cases))
        stored = {key: row for key, row in stored.items() if not (retry_failed and row["failed"])}
        missing = [case for key, case in cases.items() if key not in stored]
        bar = progress_bar(len(cases), progress, "sweep", initial=len(stored))
        try:
            for results in start(group_cases(missing, sets, workers), sets) if missing else ():
                database.add(results, replace=retry_failed)
                bar.update(len(results))
        finally:
            bar.close()
        rows_by_key = database.rows(list(cases))
    # A stored result may have been computed under another name of its data.
    return Table({**rows_by_key[case.key], **({"data": case.data} if case.data else {})} for case in rows)


class Store:
    """Rows by key, in a file or, without a path, in memory. A context manager.

    A file holds the results of any number of sweeps: a key identifies all arguments of a result.

    Args:
        path: An existing file of a sweep, or a new one; its folder must exist.

    Raises:
        FileNotFoundError: If the folder doesn't exist.
        ValueError: For a file that isn't a sweep's, or that is damaged. It isn't changed.

    Examples:
        >>> with Store(None) as store:
        ...     store.add([("k", {"test_loss": 0.5})])
        ...     store.rows(["k", "other"])
        {'k': {'test_loss': 0.5}}
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self.path = None if path is None else _checked(path)
        # `_base` is the connection to the SQLite database, a file or in memory. It is closed again if the file can't be used.
        with contextlib.ExitStack() as stack:
            try:
                self._base = sqlite3.connect(":memory:" if self.path is None else self.path, timeout=60)
                stack.callback(self._base.close)
                with self._base:
                    self._prepare()
            except sqlite3.DatabaseError as error:  # no place to write, say
                _refuse(self.path, f"of no use to SQLite ({error})")
            stack.pop_all()

    def _prepare(self) -> None:
        """Make the table of results in a new SQLite database (`_base` is the connection); nothing for one that a sweep has made.

        Raises:
            sqlite3.DatabaseError: For a damaged file.
        """
        if self._base.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("it is damaged")
        if self._base.execute("PRAGMA application_id").fetchone() == (_APPLICATION,):
            return
        # All in one transaction: a file either isn't there yet or is whole.
        self._base.execute("BEGIN IMMEDIATE")
        self._base.execute(f"PRAGMA application_id = {_APPLICATION}")
        self._base.execute(f"PRAGMA user_version = {_FORMAT}")
        self._base.execute("CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, row TEXT NOT NULL)")

    def add(self, results: Iterable[tuple[str, Row]], *, replace: bool = False) -> None:
        """Store results, pairs of key and row, in the SQLite database; of two with one key the first stays, or with `replace` the last."""
        texts = [(key, json.dumps(row)) for key, row in results]
        with self._base:
            self._base.executemany(f"INSERT OR {'REPLACE' if replace else 'IGNORE'} INTO results VALUES (?, ?)", texts)

    def rows(self, keys: Sequence[str]) -> dict[str, Row]:
        """The rows of those of these keys that the SQLite database has, by key, in the order of `keys`."""
        keys_to_read = set(keys)
        try:
            texts = {key: row for key, row in self._base.execute("SELECT key, row FROM results") if key in keys_to_read}
            rows = {key: json.loads(texts[key]) for key in keys if key in texts}
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            _refuse(self.path, f"damaged ({error})")
        # Rows of older versions have former names of some columns: these become today's.
        return {key: {_RENAMED.get(name, name): value for name, value in row.items()} for key, row in rows.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close `_base`, the connection to the SQLite database; what was stored is committed already."""
        self._base.close()


def _checked(path: Any) -> Path:
    """The path, if a sweep may write there. Foreign files are recognized by their header and never opened as a database."""
    if not isinstance(path, (str, os.PathLike)):
        _check.fail("store", "sweep", "the path of a file, or None", path, "'sweep.db', say.")
    target = Path(path)
    if target.is_dir():
        _check.fail("store", "sweep", "the path of a file", str(path), "That is a folder.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {target.parent} to write {target.name} in")
    head = b""  # SQLite's header has 100 bytes: at 60 the version of the format, at 68 whose file it is
    if target.exists():
        with target.open("rb") as file:
            head = file.read(100)
    if head and not head.startswith(_MAGIC):
        _refuse(target, "no SQLite file")
    if head and (len(head) < 100 or int.from_bytes(head[68:72], "big") != _APPLICATION):
        _refuse(target, "an SQLite file of something else")
    if head and int.from_bytes(head[60:64], "big") > _FORMAT:
        _refuse(target, "of a newer version of kanwidget")
    return target


def _refuse(path: Path | None, description: str) -> NoReturn:
    """Raise a ValueError for the argument `store`; `description` says what its file is instead."""
    advice = f"That is {description}. Give another name: it isn't changed."
    _check.fail("store", "sweep", "a new file or one that a sweep has made", str(path), advice)


# ---- where batches run: in this process, in worker processes of this machine, or on a Dask cluster


def pick(backend: Any, n_jobs: Any) -> tuple[Backend, int]:
    """The function that trains batches, given these and the data by name, and yields their results, and its number of workers.

    `backend` is `local` or `dask`; `n_jobs` is the number of local processes, -1 for one a core.

    Raises:
        ValueError: For other names and numbers, and for `dask` without a client.
        ImportError: If a package that it needs isn't installed.
    """
    _check.choice(backend, "backend", "sweep", ("local", "dask"))
    if backend == "dask":
        client = _client()
        return lambda batches, data: _on_dask(client, batches, data), max(1, len(client.nthreads()))
    jobs = _check.integer(n_jobs, "n_jobs", "sweep", low=-1, advice="-1 takes all cores.")
    if jobs == 0:
        _check.fail("n_jobs", "sweep", "an integer ≥ 1, or -1 for all cores", n_jobs)
    jobs = (os.cpu_count() or 1) if jobs == -1 else jobs
    if jobs == 1:
        return lambda batches, data: (run_batch(batch, data) for batch in batches), 1
    _needs("joblib", "sweep")
    return lambda batches, data: _in_processes(jobs, batches, data), jobs


def _in_processes(jobs: int, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """Train batches in worker processes; the results come in the order in which batches end.

    A pool ends when one of its workers is killed, for lack of memory say. It begins again with the remaining batches, three times in all;
    each batch that remains then runs alone, so that the network that kills its worker is found.

    Args:
        jobs: Worker processes.
        batches: Lists of networks that are trained side by side.
        data: The arrays of each data set, by its name.
    """
    # A batch goes by the key of its first case, which is that of its first result, too.
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
    """The results of one batch on a worker of its own; if the batch kills the worker, its networks run one by one.

    Args:
        batch: The batch.
        run: Runs a batch on a worker.
        death: What `run` raises when the worker was killed; a single network that does so becomes a failed row.
    """
    try:
        yield from run(batch)
    except death:
        if len(batch) == 1:
            yield [(batch[0].key, row_of(batch[0], failed=_DIED))]
        else:
            for case in batch:
                yield from _alone([case], run, death)


def _pool(jobs: int, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """Train batches in `jobs` processes; keys and rows of a batch come as it ends. `data` has the arrays by name of the data."""
    from joblib import Parallel, delayed

    # No memory maps: they are read-only, and small data travels faster by itself.
    pool = Parallel(jobs, backend="loky", return_as="generator_unordered", batch_size=1, max_nbytes=None)
    yield from pool(delayed(run_batch)(batch, _of(batch, data)) for batch in batches)


def _of(batch: Batch, data: Mapping[str, Arrays]) -> dict[str, Arrays]:
    """The data that the cases of a batch need, by name."""
    return {name: data[name] for name in dict.fromkeys(case.data for case in batch)}


# ---- Dask


def _on_dask(client: Any, batches: Sequence[Batch], data: Mapping[str, Arrays]) -> Results:
    """Train batches on the workers of a Dask cluster, which have kanwidget installed; results come in the order in which batches end.

    A batch whose worker was killed runs again alone, at the end. Whatever is unfinished is cancelled when the caller stops.

    Args:
        client: The cluster's client.
        batches: The batches.
        data: The arrays by name of the data.
    """
    from distributed import KilledWorker, as_completed

    # The data as a task: should the worker that has it die, the scheduler makes it again.
    shared = {name: client.submit(dict, arrays, pure=False) for name, arrays in data.items()}

    def submit(batch: Batch) -> Any:
        """The future of a batch's results. `pure=False`: a batch that is submitted again runs again."""
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
    """Raise an ImportError if a package isn't installed; it names the extra of kanwidget that installs it."""
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise ImportError(f"sweep needs {package} for this, which is not installed: pip install 'kanwidget[{extra}]'")
