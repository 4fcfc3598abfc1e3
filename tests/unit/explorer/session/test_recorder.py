"""The film of a training: bounded, true, harmless, and of this training and no other."""

import math
from itertools import pairwise

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Goto, Redo, Undo
from kanwidget.explorer.commands.network import Prune, Refine
from kanwidget.explorer.commands.training import Step
from kanwidget.explorer.session.recorder import Recorder, copy_of
from kanwidget.explorer.session.session import Session


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(
        torch.equal(value, b[name]) if torch.is_tensor(value) else value == b[name]
        for name, value in a.items()
        if name != "reference"
    )


def trained(session, steps):
    session.apply(Step(steps))
    while session.running:
        session.advance(0.5)


def shown(session):
    return [(shot.step, shot.label) for shot in session.film()]


# ---- states


@pytest.mark.parametrize("width", [[2, 3, 1], [2, [2, 1], 1], [2, 2, 2, 1]])
def test_a_state_is_the_network_bit_for_bit_and_shares_nothing_with_it(width, data):
    model = KAN(width, grid=4, k=2, seed=3)
    model.fit(data, steps=2, progress=False)
    model.fix_symbolic(0, 0, 0, "sin", keep_spline=True)
    model.remove_edge(0, 1, 1)
    model.lock(0, [(0, 1), (1, 0)])
    state, before = copy_of(model), {name: v.clone() for name, v in model.state_dict().items() if torch.is_tensor(v)}
    x = data.train_input
    expected = model(x).detach()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    made = state.network()
    assert torch.equal(made(x), expected)
    assert all(torch.equal(made.state_dict()[name], value) for name, value in before.items() if name != "reference")
    assert made.layer(0).state(0, 0) == "both"
    assert made.layer(0).state(1, 1) == "pruned"


def test_a_pruned_input_stays_pruned(data):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=2, progress=False)
    model = model.prune_input(active=[1])
    made = copy_of(model).network()
    assert torch.equal(made(data.train_input), model(data.train_input))


# ---- as a callback of fit


def test_it_records_a_blocking_training(model, data):
    recorder = Recorder()
    history = model.fit(data, steps=12, callbacks=[recorder], progress=False)
    shots = recorder.frames()
    assert [shot.step for shot in shots] == list(range(1, 13))
    assert same(shots[-1].network(), model)
    assert recorder.history["train_loss"] == history["train_loss"]
    assert repr(recorder) == "Recorder(12 frames, every step)"


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "Adam", "LBFGS"])
def test_the_training_is_bit_for_bit_what_it_is_without(opt, data):
    options = {"opt": opt, "steps": 15, "progress": False} | ({"batch": 20} if opt == "Adam" else {})
    plain, recorded = (KAN([2, 3, 1], seed=1) for _ in range(2))
    plain.fit(data, **options)
    random = torch.random.get_rng_state()
    recorded.fit(data, callbacks=[Recorder(max_frames=8)], **options)
    assert same(plain, recorded)
    assert torch.equal(random, torch.random.get_rng_state())


@pytest.mark.slow
def test_a_long_film_is_thinned_evenly(model, data):
    recorder = Recorder(max_frames=16)
    model.fit(data, "Adam", steps=300, callbacks=[recorder], progress=False)
    steps = [shot.step for shot in recorder.frames()]
    assert 8 <= len(steps) <= 16
    assert recorder.interval == 32
    assert repr(recorder).endswith("every 32 steps)")
    assert {b - a for a, b in pairwise(steps[:-1])} == {32}
    assert steps[-1] == 300  # the last step, whatever the interval


def test_large_networks_have_fewer_frames(monkeypatch, data):
    monkeypatch.setattr("kanwidget.explorer.session.recorder.MAX_BYTES", 30 * copy_of(KAN([2, 5, 1])).size)
    recorder = Recorder()
    KAN([2, 5, 1]).fit(data, "Adam", steps=70, callbacks=[recorder], progress=False)
    assert len(recorder) <= 30
    assert sum(shot.state.size for shot in recorder.frames()) <= 30 * copy_of(KAN([2, 5, 1])).size


def test_one_recorder_follows_prune_and_the_next_training(model, data):
    recorder = Recorder()
    model.fit(data, steps=5, lamb=1e-2, callbacks=[recorder], progress=False)
    recorder.keep(model, "prune")
    smaller = model.remove_node(1, 0)
    smaller.fit(data, steps=4, callbacks=[recorder], progress=False)
    shots = recorder.frames()
    assert [shot.step for shot in shots] == list(range(1, 10))
    assert [shot.label for shot in shots if shot.label] == ["prune"]
    assert [shot.network().width[1][0] for shot in shots] == [3] * 5 + [2] * 4
    assert len(recorder.history.events) == 1


def test_a_training_that_begins_again_begins_a_new_film(data):
    recorder = Recorder()
    for _ in range(2):
        KAN([2, 1]).fit(data, steps=4, callbacks=[recorder], progress=False)
    assert [shot.step for shot in recorder.frames()] == [1, 2, 3, 4]


def test_acts_that_are_kept_are_few(model):
    recorder = Recorder()
    for number in range(100):
        recorder.keep(model, str(number))
    assert len(recorder.frames()) <= 40
    assert recorder.frames()[-1].label == "99"


@pytest.mark.parametrize("most", [0, 7, 2.5, True, "many"])
def test_wrong_numbers_of_frames_are_named(most):
    with pytest.raises(ValueError, match="the `max_frames` argument of Recorder must be an integer ≥ 8"):
        Recorder(most)


