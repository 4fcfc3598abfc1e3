"""Beginning again: noise, batches, other problems; nodes that are added; surveys; what is told of all that."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.edges import Fix, Freeze, Lock
from kanwidget.explorer.commands.history import Redo, Reset, Undo
from kanwidget.explorer.commands.network import AddNode, AutoSymbolic
from kanwidget.explorer.commands.training import Set, UsePreset
from kanwidget.explorer.commands.view import OpenPanels, ShowPreview, ShowSurface
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.preview import EDGES_PER_ROUND
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import SurfaceView
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
    explorer._apply(UsePreset("four inputs"))
    assert session.model.width == [[4, 0], [2, 1], [1, 0]]
    assert (session.run.records, len(session.tree.nodes), session.run.state) == ([], 1, "idle")
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
            explorer._apply(UsePreset("two spirals"))
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


# ---- formulas for many edges


def test_auto_is_what_the_network_does_by_itself(session, model, data):
    train(session, 20)
    twin = session.run.model_with_history()
    session.apply(AutoSymbolic(0.9))
    twin.auto_symbolic(data=data, r2_threshold=0.9, simplicity=session.candidates.simplicity)
    for ref in twin.edge_refs():
        assert session.model.layer(ref.layer).symbol(ref.source, ref.target) == twin.layer(ref.layer).symbol(
            ref.source, ref.target
        )
        assert torch.allclose(
            session.model.layer(ref.layer).affine[ref.target, ref.source],
            twin.layer(ref.layer).affine[ref.target, ref.source],
        )


def test_auto_takes_only_the_edges_that_are_named(session):
    train(session, 20)
    session.apply(AutoSymbolic(-1e9, edges=((0, 0, 1), (1, 2, 0))))
    states = {
        tuple(ref): session.model.layer(ref.layer).state(ref.source, ref.target) for ref in session.model.edge_refs()
    }
    assert [edge for edge, state in states.items() if state == "symbolic"] == [(0, 0, 1), (1, 2, 0)]


def test_a_pause_ends_auto_and_keeps_what_was_fixed(data):
    with KANExplorer(KAN([2, 5, 1], seed=4), data, driver="blocking") as explorer:
        explorer.step(5)
        session, asked = explorer._session, []
        session.run.interrupt_with(lambda: len(asked) >= 1)
        session.view.show_tasks_with(lambda task: asked.append(task) if task and "edge" in task else None)
        session.apply(AutoSymbolic(-1e9))
        fixed = sum(
            session.model.layer(r.layer).state(r.source, r.target) == "symbolic" for r in session.model.edge_refs()
        )
        assert fixed == EDGES_PER_ROUND
        assert session.view.notice.title == "Paused"
        assert f"edges={[(0, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)]}" in explorer.code()


# ---- surveys


def looks(publisher, page):
    """The rows of a survey, message by message, until it has ended."""
    publisher.flush()
    while publisher.send_preview():
        pass
    return [message["survey"] for message in page.messages if message["kind"] == "survey"]


def test_a_survey_finds_what_auto_would_take(session, page_of):
    train(session, 20)
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.note(session.apply(ShowPreview()))
    told = looks(publisher, page)
    assert [one["first"] for one in told] == [0, 4, 6]
    assert {one["of"] for one in told} == {9}
    assert [one["busy"] for one in told] == [True, True, False]
    rows = [row for one in told for row in one["rows"]]
    assert [row["edge"] for row in rows] == [list(ref) for ref in session.model.edge_refs()]
    for row in rows:
        best = session.candidates.of(tuple(row["edge"]))[0]
        assert (row["name"], pytest.approx(row["r2"])) == (best.name, best.r2)


def test_a_survey_begins_anew_after_an_act_and_ends_when_nobody_looks(session, page_of):
    train(session, 2)
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.note(session.apply(ShowPreview()))
    looks(publisher, page)
    page.clear()
    publisher.note(session.apply(Fix((0, 0, 0), "sin")))
    told = looks(publisher, page)
    assert told[0]["first"] == 0
    assert {one["of"] for one in told} == {8}
    publisher.note(session.apply(ShowPreview(False)))
    page.clear()
    publisher.note(session.apply(Undo()))
    assert looks(publisher, page)[-1:] in ([], [{"first": 0, "of": 0, "busy": False, "rows": []}])


def test_a_survey_goes_on_while_any_view_wants_it(session, page_of):
    publisher = Publisher(session)
    page = page_of(publisher)
    for view in ("one", "two"):
        publisher.note(session.apply(ShowPreview(True, view)))
    looks(publisher, page)
    publisher.note(session.apply(ShowPreview(False, "one")))
    assert session.view.preview.on
    page.clear()
    publisher.note(session.apply(ShowPreview(True, "three")))
    assert looks(publisher, page)[0] == {**looks(publisher, page)[0], "first": 0, "of": 9}
    for view in ("two", "three"):
        session.apply(ShowPreview(False, view))
    assert not session.view.preview.on


# ---- panels that are open


def test_only_open_panels_are_told(session, page_of):
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.note(session.apply(Fix((0, 0, 0), "sin")))
    while publisher.send_costly():
        pass
    assert not {"parity", "surface"} & set(page.kinds())
    publisher.note(session.apply(OpenPanels("one", ("surface",))))
    publisher.note(session.apply(OpenPanels("two", ("parity",))))
    while publisher.send_costly():
        pass
    assert {"parity", "surface"} <= set(page.kinds())
    publisher.note(session.apply(OpenPanels("one")))
    page.clear()
    publisher.note(session.apply(Undo()))
    while publisher.send_costly():
        pass
    assert "parity" in page.kinds()
    assert "surface" not in page.kinds()


def test_views_that_never_say_goodbye_are_forgotten(session):
    for number in range(20):
        session.apply(OpenPanels(f"view {number}", ("parity",)))
    assert len(session.view.open_panels) <= 8


def test_looking_at_another_surface_changes_no_state(session):
    before = everything(session)
    session.apply(ShowSurface(SurfaceView(1)))
    assert everything(session) == before
    assert session.view.surface == SurfaceView(1)


# ---- the front


def test_the_front_holds_what_no_other_state_beats(data):
    with KANExplorer(KAN([2, 3, 1], seed=4), data) as explorer:
        explorer.step(20)
        explorer.prune(edges=[(0, 0, 0)])
        explorer.step(10)
        explorer.undo()
        explorer.auto_symbolic(-1e9)
        explorer.step(10)
        front, states = explorer.pareto_front, explorer.states
        assert {"id", "latest", "complexity", "kept"} <= front[0].keys()
        assert [s["complexity"] for s in front] == sorted({s["complexity"] for s in front})
        assert [s["latest"] for s in front] == sorted((s["latest"] for s in front), reverse=True)
        for state in states:
            beaten = [s for s in front if s["complexity"] <= state["complexity"] and s["latest"] <= state["latest"]]
            assert beaten
        assert states[explorer._session.tree.current]["latest"] == explorer.status["test"]


def test_parity_and_surface_in_python(data):
    with KANExplorer(KAN([2, 3, 1], seed=4), data) as explorer:
        pairs, found = explorer.parity(), explorer.surface(0, 1)
        assert pairs["test"].shape == (1, 2, 40)
        assert found["z"].shape == (len(found["y"]), len(found["x"]))
        at = torch.stack([found["x"][3], found["y"][5]])[None]
        assert torch.allclose(found["z"][5, 3], explorer.model(at)[0, 0])
        assert "y" not in explorer.surface(1)


def test_a_session_of_classes_has_all_of_it():
    x = torch.rand(90, 2, dtype=torch.float64)
    with KANExplorer(KAN([2, 3]), (x, torch.arange(90) % 3)) as explorer:
        explorer.noise = 0.3
        explorer.step(3)
        assert explorer.parity()["train"].sum() == 90


def test_simplicity_ranks_candidates_as_the_slider_does(session, data):
    """Its Python twin: a line is simple, and wrong."""
    with KANExplorer(session.run.model_with_history(), data) as explorer:
        explorer.fit(30)
        explorer.select(0, 0, 0)
        best = explorer.candidates()[0]
        explorer.simplicity = 1
        assert explorer.simplicity == describe.settings(explorer._session)["simplicity"] == 1
        simplest = explorer.candidates()[0]
        assert simplest.complexity < best.complexity
        explorer.simplicity = 0
        assert explorer.candidates()[0].r2 >= best.r2
        with pytest.raises(ValueError, match="`simplicity` argument of KANExplorer"):
            explorer.simplicity = 2
        assert explorer.simplicity == 0


def test_messages_name_what_was_called_and_say_what_to_do(data, tmp_path):
    with KANExplorer.demo("ripples") as explorer:
        with pytest.raises(ValueError, match="`level` argument of add_node must be an integer from 1 to 1; got 2"):
            explorer.add_node(2)
        with pytest.raises(ValueError, match="`k` argument of drag must be an integer from 0 to 7; got 8"):
            explorer.drag((0, 0, 0), 8, 1.0)
        with pytest.raises(ValueError, match=r"from 1 to 200; got 0\.$"):
            explorer.grid = 0
        with pytest.raises(ValueError, match=r"got 201\. More intervals"):
            explorer.grid = 201
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            explorer.code(tmp_path / "missing" / "session.py")
        explorer.opt, explorer.batch = "Adam", 50
        with pytest.raises(ValueError, match=r"take all of them \(batch=None\)"):
            explorer.opt = "LM"
        assert (explorer.opt, explorer.batch) == ("Adam", 50)
        explorer.auto_symbolic(0.999999999)
        assert "R² ≥ 0.999999999." in explorer._session.view.notice.message
    with KANExplorer(KAN([2, 1]), data) as explorer, pytest.raises(ValueError, match="this network has none"):
        explorer.add_node(1)


def test_classes_of_the_problem_to_play_with_have_names_of_their_own():
    """Its inputs are x and y: outputs y_1 and y_2 beside them would be taken for theirs."""
    with KANExplorer.demo("two spirals") as explorer:
        assert set(explorer._session.in_vars).isdisjoint(name[:1] for name in explorer._session.out_vars)
        explorer.step(2)
        assert "KANExplorer.demo('two spirals', seed=0)" in explorer.code()
