"""A command is one class: its kind registers it, and it says which earlier commands it makes unnecessary."""

from dataclasses import dataclass

import pytest

from kanwidget import KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands.base import act, parse
from kanwidget.explorer.commands.edges import Drag, Fix
from kanwidget.explorer.commands.network import Prune, Refine, SetGrid
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.commands.view import Rank, Select, ShowSurface
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.session.command import COMMANDS, Command
from kanwidget.explorer.session.script import ScriptLog
from kanwidget.explorer.session.view import SurfaceView

A, B = EdgeRef(0, 0, 0), EdgeRef(0, 1, 0)


@pytest.fixture
def negate(monkeypatch):
    """A command that no other file knows."""

    @dataclass(frozen=True, slots=True)
    class Negate(Command):
        kind = "negate"
        stamps = ("structure",)

        edge: EdgeRef

        @classmethod
        def from_message(cls, message):
            return [cls(EdgeRef(*message["edge"]))]

        def call(self):
            return f"explorer.negate({tuple(self.edge)})"

        def perform(self, session):
            layer = session.model.layer(self.edge.layer)
            return act(session, self, "negate", "negate", lambda: layer.coef.data.neg_())

    yield Negate
    del COMMANDS["negate"]


@pytest.mark.parametrize("driver", ["blocking", "thread"])
def test_a_class_is_enough_for_a_command(negate, model, data, page_of, driver):
    with KANExplorer(model, data, driver=driver) as explorer:
        page = page_of(explorer._publisher)
        before = explorer.model.layer(0).coef
        explorer._router.handle({"v": VERSION, "kind": "negate", "seq": 1, "edge": [0, 0, 0], "structure": 0})
        explorer._driver.ask(lambda: None)
        assert (explorer.model.layer(0).coef == -before).all()
        assert "explorer.negate((0, 0, 0))" in explorer.code()
        assert [state["label"] for state in explorer.states] == ["start", "negate"]
        assert page.last("ack")["ok"]
        explorer._router.handle({"v": VERSION, "kind": "negate", "seq": 2, "edge": [0, 0, 0], "structure": 7})
        explorer._driver.ask(lambda: None)
        assert not page.last("ack")["ok"]
        assert "the network has changed" in page.last("error")["error"]["message"]


def test_kinds_with_actions_name_them():
    assert set(COMMANDS["control"]) == {"start", "pause", "step", "reset", "train", "grow", "simplify", "formula"}
    with pytest.raises(ValueError, match="`action`"):
        parse({"kind": "control", "action": ""})
    with pytest.raises(ValueError, match="`action`"):
        parse({"kind": "control", "action": ["start"]})
    assert parse({"kind": ["fix"]}) == []


@pytest.mark.parametrize(
    ("later", "earlier", "supersedes", "commutes"),
    [
        (Select((A,)), Select((B,)), True, True),
        (Rank(0.5), Rank(0.2), True, True),
        (Rank(0.5), Select((A,)), False, True),
        (ShowSurface(SurfaceView(1)), ShowSurface(SurfaceView(0)), True, True),
        (Set(lamb=0.1), Set(lamb=0.2), True, True),
        (Set(lamb=0.1), Set(lamb=0.2, lr=1.0), False, True),
        (Set(lamb=0.1), SetGrid(5), False, True),
        (SetGrid(5), SetGrid(3), True, True),
        (Refine(5), Refine(3), False, False),
        (Refine(5), SetGrid(3), False, False),
        (Fix(A, "sin"), Fix(A, "sin"), False, False),
        (Select((A,)), Prune(), False, False),
        (Drag(A, 1, 0.5), Drag(A, 1, 0.2, commit=False), True, True),
        (Drag(A, 1, 0.5), Drag(A, 1, 0.2), False, False),
        (Drag(A, 2, 0.5), Drag(A, 1, 0.2, commit=False), False, True),
        (Drag(B, 1, 0.5), Drag(A, 1, 0.2, commit=False), False, True),
        (Drag(A, 1, 0.5), Select((A,)), False, False),
        (Select((A,)), Drag(A, 1, 0.5, commit=False), False, False),
    ],
)
def test_which_waiting_commands_are_superseded(later, earlier, supersedes, commutes):
    assert (later.supersedes(earlier), later.commutes(earlier)) == (supersedes, commutes)


def test_a_script_keeps_all_but_the_way_of_a_drag():
    log = ScriptLog()
    for command in (Set(lamb=0.1), Set(lamb=0.2), SetGrid(5), SetGrid(3)):
        log.add(command)
    for value in (0.1, 0.2, 0.3):
        log.add(Drag(A, 1, value, commit=value == 0.3))
    assert log.statements() == [
        "explorer.lamb = 0.1",
        "explorer.lamb = 0.2",
        "explorer.refine(5)",
        "explorer.refine(3)",
        "explorer.drag((0, 0, 0), 1, 0.3)",
    ]
