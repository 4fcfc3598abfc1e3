"""What a page may do wrong: too much, too long, too late, with too many fields. The session is as it was, and answers in order."""

import threading
import time

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.edges import Drag, Fix, Unfix
from kanwidget.explorer.commands.history import Goto, Undo
from kanwidget.explorer.commands.network import AddNode, Refine
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.drivers import router
from kanwidget.explorer.drivers.router import message_size
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.session.command import COMMANDS
from tests.unit.explorer.conftest import Page, dataset
from tests.unit.explorer.states import everything

EDGE = [0, 0, 0]


def whole(session):
    """All that a message that is refused must leave alone, a gesture under way included."""
    gesture = None if session.tree.drag_start is None else id(session.tree.drag_start)
    views = (dict(session.view.open_panels), session.view.surface, session.view.preview.on, session.run.noise)
    errors = [(node.latest is None, node.last_error) for node in session.tree.nodes.values()]
    return everything(session), gesture, repr(views), repr(errors)


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="thread", lib=["x", "sin", "x^2"]) as explorer:
        yield explorer


@pytest.fixture
def page(explorer, page_of):
    return page_of(explorer._publisher, acknowledges=True)


class Busy:
    """Messages that come while somebody else has the session, and the commands of theirs that are carried out."""

    def __init__(self, explorer):
        self.explorer, self.seq, self.commands = explorer, 0, []

    def __enter__(self):
        driver = self.explorer._driver
        carry_out = driver.carry_out
        driver.carry_out = lambda command: (self.commands.append(command), carry_out(command))
        self.own = self.explorer._driver.own()
        self.own.__enter__()
        return self

    def say(self, kind, **body):
        self.seq += 1
        self.explorer._router.handle({"v": VERSION, "kind": kind, "seq": self.seq, **body})
        return self.seq

    def __exit__(self, *_):
        self.own.__exit__(None, None, None)
        self.explorer._driver.ask(lambda: None)


def acks(page):
    return [(m["of"], m["ok"]) for m in page.messages if m["kind"] == "ack"]


# ---- too long


@pytest.mark.parametrize(
    "more",
    [
        {"name": "x" * 10_000_000},
        {"names": ["sin"] * 2_000_000},
        {"at": [0.5] * 2_000_000},
        {"deep": [[[[["y" * 1000] * 100] * 100]]]},
        {"map": {str(i): i for i in range(300_000)}},
        {"number": 10**6_000_000},
        {"bytes": memoryview(bytes(10_000_000))},
    ],
    ids=lambda more: next(iter(more)),
)
def test_ten_megabytes_are_refused_at_once(explorer, page, more):
    before = whole(explorer._session)
    started = time.perf_counter()
    explorer._router.handle({"v": VERSION, "kind": "undo", "seq": 1, **more})
    spent = time.perf_counter() - started
    explorer._driver.ask(lambda: None)
    assert acks(page) == [(1, False)]
    assert "too long" in page.last("error")["error"]["message"]
    assert whole(explorer._session) == before
    assert spent < 0.5


def test_the_measure_ends_once_it_is_enough():
    class Counted(list):
        read = 0

        def __iter__(self):
            Counted.read += 1
            return super().__iter__()

    assert message_size([Counted([1] * 50) for _ in range(1000)], 100) > 100
    assert Counted.read <= 4
    assert message_size({"kind": "select", "edges": [[0, 0, 0]] * 1000}, 10**6) < 20_000


# ---- what isn't part of the protocol


def test_extra_fields_and_buffers_are_ignored(explorer, page):
    explorer._router.handle(
        {"v": VERSION, "kind": "select", "seq": 1, "edges": [EDGE], "name": 7, "__class__": "x", "weight": [None]},
        [b"123", memoryview(b"")],
    )
    explorer._driver.ask(lambda: None)
    assert explorer._session.view.selection == ((0, 0, 0),)
    assert acks(page) == [(1, True)]


# ---- too much


def test_a_thousand_messages_are_answered_in_order_and_needless_ones_dropped(explorer, page):
    names = [{"lamb": 1e-3}, {"lamb": 2e-3}, {"lr": 0.1}]
    edges = [list(ref) for ref in explorer.model.edge_refs()]
    with Busy(explorer) as busy:
        for i in range(250):
            busy.say("select", edges=[edges[i % len(edges)]])
            busy.say("rank", simplicity=i / 250)
            busy.say("set", settings=names[i % 3])
            busy.say("surface", x=i % 2, y=None, output=0, at=[])
    assert acks(page) == [(i, True) for i in range(1, 1001)]
    session = explorer._session
    assert session.view.selection == (tuple(edges[249 % len(edges)]),)
    assert session.candidates.simplicity == 249 / 250
    assert (session.run.trainer.settings.lamb, session.run.trainer.settings.lr) == (1e-3, 0.1)
    assert session.view.surface.x == 1
    assert 4 < len(busy.commands) <= 20
    assert len(session.run.events) < 12


