"""Queries in Python, simplicity, and the words of refusals."""

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.describe import snapshot as describe


@pytest.mark.slow
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


@pytest.mark.slow
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
        assert "less than 0.999999999." in explorer._session.view.notice.message


def test_classes_of_the_problem_to_play_with_have_names_of_their_own():
    """Its inputs are x and y: outputs y_1 and y_2 beside them would be taken for theirs."""
    with KANExplorer.demo("two spirals") as explorer:
        assert set(explorer._session.in_vars).isdisjoint(name[:1] for name in explorer._session.out_vars)
        explorer.step(2)
        assert "KANExplorer.demo('two spirals', seed=0, lamb=0.0001)" in explorer.code()
