"""Batches on threads: how many, what they share, and that they end together."""

import contextlib
import threading

import pytest
import torch

from kanwidget import KAN
from kanwidget.training import fit_many, many
from kanwidget.training import many as workers
from kanwidget.training.steps.networks import TrainingBatch
from tests.unit.training.many_samples import dataset, networks


@pytest.fixture
def two_threads():
    """What torch may use; set back afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_large_groups_are_spread_over_threads(monkeypatch, two_threads):
    original, seen = TrainingBatch.advance, {}

    def advance(self, step, interrupted):
        seen.setdefault(threading.get_ident(), set()).add((len(self.networks), torch.get_num_threads()))
        return original(self, step, interrupted)

    monkeypatch.setattr(TrainingBatch, "advance", advance)
    ours, histories = fit_many(networks(17), dataset(), "LM", 4, progress=False)
    assert sorted(seen.values(), key=str) == [{(8, 1)}, {(9, 1)}]
    assert threading.get_ident() not in seen
    assert torch.get_num_threads() == 2
    other: list[int] = []
    thread = threading.Thread(target=lambda: other.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert other == [2]
    torch.set_num_threads(1)
    theirs, _ = fit_many(networks(17), dataset(), "LM", 4, progress=False)
    for one, other_one, history in zip(ours, theirs, histories, strict=True):
        torch.testing.assert_close(one.layer(0).coef, other_one.layer(0).coef, rtol=1e-6, atol=1e-8)
        assert len(history) == 4


def test_threads_share_the_memory(monkeypatch, two_threads):
    """Where it holds eight networks of [2, 3, 1] and not sixteen they are trained on one thread, half of them at a time."""
    original, made = TrainingBatch.__init__, []

    def seen(self, networks, *others):
        made.append((len(networks), threading.current_thread() is threading.main_thread()))
        original(self, networks, *others)

    monkeypatch.setattr(TrainingBatch, "__init__", seen)
    data = dataset()
    size = many._bytes(many._runs(networks(1), data, 0.0, "LM", {})[0]) / 2**20
    for memory, expected in ((17 * size, [(8, False)] * 2), (15 * size, [(8, True)] * 2), (3 * size, [(3, True)] * 6)):
        made.clear()
        fit_many(networks(16), data, "LM", 1, max_memory_mb=memory, progress=False)
        assert made[:-1] == expected[:-1]


def test_several_kinds_are_planned_one_after_the_other():
    """Each with threads of its own number, in batches as many as threads, none of a few networks only."""
    data, size = dataset(), 2**30
    models = [*networks(48), *(KAN([2, 5, 5, 1], grid=8, seed=seed) for seed in range(10)), KAN([2, 1])]
    plans = many._plans(many._runs(models, data, 0.0, "LM", {}), size, 4)
    assert [([len(chunk) for chunk in chunks], threads) for chunks, threads in plans] == [
        ([12, 12, 12, 12], 4),
        ([10], 1),
        ([1], 1),
    ]


def test_a_gpu_gets_one_large_batch(monkeypatch):
    runs = many._runs(networks(48), dataset(), 0.0, "LM", {})
    monkeypatch.setattr(KAN, "device", torch.device("cuda"))
    assert many._threads(runs, 2**30, 8) == 1


def test_threads_are_waited_for_however_often_somebody_presses_ctrl_c():
    over, presses = threading.Event(), []

    class Worker(threading.Thread):
        def join(self, timeout=None):
            presses.append(None)
            if len(presses) < 4:
                raise KeyboardInterrupt
            over.set()
            super().join(timeout)

    worker = Worker(target=over.wait, daemon=True)
    worker.start()
    assert workers._join([worker])
    assert not worker.is_alive()
    assert not workers._join([worker])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_what_ends_one_thread_ends_all(monkeypatch, two_threads, error):
    """The other thread would train for a long time."""
    original, raised = TrainingBatch.advance, []

    def advance(self, step, interrupted):
        if step == 4 and not raised:
            raised.append(error)
            raise error
        return original(self, step, interrupted)

    monkeypatch.setattr(TrainingBatch, "advance", advance)
    models = networks(16)
    with contextlib.nullcontext() if error is KeyboardInterrupt else pytest.raises(error):
        _, histories = fit_many(models, dataset(), "LM", 100_000, lamb=1e-3, progress=False)
        assert {history.stop_reason for history in histories} == {"interrupted"}
        assert all(len(history) < 100_000 for history in histories)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("kanwidget-fit")]
    places = [p.untyped_storage().data_ptr() for model in models for p in model.parameters()]
    assert len(set(places)) == len(places)


def test_after_an_error_no_thread_begins_another_piece():
    begun = []

    def work(piece, report, stopped):
        begun.append(piece)
        if piece == 0:
            raise RuntimeError("no")
        while not stopped():
            pass

    with pytest.raises(RuntimeError, match="no"):
        workers.on_threads(2, range(6), work, lambda message: None)
    assert set(begun) <= {0, 1}
