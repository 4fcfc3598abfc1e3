"""One command for several edges is one act: one undo, one line of the script, whole or not at all."""

import pytest

from kanwidget import KANExplorer
from kanwidget.explorer.commands.edges import Fix, Unfix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.protocol.records import VERSION
from tests.unit.explorer.states import everything, network, train

EDGES = ((0, 0, 0), (1, 1, 0), (0, 1, 2))


def states(session, edges=EDGES):
    return [session.model.layer(layer).state(source, target) for layer, source, target in edges]


def test_fix_and_unfix_of_several_edges_are_one_act_each(session):
    train(session, 2)
    before = network(session.model)
    session.apply(Fix(EDGES[0], "sin", further=EDGES[1:]))
    assert states(session) == ["symbolic"] * 3
    assert session.tree.nodes[session.tree.current].label == "3 edges: sin"
    session.apply(Unfix(EDGES[0], EDGES[1:]))
    assert states(session) == ["spline"] * 3
    assert session.tree.nodes[session.tree.current].label == "unfix 3 edges"
    assert len(session.tree.nodes) == 4
    session.apply(Undo())
    assert states(session) == ["symbolic"] * 3
    session.apply(Undo())
    assert network(session.model) == before


def test_each_edge_has_its_own_constants_and_lower_layers_come_first(session):
    train(session, 2)
    session.apply(Fix((1, 0, 0), "x^2", further=((0, 0, 0), (0, 0, 0))))
    together = network(session.model)
    session.apply(Undo())
    session.apply(Fix((0, 0, 0), "x^2"))
    session.apply(Fix((1, 0, 0), "x^2"))
    assert network(session.model) == together


def test_the_name_is_that_of_the_first_edges_best(session):
    best = session.candidates.of(EDGES[0])[0].name
    session.apply(Fix(EDGES[0], None, further=EDGES[1:]))
    assert session.model.layer(0).symbol(0, 0) == session.model.layer(1).symbol(1, 0) == best


def test_the_script_has_one_line(session):
    session.apply(Fix(EDGES[0], "sin", True, EDGES[1:]))
    session.apply(Unfix(EDGES[0], EDGES[1:]))
    assert session.script.statements() == [
        "explorer.fix('sin', edges=[(0, 0, 0), (1, 1, 0), (0, 1, 2)], keep_spline=True)",
        "explorer.unfix(edges=[(0, 0, 0), (1, 1, 0), (0, 1, 2)])",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        Fix((0, 0, 0), "sin", further=((0, 9, 0),)),
        Fix((0, 0, 0), "sine", further=((0, 1, 0),)),
        Unfix((0, 0, 0), ((0, 1, 0),)),
    ],
)
def test_whole_or_not_at_all(session, bad):
    session.apply(Fix((0, 0, 0), "sin"))
    before = everything(session)
    with pytest.raises(ValueError, match=r"must be|one of"):
        session.apply(bad)
    assert everything(session) == before


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


def say(explorer, page_of, **message):
    page = page_of(explorer._publisher)
    explorer._router.handle({"v": VERSION, "seq": 1, **message})
    return page


def test_a_message_names_edges_and_is_acknowledged_once(explorer, page_of):
    edges = [list(edge) for edge in EDGES]
    page = say(explorer, page_of, kind="fix", edges=edges, name="sin", keep_spline=False)
    assert [message["ok"] for message in page.messages if message["kind"] == "ack"] == [True]
    assert len(explorer.states) == 2
    page = say(explorer, page_of, kind="unfix", edges=edges)
    assert page.last("ack")["ok"]
    assert len(explorer.states) == 3


@pytest.mark.parametrize(
    "body",
    [
        {"edges": []},
        {"edges": [[0, 0]]},
        {"edges": "all"},
        {"edges": [[0, 0, 0]], "edge": [0, 0, 0]},
        {},
        {"edges": [[0, 0, 0], [7, 0, 0]]},
    ],
)
def test_bad_messages_are_refused(explorer, page_of, body):
    before = everything(explorer._session)
    page = say(explorer, page_of, kind="fix", name="sin", keep_spline=False, **body)
    assert not page.last("ack")["ok"]
    assert everything(explorer._session) == before


def test_a_click_on_edges_of_another_structure_is_refused(explorer, page_of):
    page = say(explorer, page_of, kind="fix", edges=[[0, 0, 0]], name="sin", keep_spline=False, structure=7)
    assert not page.last("ack")["ok"]


def test_from_python(explorer):
    explorer.fix("sin", edges=EDGES)
    assert states(explorer._session) == ["symbolic"] * 3
    explorer.unfix(edges=EDGES)
    assert len(explorer.states) == 3
    with pytest.raises(ValueError, match="left out where `edge` is given"):
        explorer.fix("sin", EDGES[0], edges=EDGES)
    for bad in ((), 7, "0"):
        with pytest.raises(ValueError, match="at least one edge"):
            explorer.unfix(edges=bad)