def test_an_empty_film_makes_no_animation(tmp_path):
    with pytest.raises(ValueError, match=r"nothing was recorded. Give this recorder to fit"):
        Recorder().save_animation(tmp_path / "a.gif")
    assert not list(tmp_path.iterdir())


def test_its_animation_is_written(model, data, tmp_path):
    recorder = Recorder()
    model.fit(data, steps=4, callbacks=[recorder], progress=False)
    recorder.save_animation(tmp_path / "a.gif", seconds=2, width=240)
    assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF89a")


# ---- of a session


def test_a_session_is_recorded_from_its_start_to_its_present(session):
    trained(session, 6)
    shots = session.film()
    assert [shot.step for shot in shots] == list(range(7))
    assert same(shots[0].network(), session.run.initial)
    assert shots[-1].network() is session.model


def test_before_every_act_its_state_is_kept(session):
    trained(session, 3)
    before = session.run.model_with_history()
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Fix((0, 1, 0), "x^2"))
    trained(session, 2)
    assert shown(session) == [
        (0, None),
        (1, None),
        (2, None),
        (3, "x₁ → h₁,₁: sin"),
        (3, "x₂ → h₁,₁: x^2"),
        (4, None),
        (5, None),
    ]
    acts = [shot for shot in session.film() if shot.label]
    assert same(acts[0].network(), before)
    assert [shot.network().layer(0).state(0, 0) for shot in acts] == ["spline", "symbolic"]
    assert [session.tree.nodes[shot.act].label for shot in acts] == [shot.label for shot in acts]


def test_undo_cuts_the_film_and_redo_brings_it_back(session):
    trained(session, 3)
    session.apply(Fix((0, 0, 0), "sin"))
    trained(session, 4)
    whole = shown(session)
    session.apply(Undo(2))
    assert [step for step, _ in shown(session)] == [0, 1, 2, 3]
    session.apply(Redo())
    session.apply(Redo())
    assert shown(session) == whole


def test_a_branch_has_a_film_of_its_own(session):
    trained(session, 3)
    session.apply(Prune(((0, 0, 0),)))
    trained(session, 4)
    session.apply(Undo(2))
    session.apply(Prune(((0, 1, 1),)))
    trained(session, 4)
    for shot in session.film()[-4:]:
        assert shot.network().layer(0).state(0, 0) == "spline"
        assert shot.network().layer(0).state(1, 1) == "pruned"
    session.apply(Goto(3))
    for shot in session.film()[-4:]:
        assert shot.network().layer(0).state(0, 0) == "pruned"


def test_other_shapes_and_grids_stand_in_one_film(session):
    trained(session, 2)
    session.apply(Prune(node=(1, 0)))
    trained(session, 2)
    session.apply(Refine(7))
    trained(session, 2)
    shapes = [(shot.network().width[1][0], shot.network().grid) for shot in session.film()]
    assert shapes == [(3, 3)] * 3 + [(2, 3)] * 2 + [(2, 7)] * 2


def test_a_reset_begins_a_film_from_the_start(session):
    trained(session, 3)
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Reset())
    trained(session, 2)
    assert shown(session) == [(0, None), (1, None), (2, None)]
    session.apply(Reset(seed=5))
    trained(session, 2)
    assert shown(session) == [(1, None), (2, None)]


def test_branches_that_were_left_go_first(model, data):
    session = Session(model, data)
    session.run.recorder = Recorder(max_frames=16)
    for _ in range(6):
        session.apply(Prune(((0, 0, 0),)))
        trained(session, 8)
        session.apply(Undo())
    session.apply(Prune(((0, 1, 0),)))
    trained(session, 6)
    assert len(session.run.recorder) <= 16
    assert [step for step, _ in shown(session)][-6:] == [1, 2, 3, 4, 5, 6] or session.run.recorder.interval <= 4


def test_a_session_is_trained_bit_for_bit_as_without(model, data):
    one, other = Session(model, data), Session(model, data)
    other.run.recorder.take = lambda *_: None
    for session in (one, other):
        trained(session, 5)
        session.apply(Fix((0, 0, 0), "sin"))
        trained(session, 5)
    assert same(one.model, other.model)


def test_what_is_recorded_is_bounded_however_long_it_lasts(model, data):
    session = Session(model, data, opt="Adam")
    session.run.recorder = Recorder(max_frames=8)
    trained(session, 200)
    assert len(session.run.recorder) <= 8
    assert len(session.film()) <= 10
    assert math.log2(session.run.recorder.interval).is_integer()


def test_an_explorer_writes_its_animation(model, data, tmp_path):
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.step(3)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.step(2)
        before = explorer.model
        explorer.save_animation(tmp_path / "a.gif", seconds=2, width=240, theme="dark")
        assert same(explorer.model, before)
        assert (tmp_path / "a.gif").read_bytes().startswith(b"GIF89a")
        with pytest.raises(ValueError, match="`theme` argument of save_animation"):
            explorer.save_animation(tmp_path / "b.gif", theme="pink")
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_a_state_keeps_pins_and_how_grids_follow_the_data():
    model = KAN([2, 2, 1], grid_eps=0.3)
    model.freeze(0, 1, 0)
    found = copy_of(model).network()
    assert found.grid_eps == 0.3
    assert [found.layer(i).frozen.tolist() for i in range(2)] == [model.layer(i).frozen.tolist() for i in range(2)]
    found.unfreeze(0, 1, 0)
    assert bool(model.layer(0).frozen.any())
