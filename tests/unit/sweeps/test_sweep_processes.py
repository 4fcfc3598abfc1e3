"""Worker processes, and workers and whole processes that are killed: nothing that was finished is lost, and nothing is there twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kanwidget import sweep
from kanwidget.sweeps import batches, run
from tests.unit.sweeps.sweep_samples import DEADLY, deadly, kept, product, without_seconds

SPACE = {"grid": list(range(1, 13))}
FIXED = {"width": [2, 1], "steps": 2, "progress": False}

SHAPES = {"width": [[2, 1], [2, 2, 1]], "grid": [1, 3], "lamb": [0.0, 1e-3]}
#: Says a line after each batch that is kept, then waits for an answer: the parent decides when it is killed.
SCRIPT = """
import sys
from kanwidget import sweep
from kanwidget.sweeps import run
from tests.unit.sweeps.sweep_samples import product

def add(self, results, before=run.Store.add, **options):
    before(self, results, **options)
    print("kept", flush=True)
    sys.stdin.readline()

run.Store.add = add
sweep({"grid": list(range(1, 13))}, product(), width=[2, 1], steps=2, progress=False, store=sys.argv[1])
"""


@pytest.mark.slow
def test_two_processes_give_the_same_as_one():
    pytest.importorskip("joblib")
    one = without_seconds(sweep(SHAPES, product(), seeds=2, steps=4, progress=False))
    two = without_seconds(sweep(SHAPES, product(), seeds=2, steps=4, progress=False, n_jobs=2))
    assert [list(row) for row in one] == [list(row) for row in two]
    for first, second in zip(one, two, strict=True):
        for name, value in first.items():
            assert second[name] == (pytest.approx(value, rel=1e-6) if isinstance(value, float) else value)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_process_is_resumed(tmp_path, monkeypatch):
    path = tmp_path / "s.db"
    command = [sys.executable, "-c", SCRIPT, str(path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdin=-1, stdout=-1, text=True) as process:
        for _ in range(3):
            assert process.stdout.readline() == "kept\n"
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.stdout.readline() == "kept\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    finished = kept(path)
    assert len(finished) == 4

    trained = []
    monkeypatch.setattr(run, "run_batch", lambda cases, sets: trained.extend(cases) or batches.run_batch(cases, sets))
    table = sweep(SPACE, product(), store=path, **FIXED)
    assert len(trained) == 8
    assert not {case.key for case in trained} & set(finished)
    assert len(kept(path)) == len(set(kept(path))) == 12
    assert without_seconds(table) == without_seconds(sweep(SPACE, product(), **FIXED))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_killed_worker_is_replaced(tmp_path, monkeypatch):
    pytest.importorskip("joblib")
    killed = []

    def add(self, results, before=run.Store.add, **options):
        before(self, results, **options)
        if not killed:
            killed.extend(loky_workers())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(run.Store, "add", add)
    path = tmp_path / "s.db"
    table = sweep(SPACE, product(), n_jobs=2, store=path, **FIXED)
    assert killed
    assert table["failed"] == [None] * 12
    assert len(kept(path)) == len(set(kept(path))) == 12
    assert without_seconds(table) == without_seconds(sweep(SPACE, product(), **FIXED))


def loky_workers():
    from joblib.externals.loky import reusable_executor

    return list(reusable_executor._executor._processes)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_network_that_kills_its_worker_is_a_row_and_no_other_is_harmed(monkeypatch):
    pytest.importorskip("joblib")
    monkeypatch.setattr(run, "run_batch", deadly)
    monkeypatch.setattr(run, "_BREAKS", 1)
    space = {"width": [[2, 1], [2, 2, 1]], "lamb": [0.0, DEADLY]}
    table = sweep(space, product(), n_jobs=2, steps=2, progress=False)
    assert [row["failed"] is None for row in table] == [True, False, True, False]
    assert table.failed["failed"] == ["its worker process died: it was killed, or had not enough memory"] * 2
