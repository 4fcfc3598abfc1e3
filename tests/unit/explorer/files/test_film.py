"""A saved page's panels: in every frame the numbers of that frame's network, and edges that keep their identity."""

import base64
import json

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer, create_dataset
from kanwidget.explorer.describe.panels.forms import forms
from kanwidget.explorer.files.film import film_content, last_panels
from kanwidget.explorer.files.html_report import content
from kanwidget.explorer.session.states.node_identity import identities
from tests.unit.explorer.states import fit_formula, train


@pytest.fixture(scope="module")
def explorer():
    data = create_dataset(lambda x: torch.exp(x[:, [0]]) * x[:, [1]], n_var=2, train_num=60, test_num=150)
    with KANExplorer(KAN([2, 3, 1], seed=1), data, driver="blocking") as explorer:
        explorer.step(3)
        explorer.prune(node=(1, 0))
        explorer.step(2)
        yield explorer


def array(stored, frame):
    """An array of one frame, as the page reads it."""
    if "constant" in stored:
        return np.frombuffer(base64.b64decode(stored["constant"]), "<f4").reshape(stored["shape"])
    ends = np.frombuffer(base64.b64decode(stored["ends"]), "<f4").reshape(-1, 2)
    size = int(np.prod(stored["shape"]))
    parts = np.frombuffer(base64.b64decode(stored["values"]), "<u2").reshape(-1, size)
    low, high = ends[frame]
    return (low + (high - low) * parts[frame] / 65534.0).reshape(stored["shape"])


def test_every_frame_has_the_predictions_and_the_surface_of_its_network(explorer):
    session = explorer._session
    frames = session.film()
    film = film_content(session, frames)
    x = session.data.test_input
    rows = torch.linspace(0, len(x) - 1, 100).round().long()
    side = torch.linspace(0, 1, 20, dtype=torch.float64)
    low, high = session.data.train_input.amin(0), session.data.train_input.amax(0)
    across, up = (low[n] + side * (high[n] - low[n]) for n in (0, 1))
    grid = torch.stack([across.repeat(20), up.repeat_interleave(20)], 1)
    for number, frame in enumerate(frames):
        network = frame.network()
        parity = array(film["panels"]["parity"]["arrays"]["test"], number)
        assert parity.shape == (1, 2, 100)
        np.testing.assert_allclose(parity[0, 0], session.data.test_label[rows, 0], atol=1e-4)
        np.testing.assert_allclose(parity[0, 1], network(x[rows])[:, 0].detach(), atol=1e-3)
        z = array(film["panels"]["surface"]["arrays"]["z"], number)
        np.testing.assert_allclose(z, network(grid).detach().view(20, 20), atol=1e-3)


def test_what_never_changes_stands_once_and_in_full(explorer):
    session = explorer._session
    film = film_content(session, session.film())
    points = array(film["panels"]["surface"]["arrays"]["points"], 0)
    np.testing.assert_array_equal(points[0], session.data.train_input[:, 0].float().numpy())
    assert "constant" not in film["panels"]["surface"]["arrays"]["z"]


@pytest.mark.slow
def test_the_end_is_there_in_full(explorer):
    parity, surface = last_panels(explorer._session)
    assert parity["message"]["arrays"]["test"][1] == [1, 2, 150]
    assert surface["message"]["arrays"]["z"][1] == [40, 40]
    assert content(explorer._session)["panels"] == [parity, surface]


def test_a_node_that_stays_keeps_its_identity_through_pruning(explorer):
    film = film_content(explorer._session, explorer._session.film())
    assert film["nodes"][0] == [[0, 1], [0, 1, 2], [0]]
    assert film["nodes"][-1] == [[0, 1], [1, 2], [0]]


@pytest.mark.parametrize("node", range(4))
def test_the_node_that_is_gone_is_found_by_its_values(node):
    x = torch.rand(40, 2, dtype=torch.float64)
    model = KAN([2, 4, 1], seed=3)
    smaller = model.remove_node(1, node)
    assert identities([(model, model), (smaller, smaller)], x)[1][1] == [n for n in range(4) if n != node]


@pytest.mark.parametrize("seed", range(3))
def test_a_step_later_it_is_still_the_same_node(seed):
    data = create_dataset(lambda x: torch.exp(torch.sin(3 * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=100)
    model = KAN([2, 4, 1], seed=seed)
    model.fit(data, steps=5, progress=False)
    node = int(model.attribute(data=data).node_scores[1].argmin())
    after = model.remove_node(1, node)
    after.fit(data, steps=1, progress=False)
    found = identities([(model, model), (after, after)], data.train_input)
    assert found[1][1] == [n for n in range(4) if n != node]


def test_new_nodes_and_dropped_inputs_have_identities():
    x = torch.rand(40, 3, dtype=torch.float64)
    model = KAN([3, [2, 1], 1], seed=0)
    larger = model.expand_width(1, 1)
    again = larger.remove_node(1, 0)
    found = identities([(one, one) for one in (model, larger, again)], x)
    assert found[1][1][:2] == [0, 1]
    assert found[1][1][3] == 2
    assert found[1][1][2] not in (0, 1, 2)
    assert found[2][1] == found[1][1][1:]


@pytest.fixture
def formula():
    """A session whose forms were worked out: a line with noise, its edge replaced."""
    x = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    data = Dataset(x[::2], 2.34 * x[::2] + 0.01 * torch.cos(50 * x[::2]), in_vars=["time"], out_vars=["way"])
    with KANExplorer(KAN([1, 1], seed=0), data, driver="blocking") as explorer:
        explorer.step(2)
        explorer.fix("x", edge=(0, 0, 0))
        session = explorer._session
        fit_formula(session)
        session.view.work_out_with(lambda job: job(lambda: False, lambda finish: finish()))
        forms(session)
        yield session


def names(panels):
    """The forms of a list of messages."""
    return [
        row["name"] for one in panels if one["message"]["kind"] == "forms" for row in one["message"]["forms"]["forms"]
    ]


def test_the_end_has_the_forms_that_were_worked_out(formula):
    assert names(last_panels(formula)) == ["as trained", "rounded"]
    assert names(content(formula)["panels"]) == names(last_panels(formula))
    film = film_content(formula, formula.film())
    assert film["panels"]["forms"]["payload"]["forms"] == []  # they belong to the end alone


def test_forms_of_another_network_and_forms_too_long_are_left_out(formula, monkeypatch):
    rows = last_panels(formula)[-1]["message"]["forms"]["forms"]
    monkeypatch.setattr("kanwidget.explorer.files.film._MOST_OF_FORMS", len(json.dumps(rows[0])))
    assert names(last_panels(formula)) == ["as trained"]
    monkeypatch.setattr("kanwidget.explorer.files.film._MOST_OF_FORMS", 0)
    assert names(last_panels(formula)) == []
    assert "forms" not in film_content(formula, formula.film())["panels"]
    monkeypatch.undo()
    train(formula, 1)
    assert names(last_panels(formula)) == []


def test_a_frozen_edge_has_a_scene_of_its_own():
    with KANExplorer(KAN([2, 2, 1], seed=1), create_dataset(lambda x: x[:, [0]], n_var=2, train_num=60)) as explorer:
        explorer.step(2)
        explorer.freeze(0, 0, 0)
        explorer.step(2)
        film = film_content(explorer._session, explorer._session.film())
    assert len(film["scenes"]) == 2
    assert [sum("frozen" in edge for edge in scene["edges"]) for scene in film["scenes"]] == [0, 1]