def test_of_a_drag_only_the_last_position_is_computed(explorer, page):
    with Busy(explorer) as busy:
        for i in range(300):
            busy.say("drag", edge=EDGE, index=i % 2, value=i / 100, commit=False)
        busy.say("drag", edge=EDGE, index=1, value=-1.5, commit=True)
        busy.say("drag", edge=EDGE, index=0, value=4.0, commit=True)
    assert acks(page) == [(i, True) for i in range(1, 303)]
    coef = explorer.model.layer(0).coef[0, 0].detach()
    assert (float(coef[0]), float(coef[1])) == (4.0, -1.5)
    assert [state["kind"] for state in explorer.states] == ["start", "drag", "drag"]
    assert len(busy.commands) < 12


@pytest.mark.parametrize("between", ["undo", "control"])
def test_acts_between_keep_what_came_before_them(explorer, page, between):
    explorer.refine(4)
    with Busy(explorer) as busy:
        busy.say("set", settings={"grid": 6})
        busy.say(between, **({"action": "reset"} if between == "control" else {}))
        busy.say("set", settings={"grid": 8})
    assert len(busy.commands) == 3
    grids = [state["label"] for state in explorer.states if state["kind"] == "refine"]
    assert grids[1].endswith("→ 6")
    assert grids[2].endswith("→ 8")


def test_a_select_ends_a_gesture_as_if_nothing_had_waited(explorer, page):
    with Busy(explorer) as busy:
        for value in (0.5, 0.75):
            busy.say("drag", edge=EDGE, index=1, value=value, commit=False)
            busy.say("select", edges=[EDGE])
    assert [state["kind"] for state in explorer.states] == ["start", "drag", "drag"]


def test_a_wrong_message_takes_nobodys_place(explorer, page):
    with Busy(explorer) as busy:
        busy.say("select", edges=[[0, 1, 1]])
        busy.say("select", edges=[[7, 7, 7]])
        busy.say("set", settings={"opt": "Adam"})
        busy.say("set", settings={"opt": "no such"})
        busy.say("set", settings={"opt": "nor such"})
    assert acks(page) == [(1, True), (2, False), (3, True), (4, True), (5, False)]
    assert explorer._session.view.selection == ((0, 1, 1),)
    assert explorer._session.run.trainer.settings.opt == "Adam"


def test_the_queue_is_bounded_and_says_what_was_lost(explorer, page, monkeypatch):
    monkeypatch.setattr(router, "MAX_WAITING", 20)
    before = whole(explorer._session)
    with Busy(explorer) as busy:
        for _ in range(1000):
            busy.say("unfix", edge=EDGE)
        busy.say("control", action="pause")
        assert len(explorer._driver._jobs) <= 22
    assert len(busy.commands) == 21
    assert sorted(acks(page)) == [(i, False) for i in range(1, 1001)] + [(1001, True)]
    assert any(
        "980 messages had no effect" in m["error"]["message"]
        for m in page.messages
        if m["kind"] == "error" and m["error"]
    )
    assert explorer._router.queue.waiting == explorer._router.queue._size == 0
    assert whole(explorer._session) == before
    explorer._router.handle({"v": VERSION, "kind": "select", "seq": 2000, "edges": [EDGE]})
    explorer._driver.ask(lambda: None)
    assert acks(page)[-1] == (2000, True)


@pytest.mark.slow
def test_long_messages_that_wait_are_bounded_too(explorer, monkeypatch):
    monkeypatch.setattr(router, "MAX_SIZE", 100_000)
    with Busy(explorer) as busy:
        for _ in range(100):
            busy.say("prune", edges=[[5, 5, 5]] * 5_000)
        assert explorer._router.queue.waiting <= 8


