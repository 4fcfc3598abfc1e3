"""`code()`: the script of a session, run on the same data, ends in the same network, bit for bit."""

import json
import pickle
import textwrap

import numpy as np
import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.edges import Drag, Fix
from kanwidget.explorer.commands.training import Set, Start, UsePreset
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import network, train


def replay(code, data, folder=None):
    """Run a script, and return the network that it ends with."""
    names = {"data": data}
    exec(compile(code, "session.py", "exec"), names)
    names["explorer"].close()
    return names["model"]


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["auto", "Adam"])
def test_a_long_session_is_replayed_bit_for_bit(data, opt):
    with KANExplorer(KAN([2, 3, 1], seed=4), data, opt=opt, lamb=1e-3) as explorer:
        explorer.step(5)
        explorer.lamb = 1e-2
        explorer.fit(steps=4)
        explorer.select(0, 0, 1)
        explorer.fix()
        explorer.undo()
        explorer.step(2)
        explorer.redo()
        explorer.grid = 6
        explorer.step(3)
        explorer.drag((0, 1, 0), 1, 0.25, commit=False)
        explorer.step(1)
        explorer.drag((0, 1, 0), 1, 0.5)
        explorer.prune(edges=[(0, 0, 0)])
        explorer.freeze((0, 1, 2))
        explorer.step(2)
        explorer.restore(0, 0, 0)
        explorer.goto(0)
        explorer.step(2)
        explorer.lock(0, [(0, 1), (1, 1)])
        explorer.reset(seed=3)
        explorer.step(4)
        explorer.add_node(1)
        explorer.step(2)
        explorer.noise = 0.1
        explorer.freeze(edges=[(0, 0, 0), (0, 1, 0)])
        explorer.step(2)
        explorer.unfreeze(edges=[(0, 0, 0), (0, 1, 0)])
        explorer.add_node(1, product=True)
        explorer.remove_node(1, 0)
        explorer.step(1)
        explorer.noise = 0.0
        explorer.auto_symbolic(0.99, edges=[(0, 0, 0), (1, 0, 0)])
        explorer.prune(0.05, 0.1)
        explorer.auto_symbolic(0.5, lib=["x", "x^2", "sin"])
        explorer.step(2)
        assert network(replay(explorer.code(), data)) == network(explorer.model)


def test_batches_are_replayed(data):
    with KANExplorer(KAN([2, 3, 1], seed=4), data, opt="Adam") as explorer:
        explorer.step(2)
        explorer.batch = 16
        explorer.step(3)
        explorer.batch = None
        explorer.step(2)
        assert "explorer.batch = None" in explorer.code()
        assert network(replay(explorer.code(), data)) == network(explorer.model)


def test_a_problem_to_play_with_is_named(data):
    with KANExplorer.demo("ripples", seed=2) as explorer:
        explorer.step(2)
        explorer._driver.apply(UsePreset("product"))
        explorer.step(3)
        assert "KANExplorer.demo('ripples', seed=2" in explorer.code()
        assert "explorer.use_example('product')" in explorer.code()
        assert network(replay(explorer.code(), None)) == network(explorer.model)


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        ({}, [{"lamb": 0.01}, {"opt": "Adam"}, {"lr": 0.03}, {"batch": 20}]),
        ({"opt": "Adam", "batch": 20, "lamb": 0.1}, [{"batch": -1}, {"opt": "LM"}, {"lamb": 0.0}]),
    ],
)
def test_settings_that_another_problem_takes_over_are_in_its_script(given, changes):
    with KANExplorer.demo("ripples", in_vars=["a", "b"], out_vars=["c"], driver="blocking", **given) as explorer:
        for change in changes:
            explorer._driver.apply(Set(**change))
        explorer.step(2)
        explorer._driver.apply(UsePreset("four inputs"))
        assert explorer._session.in_vars == ("x_1", "x_2", "x_3", "x_4")
        explorer.step(3)
        assert network(replay(explorer.code(), None)) == network(explorer.model)


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({}, Set(lamb=0.01, noise=0.1)),
        ({"opt": "Adam", "batch": 20}, Set(opt="LM", batch=-1)),
        ({}, Set(opt="Adam", batch=20, lr=0.03, lamb=0.1)),
    ],
)
def test_settings_of_one_message_are_repeated_one_after_the_other(data, given, change):
    with KANExplorer(KAN([2, 3, 1], seed=4), data, driver="blocking", **given) as explorer:
        explorer.step(2)
        explorer._driver.apply(change)
        explorer.step(3)
        assert network(replay(explorer.code(), data)) == network(explorer.model)


def test_a_live_session_is_replayed_bit_for_bit(data):
    with KANExplorer(KAN([2, 3, 1], seed=2), data, lamb=1e-3, driver="thread") as explorer:
        explorer.start()
        explorer.wait(steps=3)
        explorer.lamb = 1e-2
        explorer.wait(steps=2)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.wait(steps=2)
        explorer.refine(5)
        explorer.wait(steps=2)
        explorer.undo()
        explorer.wait(steps=2)
        explorer.pause()
        code = explorer.code()
        assert network(replay(code, data)) == network(explorer.model)


