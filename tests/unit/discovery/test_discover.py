"""The whole way from a table to a formula, called from Python."""

import pytest
import torch

from kanwidget import Dataset, load_planets
from kanwidget.discovery.discover import discover
from kanwidget.explorer.session.recorder import Recorder
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt


def test_discovery_prints_nothing_and_leaves_the_threads_alone(capsys, two_threads):
    discovery = discover(load_planets(), [1, 1], 3, lamb=0.0)
    assert capsys.readouterr().out == ""
    assert torch.get_num_threads() == 2
    assert discovery.recorder is None
    assert repr(discovery.fitted()) == "period = axis**(3/2)"
    x = load_planets().train_input
    assert (discovery.model.predict(x) / discovery.network.predict(x) - 1).abs().max() < 0.05
    assert discovery.leave_one_out_error() == pytest.approx(discovery.model.history.last.train_loss, rel=1e-6)


def test_the_recorder_of_the_best_training_comes_back():
    recorders = []

    def make_recorder():
        recorders.append(Recorder())
        return recorders[-1]

    discovery = discover(load_planets(), [1, 1], 3, lamb=0.0, make_recorder=make_recorder)
    assert len(recorders) == 4
    assert discovery.recorder in recorders
    # In the units of the table, where the network has layers of logarithms and exponentials.
    assert {frame.network().depth for frame in discovery.recorder.frames()} == {discovery.network.depth}


@pytest.mark.parametrize(("rows", "threads"), [(1_000, 1), (200_000, 2)])
def test_trainings_of_large_tables_use_all_threads(rows, threads, two_threads, monkeypatch):
    numbers = []

    def step(optimizer, interrupted):
        numbers.append(torch.get_num_threads())
        raise KeyError("enough")

    monkeypatch.setattr(LevenbergMarquardt, "step", step)
    x = torch.rand(rows, 3, dtype=torch.float64)
    with pytest.raises(KeyError, match="enough"):
        discover(Dataset(x, x.sum(1, keepdim=True)), [3, 5, 1], 10, steps=1)
    assert numbers == [threads]
