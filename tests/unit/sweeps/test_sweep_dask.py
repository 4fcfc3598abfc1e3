"""On a Dask cluster: a scheduler and two worker processes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kanwidget import sweep
from kanwidget.sweeps import run
from tests.unit.sweeps.sweep_samples import DEADLY, deadly, kept, product, without_seconds

dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="signals"),
    # Of Dask's own: sockets and loops of a cluster whose worker was killed.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
]
ROOT = Path(__file__).parents[3]
FIXED = {"width": [2, 1], "steps": 2, "progress": False}


def start(*arguments):
    command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture
def cluster(tmp_path):
    """A client, and the processes of the two workers by address."""
    file = str(tmp_path / "scheduler.json")
    common = ["--scheduler-file", file]
    processes = [start("dask_scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1", *common)]
    processes += [
        start("dask_worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1", *common)
        for _ in range(2)
    ]
    try:
        with distributed.Client(scheduler_file=file, timeout=60) as client:
            client.wait_for_workers(2, timeout=120)
            pids = client.run(os.getpid)
            yield client, pids
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.wait()


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_costs_no_result_and_doubles_none(cluster, tmp_path, monkeypatch):
    client, pids = cluster
    killed = []

    def add(self, results, before=run.Store.add, **options):
        before(self, results, **options)
        if not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(run.Store, "add", add)
    space, path = {"grid": list(range(1, 13))}, tmp_path / "s.db"
    table = sweep(space, product(), backend="dask", store=path, **FIXED)
    assert killed
    assert table["failed"] == [None] * 12
    assert len(kept(path)) == len(set(kept(path))) == 12
    assert without_seconds(table) == without_seconds(sweep(space, product(), **FIXED))
    assert len(client.scheduler_info()["workers"]) == 1


@pytest.mark.slow
def test_a_network_that_kills_every_worker_is_a_row(monkeypatch):
    monkeypatch.setattr(run, "run_batch", deadly)
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        distributed.Client(local),
    ):
        table = sweep({"lamb": [0.0, DEADLY]}, product(), width=[2, 1], steps=2, backend="dask", progress=False)
    assert [row["failed"] is None for row in table] == [True, False]
    assert table[1]["failed"] == "its worker process died: it was killed, or had not enough memory"


def test_without_a_cluster_it_says_so():
    with pytest.raises(ValueError, match="`backend` argument of sweep must be 'local' where there is no Dask client"):
        sweep({}, product(), backend="dask", **FIXED)


def test_all_workers_of_a_cluster_are_counted(monkeypatch):
    """What `scheduler_info` tells of workers depends on the version: in some it's five of them."""

    class Client:
        def scheduler_info(self, n_workers=5):
            return {"workers": {str(n): {} for n in range(n_workers)}}

        def nthreads(self):
            return {str(n): 1 for n in range(40)}

    monkeypatch.setattr(run, "_client", Client)
    assert run.pick("dask", 1)[1] == 40