def test_reads_like_something_a_person_would_write(data):
    session = Session(KAN([2, 3, 1], seed=2), data)
    train(session, 3)
    session.apply(Set(lamb=0.01))
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Drag((0, 1, 0), 1, 0.5, commit=False))
    session.apply(Drag((0, 1, 0), 1, 0.75))
    from kanwidget.explorer.session.script import script

    assert script(session.run.initial, {"lamb": 0.1}, session.script, "start.kan") == textwrap.dedent(
        '''\
        """A session of kanwidget's explorer. Run it on the same data to come to the same network."""

        from kanwidget import KAN, KANExplorer

        # `data` is the dataset that the session was given
        model = KAN([2, 3, 1], grid=3, k=3, seed=2)
        explorer = KANExplorer(model, data, lamb=0.1)
        explorer.step(3)
        explorer.lamb = 0.01
        explorer.fix('sin', edge=(0, 0, 0))
        explorer.drag((0, 1, 0), 1, 0.75)
        model = explorer.model
        '''
    )


@pytest.mark.slow
def test_a_session_whose_optimizer_keeps_a_memory_is_replayed_bit_for_bit(data):
    with KANExplorer(KAN([2, 3, 1], seed=4), data, opt="LBFGS", lamb=1e-3) as explorer:
        explorer.step(3)
        explorer.fix("sin", edge=(0, 0, 1))
        explorer.undo()
        explorer.step(2)
        explorer.grid = 5
        explorer.step(1)
        explorer.goto(0)
        explorer.step(2)
        explorer.auto_symbolic(0.5, lib=["x", "x^2"], edges=[(0, 0, 0)])
        explorer.step(1)
        assert network(replay(explorer.code(), data)) == network(explorer.model)


def half(output, label):
    return (output - label).square().mean() / 2


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": np.linspace(0.5, 1.5, 60)},
        {"sample_weight": torch.linspace(0.5, 1.5, 60)},
        {"metrics": [half]},
        {"metrics": {"half": half}},
        {"loss": half, "opt": "Adam"},
    ],
    ids=lambda options: f"{next(iter(options))}-{type(next(iter(options.values()))).__name__}",
)
def test_options_that_cannot_be_written_down_are_supplied_by_the_reader(data, options):
    name, value = next(iter(options.items()))
    with KANExplorer(KAN([2, 2, 1], seed=1), data, driver="blocking", **options) as explorer:
        explorer.step(2)
        code = explorer.code()
        assert f"# `{name}` is the value of that option" in code
        assert f"{name}={name}" in code
        names = {"data": data, name: value}
        exec(compile(code, "session.py", "exec"), names)
        names["explorer"].close()
        assert network(names["model"]) == network(explorer.model)


@pytest.mark.slow
def test_numbers_of_numpy_are_written_as_plain_ones(data):
    with KANExplorer(KAN([2, 2, 1], seed=1), data, lamb=np.float64(0.01), in_vars=("a", "b")) as explorer:
        explorer.lamb = np.float32(0.5)
        explorer.prune(np.float64(0.001), np.float64(0.002))
        explorer.auto_symbolic(np.float64(-5), simplicity=np.float64(0.25))
        explorer.reset(np.int64(3))
        code = explorer.code()
        assert "np." not in code
        assert "in_vars=['a', 'b'], lamb=0.01" in code
        assert network(replay(code, data)) == network(explorer.model)


def test_steps_after_an_end_are_counted_apart(data):
    session = Session(KAN([2, 1], seed=0), data, update_grid=False)
    session.apply(Start())
    while session.running:
        session.advance(10)
    session.apply(Start(1))
    session.advance(10)
    assert len([line for line in session.script.statements() if "step" in line]) == 2


@pytest.mark.parametrize(
    "model",
    [
        KAN([2, [1, 2], 1], grid=[4, 2], k=2, mult_arity=[[], [2, 3], []], seed=5, base_fun="identity"),
        KAN([2, 1], dtype=torch.float32, grid_eps=0.1),
    ],
)
def test_names_the_call_that_makes_the_network(model, data):
    session = Session(model, data)
    from kanwidget.explorer.session.script import constructor

    assert network(eval(constructor(session.run.initial), {"KAN": KAN, "torch": torch})) == network(model)


def test_a_trained_start_is_saved_beside_the_script(data, tmp_path, monkeypatch):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=2, progress=False)
    with KANExplorer(model, data) as explorer:
        explorer.step(2)
        explorer.fix("sin", edge=(0, 0, 0))
        code = explorer.code(tmp_path / "work.py")
        assert 'KAN.load("work.kan")' in code
        monkeypatch.chdir(tmp_path)
        assert network(replay((tmp_path / "work.py").read_text(), data)) == network(explorer.model)


def test_code_is_shown_as_it_reads_and_is_text_like_any_other(data, tmp_path):
    pretty = pytest.importorskip("IPython.lib.pretty").pretty
    with KANExplorer(KAN([2, 1], seed=4), data, driver="blocking") as explorer:
        explorer.step(2)
        code = explorer.code(tmp_path / "session.py")
    for shown in (repr(code), pretty(code)):
        assert "\\n" not in shown
        assert shown.splitlines() == code.splitlines()
    assert code == (tmp_path / "session.py").read_text(encoding="utf-8")
    assert code == pickle.loads(pickle.dumps(code)) == json.loads(json.dumps(code))
    assert repr(str(code)) == repr("".join(code))
    assert network(replay(code, data)) == network(replay(str(code), data))