def test_one_greeting_and_one_pump_answer_all_that_wait(explorer, page):
    with Busy(explorer) as busy:
        threads = []
        for _ in range(200):
            busy.say("hello", view="a")
        for number in range(1, 101):
            message = {"v": VERSION, "kind": "pump", "seq": number, "since": 0}
            threads.append(threading.Thread(target=explorer._router.handle, args=(message,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    explorer._driver.ask(lambda: None)
    assert len([kind for kind in page.kinds() if kind == "hello_ack"]) <= 2
    assert sorted(acks(page)) == [(i, True) for i in range(1, 101)]


# ---- too late


def test_a_drag_on_another_grid_is_refused(explorer, page):
    grid = explorer.grid
    with Busy(explorer) as busy:
        busy.say("drag", edge=EDGE, index=1, value=0.5, commit=False, grid=grid)
        busy.say("set", settings={"grid": grid + 5})
        busy.say("drag", edge=EDGE, index=1, value=9.0, commit=False, grid=grid)
        busy.say("drag", edge=EDGE, index=2, value=9.0, commit=True, grid=grid)
        busy.say("drag", edge=EDGE, index=1, value=2.0, commit=True, grid=grid + 5)
    assert acks(page) == [(1, True), (2, True), (3, False), (4, False), (5, True)]
    coef = explorer.model.layer(0).coef[0, 0].detach()
    assert float(coef[1]) == 2.0
    assert not bool((coef == 9.0).any())
    assert any(
        "grid has changed" in m["error"]["message"] for m in page.messages if m["kind"] == "error" and m["error"]
    )


# ---- wrong in one of its parts


def test_settings_are_set_together_or_not_at_all(explorer, page):
    before = whole(explorer._session)
    explorer._router.handle(
        {"v": VERSION, "kind": "set", "seq": 1, "settings": {"grid": 9, "lamb": 0.5, "opt": "no such"}}
    )
    explorer._driver.ask(lambda: None)
    assert acks(page) == [(1, False)]
    assert whole(explorer._session) == before


BAD = [
    Fix((0, 0, 0), "no such"),
    Unfix((0, 0, 0)),
    Goto(77),
    Set(opt="no such"),
    Select(((9, 9, 9),)),
    Refine(0),
    AddNode(0),
]


@pytest.mark.parametrize("command", BAD, ids=lambda one: type(one).__name__)
def test_what_is_refused_does_not_end_a_gesture(session, command):
    session.apply(Select(((0, 0, 0),)))
    session.apply(Drag((0, 0, 0), 1, 0.5, commit=False))
    before = whole(session)
    with pytest.raises(ValueError, match="must be"):
        session.apply(command)
    assert whole(session) == before
    session.apply(Drag((0, 0, 0), 1, 0.75, commit=True))
    assert [node.kind for node in session.tree.nodes.values()] == ["start", "drag"]
    session.apply(Undo())
    assert session.tree.current == 0


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
edge = st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)).map(list)
sensible = {
    "edge": edge, "edges": st.lists(edge, max_size=3), "node": st.just([1, 0]), "name": st.sampled_from(["x", "sin", "y"]),
    "keep_spline": st.booleans(), "settings": st.fixed_dictionaries({}, optional={
        "lamb": st.sampled_from([0.0, 0.1, -1.0]), "grid": st.integers(0, 6), "opt": st.sampled_from(["LM", "Adam", "BFGS"]),
        "lr": st.sampled_from([0.1, 0.0]), "batch": st.sampled_from([None, 8, 0]), "noise": st.sampled_from([0.0, 0.1, -1])}),
    "grid": st.integers(0, 6), "r2": st.sampled_from([0.5, 2.0, None]), "index": st.integers(-1, 9), "value": st.floats(),
    "commit": st.booleans(), "state": st.integers(-1, 9), "weight": st.sampled_from([0.0, 0.5, 2.0]),
    "action": st.sampled_from(["pause", "step", "reset", "format"]), "since": st.integers(-1, 5), "frame": st.integers(0, 5),
    "format": st.sampled_from(["code", "exe"]), "structure": st.integers(0, 2), "on": st.booleans(), "level": st.integers(0, 3),
    "product": st.booleans(), "panels": st.lists(st.sampled_from(["parity", "surface", "x"]), max_size=2), "x": st.integers(-1, 2),
    "y": st.none() | st.integers(0, 2), "output": st.integers(0, 1), "at": st.lists(st.none() | st.floats(), max_size=3),
    "seed": st.none() | st.integers(-1, 3), "view": st.just("a"),
}  # fmt: skip
KINDS = sorted(set(COMMANDS) | {"pump", "frame_ack", "hello", "export", "no such"})
messages = st.fixed_dictionaries(
    {"v": st.sampled_from([1, 1, 1, 1, 2, None]), "kind": st.sampled_from(KINDS), "seq": st.integers(0, 10**6)},
    optional={name: st.one_of(known, known, known, plain) for name, known in sensible.items()},
)
kept = []


def shared():
    """One explorer for all examples, so that they meet every state."""
    if not kept:
        torch.manual_seed(0)
        kept.append(KANExplorer(KAN([2, 2, 1], seed=1), dataset(), driver="blocking", lib=["x", "sin"]))
        kept.append(Page(kept[0]._publisher, acknowledges=True))
    return kept


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages)
def test_a_message_is_carried_out_or_changes_nothing(message):
    explorer, page = shared()
    session = explorer._session
    if len(session.tree.nodes) > 12 or session.model.width[1][0] + session.model.width[1][1] > 4:
        kept.clear()
        explorer, page = shared()
        session = explorer._session
    before = whole(session)
    page.clear()
    explorer._router.handle(message)
    answers = acks(page)
    asks = message["kind"] in ("hello", "pump", "frame_ack", "export")
    if message["kind"] == "hello" and not answers:
        assert not session.view.panels  # views that are still there say it again
        assert whole(session)[:2] == before[:2]
    elif asks or answers == [(message["seq"], False)]:
        assert whole(session) == before
    else:
        assert answers == [(message["seq"], True)]
    assert explorer._driver._owner is None
    assert session.run.trainer.network is session.model
