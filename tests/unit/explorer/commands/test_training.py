"""Settings, presets and seeds; commands on nodes and several edges that leave one act."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.edges import Freeze, Lock
from kanwidget.explorer.commands.history import Redo, Undo
from kanwidget.explorer.commands.network import AddNode
from kanwidget.explorer.commands.training import Set, UsePreset
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import everything, network, train


def test_noise_of_classes_is_a_part_of_the_rows():
    x = torch.rand(30, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    session = Session(KAN([2, 2]), Dataset(x, (x[:, 0] > x[:, 1]).long()), loss="cross_entropy")
    session.apply(Set(noise=1.0))
    with pytest.raises(ValueError, match=r"noise.*≤ 1"):
        session.apply(Set(noise=1.5))
    assert session.run.noise == 1.0


def test_noise_is_on_the_training_labels_only_and_can_be_taken_away(session, data):
    train(session, 30)
    clean = session.run.last_record
    session.apply(Set(noise=0.2))
    assert session.run.last_record.train_loss > 5 * clean.train_loss
    assert session.run.last_record.test_loss == clean.test_loss
    assert describe.settings(session)["noise"] == 0.2
    session.apply(Set(noise=0.0))
    assert session.run.last_record.train_loss == clean.train_loss
    assert torch.equal(session.run.trainer.data.train_label, data.train_label)


def test_a_batch_needs_a_method_that_takes_some(session):
    session.apply(Set(opt="Adam"))
    session.apply(Set(batch=16))
    assert describe.settings(session)["batch"] == 16
    train(session, 2)
    session.apply(Set(batch=-1))
    assert describe.settings(session)["batch"] is None


def test_another_problem_begins_anew():
    explorer = KANExplorer.demo("ripples")
    session = explorer._session
    explorer.step(2)
    explorer.fix("sin", edge=(0, 0, 0))
    layout = session.structure_id
    explorer._driver.apply(UsePreset("four inputs"))
    assert session.model.width == [[4, 0], [2, 1], [1, 0]]
    assert (session.run.records, len(session.tree.nodes), session.run.state) == ([], 4, "idle")
    assert session.structure_id != layout
    assert describe.settings(session)["preset"] == "four inputs"
    assert session.in_vars == ("x_1", "x_2", "x_3", "x_4")
    explorer.step(2)
    explorer.undo()
    explorer.reset()
    assert session.structure_id == session.run.first_structure_id
    explorer.close()


def test_a_problem_that_fails_leaves_the_session_as_it_was():
    def metric(output, label):
        if output.shape[0] == 400:
            raise RuntimeError("not for this one")
        return 0.0

    with KANExplorer.demo("ripples", metrics=[metric], driver="blocking", in_vars=["a", "b"]) as explorer:
        explorer.step(2)
        session = explorer._session
        before, names, data = everything(session), (session.in_vars, session.out_vars), session.data
        with pytest.raises(RuntimeError, match="not for this one"):
            explorer._driver.apply(UsePreset("two spirals"))
        assert everything(session) == before
        assert (session.in_vars, session.out_vars) == names
        assert session.data is data
        assert session.run.trainer.network is session.model
        assert describe.settings(session)["preset"] == "ripples"
        explorer.step(1)


def test_undoing_a_new_beginning_brings_its_seed_back(session):
    seed = session.run.seed
    session.apply(Reset(7))
    assert describe.settings(session)["seed"] == 7
    session.apply(Undo())
    assert describe.settings(session)["seed"] == seed
    session.apply(Redo())
    assert describe.settings(session)["seed"] == 7


def test_a_problem_of_ones_own_offers_no_others(session):
    assert describe.settings(session)["presets"] == []


def test_a_new_node_leaves_the_function_and_is_undone(session):
    train(session, 3)
    before, y = network(session.model), session.model(session.x)
    session.apply(AddNode(1))
    assert session.model.width == [[2, 0], [4, 0], [1, 0]]
    assert torch.allclose(session.model(session.x), y)
    session.apply(AddNode(1, product=True))
    assert session.model.width == [[2, 0], [4, 1], [1, 0]]
    assert [node["kind"] for node in describe.structure(session)["nodes"]].count("product") == 1
    session.apply(Undo())
    session.apply(Undo())
    assert network(session.model) == before


def test_several_pins_are_one_act(session):
    session.apply(Freeze((0, 0, 0), further=((0, 1, 2),)))
    told = {tuple(edge["key"]): edge.get("frozen", False) for edge in describe.structure(session)["edges"]}
    assert [key for key, frozen in told.items() if frozen] == [(0, 0, 0), (0, 1, 2)]
    session.apply(Lock(0, ((0, 1), (1, 1))))
    tied = [edge for edge in describe.structure(session)["edges"] if "tied" in edge]
    assert [edge["key"] for edge in tied] == [[0, 0, 1], [0, 1, 1]]
    assert not any("frozen" in edge for edge in tied)
    session.apply(Undo())
    session.apply(Undo())
    assert not any("frozen" in edge or "tied" in edge for edge in describe.structure(session)["edges"])
