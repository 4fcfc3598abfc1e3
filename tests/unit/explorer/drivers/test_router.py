"""Messages from a page: each does what its method does; nothing that is wrong with one changes anything."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.training import Pause
from kanwidget.explorer.files.formats import menu
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.session.command import COMMANDS
from tests.unit.explorer.conftest import Page, dataset
from tests.unit.explorer.states import everything


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking", lib=["x", "x^2", "sin", "exp"]) as explorer:
        yield explorer


@pytest.fixture
def page(explorer, page_of):
    return page_of(explorer._publisher, acknowledges=True)


def say(explorer, kind, **body):
    say.seq += 1
    explorer._router.handle({"v": VERSION, "kind": kind, "seq": say.seq, **body})
    return say.seq


say.seq = 0

GOOD = [
    ("set", {"settings": {"lamb": 0.01}}, lambda e: e.lamb == 0.01),
    ("set", {"settings": {"grid": 5, "opt": "Adam"}}, lambda e: (e.grid, e.opt) == (5, "Adam")),
    ("set", {"settings": {"lr": 0.1}}, lambda e: e.lr == 0.1),
    ("select", {"edges": [[0, 1, 2], [0, 0, 0]]}, lambda e: e._session.view.selection == ((0, 1, 2), (0, 0, 0))),
    ("select", {"edges": []}, lambda e: e._session.view.selection == ()),
    (
        "fix",
        {"edge": [0, 0, 0], "name": "sin", "keep_spline": False},
        lambda e: e.model.layer(0).state(0, 0) == "symbolic",
    ),
    ("fix", {"edge": [0, 0, 0], "name": "sin", "keep_spline": True}, lambda e: e.model.layer(0).state(0, 0) == "both"),
    ("prune", {"edges": [[0, 0, 0]]}, lambda e: e.model.layer(0).state(0, 0) == "pruned"),
    ("prune", {"node": [1, 0]}, lambda e: e.model.width[1] == [2, 0]),
    ("prune", {}, lambda e: True),
    ("refine", {"grid": 8}, lambda e: e.grid == 8),
    ("auto", {"r2_threshold": 0.2}, lambda e: e.states[-1]["kind"] == "auto"),
    ("auto", {"r2_threshold": None}, lambda e: e.states[-1]["kind"] == "auto"),
    ("drag", {"edge": [0, 0, 0], "index": 1, "value": 0.5, "commit": True}, lambda e: e.states[-1]["kind"] == "drag"),
    ("rank", {"simplicity": 0.25}, lambda e: e._session.candidates.simplicity == 0.25),
    ("control", {"action": "step"}, lambda e: e.status["step"] == 1),
    ("control", {"action": "start"}, lambda e: e.status["step"] > 0),
    ("control", {"action": "pause"}, lambda e: e.status["state"] == "idle"),
    ("control", {"action": "reset"}, lambda e: e.states[-1]["kind"] == "reset"),
]
BAD = [
    None,
    [],
    "start",
    7,
    {},
    {"v": VERSION},
    {"v": VERSION + 1, "kind": "undo", "seq": 1},
    {"v": VERSION, "kind": "undoo", "seq": 1},
    {"v": VERSION, "kind": ["undo"], "seq": 1},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0]]},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, -1]]},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, True]]},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, 10**30]]},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, 0]] * 20_000},
    {"v": VERSION, "kind": "fix", "seq": 1, "edge": [0, 0, 0], "name": "x" * 1_000_000, "keep_spline": False},
    {"v": VERSION, "kind": "fix", "seq": 1, "edge": [0, 0, 0], "name": "__import__('os')", "keep_spline": False},
    {"v": VERSION, "kind": "fix", "seq": 1, "edge": [0, 0, 0], "name": "sin", "keep_spline": "yes"},
    {"v": VERSION, "kind": "set", "seq": 1, "settings": {"lamb": float("nan")}},
    {"v": VERSION, "kind": "set", "seq": 1, "settings": {"lamb": "1"}},
    {"v": VERSION, "kind": "set", "seq": 1, "settings": {"seed": 1}},
    {"v": VERSION, "kind": "set", "seq": 1, "settings": {}},
    {"v": VERSION, "kind": "set", "seq": 1},
    {"v": VERSION, "kind": "refine", "seq": 1, "grid": 1e9},
    {"v": VERSION, "kind": "refine", "seq": 1, "grid": 2.5},
    {"v": VERSION, "kind": "goto", "seq": 1, "state": 99},
    {"v": VERSION, "kind": "drag", "seq": 1, "edge": [0, 0, 0], "index": 0, "value": float("inf"), "commit": True},
    {"v": VERSION, "kind": "control", "seq": 1, "action": "format"},
    {"v": VERSION, "kind": "discover", "seq": 1, "action": "start", "seconds": 0},
    {"v": VERSION, "kind": "rank", "seq": 1, "simplicity": 3},
    {"v": VERSION, "kind": "export", "seq": 1, "format": "exe"},
    {"v": VERSION, "kind": "pump", "seq": 1, "since": -1},
    {"v": VERSION, "kind": "unfix", "seq": 1, "edge": [0, 0, 0]},
    {"v": VERSION, "kind": "prune", "seq": 1, "edges": []},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, 0]], "structure": 7},
    {"v": VERSION, "kind": "select", "seq": 1, "edges": [[0, 0, 0]], "structure": "0"},
]


@pytest.mark.parametrize(("kind", "body", "holds"), GOOD, ids=lambda v: v if isinstance(v, str) else "")
def test_commands_do_what_they_say_and_are_acknowledged(explorer, page, kind, body, holds):
    seq = say(explorer, kind, **body)
    ack = page.last("ack")
    assert (ack["of"], ack["ok"]) == (seq, True)
    assert holds(explorer)
    assert "error" not in page.kinds() or page.last("error")["error"]["title"] in (
        "Nothing to prune",
        "Some edges stay splines",
    )


@pytest.mark.parametrize("message", BAD, ids=lambda m: json.dumps(m)[:60])
def test_bad_messages_get_an_error_and_change_nothing(explorer, page, message):
    before = everything(explorer._session)
    explorer._router.handle(message)
    assert everything(explorer._session) == before
    error = page.last("error")["error"]
    assert error["title"]
    assert len(error["message"]) < 2000
    if isinstance(message, dict) and "seq" in message:
        assert page.last("ack") | {"settings": None} == {
            "v": VERSION, "kind": "ack", "seq": page.last("ack")["seq"], "of": 1, "ok": False, "settings": None,
        }  # fmt: skip


def test_a_wrong_action_is_named_beside_those_that_there_are(explorer, page):
    explorer._router.handle({"v": VERSION, "kind": "control", "seq": 1, "action": "strat"})
    told = page.last("error")["error"]
    assert "`action` argument of control must be one of" in told["message"]
    assert told["hint"] == "Did you mean 'start'?"


def test_an_error_is_in_the_words_of_python_and_goes_with_the_next_act(explorer, page):
    say(explorer, "fix", edge=[0, 0, 0], name="sine", keep_spline=False)
    told = page.last("error")["error"]
    with pytest.raises(ValueError, match="sine") as raised:
        explorer.fix("sine", edge=(0, 0, 0))
    assert f"{told['message']} {told['hint']}" == str(raised.value)
    assert told["hint"] == "Did you mean 'sin'?"
    say(explorer, "refine", grid=4)
    assert page.last("error")["error"] is None


def structure(page):
    return page.last("structure")["structure"]["version"]


CLICKS = [
    ("select", {"edges": [[0, 0, 0]]}),
    ("fix", {"edge": [0, 0, 0], "name": "sin", "keep_spline": False}),
    ("unfix", {"edge": [0, 0, 0]}),
    ("prune", {"edges": [[0, 0, 0]]}),
    ("prune", {"node": [1, 0]}),
    ("restore", {"edges": [[0, 0, 0]]}),
    ("drag", {"edge": [0, 0, 0], "index": 1, "value": 0.5, "commit": True}),
]


@pytest.mark.parametrize(("kind", "body"), CLICKS, ids=[f"{kind}-{next(iter(body))}" for kind, body in CLICKS])
def test_clicks_on_a_structure_that_is_gone_are_refused(explorer, page, kind, body):
    explorer.prune(node=(1, 0))
    before = everything(explorer._session)
    seq = say(explorer, kind, structure=0, **body)
    assert everything(explorer._session) == before
    assert "has changed" in page.last("error")["error"]["message"]
    assert (page.last("ack")["of"], page.last("ack")["ok"]) == (seq, False)


def test_a_second_click_on_a_step_at_work_is_no_fault(explorer, page, monkeypatch):
    monkeypatch.setattr("kanwidget.explorer.commands.guide.working", lambda session: "simplify")
    before = everything(explorer._session)
    seq = say(explorer, "control", action="simplify")
    assert (page.last("ack")["of"], page.last("ack")["ok"]) == (seq, True)
    seq = say(explorer, "control", action="formula")
    assert (page.last("ack")["of"], page.last("ack")["ok"]) == (seq, False)
    assert page.last("error")["error"]["message"].startswith("Simplify is at work, so nothing was done.")
    assert everything(explorer._session) == before


def test_clicks_on_the_present_structure_are_carried_out(explorer, page):
    explorer.fix("exp", edge=(0, 1, 1))
    for kind, body in (CLICKS[0], CLICKS[1], CLICKS[2], CLICKS[3], CLICKS[5], CLICKS[6], CLICKS[4]):
        explorer._driver.wake()
        say(explorer, kind, structure=structure(page), **body)
        assert page.last("ack")["ok"], kind
    for kind in ("prune", "undo"):  # they name no edge
        say(explorer, kind, structure=0)
        assert page.last("ack")["ok"], kind


def test_structures_of_one_shape_are_told_apart_and_come_back_with_their_number(explorer, page):
    numbers = [explorer._session.structure_id]
    for act in (
        lambda: explorer.prune(node=(1, 0)),
        explorer.undo,
        lambda: explorer.prune(node=(1, 1)),
        lambda: explorer.goto(1),
        lambda: explorer.refine(7),
        lambda: explorer.goto(2),
        explorer.reset,
    ):
        act()
        numbers.append(structure(page))
    one, other = numbers[1], numbers[3]
    assert numbers == [0, one, 0, other, one, one, other, 0]
    assert len({0, one, other}) == 3


def test_undo_redo_goto_and_the_rest(explorer, page):
    say(explorer, "fix", edge=[0, 0, 0], name="sin", keep_spline=False)
    say(explorer, "undo")
    assert page.last("history")["history"]["can_redo"]
    say(explorer, "redo")
    assert page.last("history")["history"]["current"] == 1
    say(explorer, "unfix", edge=[0, 0, 0])
    say(explorer, "prune", edges=[[0, 0, 0]])
    say(explorer, "restore", edges=[[0, 0, 0]])
    say(explorer, "goto", state=0)
    assert page.last("history")["history"]["current"] == 0
    assert explorer.model.layer(0).state(0, 0) == "spline"


@pytest.mark.parametrize("wanted", ["svg", "png", "csv", "json", "html", "code"])
def test_exports(explorer, page, wanted):
    explorer.fit(2)
    say(explorer, "export", format=wanted)
    message, buffers = next((m, b) for m, b in zip(page.messages, page.buffers, strict=True) if m["kind"] == "export")
    assert message["filename"]
    if wanted == "png":
        assert message["text"] is None
        assert buffers[0].startswith(b"\x89PNG")
    else:
        start = {"svg": "<", "csv": "step,", "json": "{", "html": "<!doctype", "code": '"""'}[wanted]
        assert message["text"].startswith(start)


def test_hello_brings_everything(explorer, page):
    explorer.fit(2)
    page.clear()
    say(explorer, "hello", view="a")
    assert page.kinds()[0] == "hello_ack"
    assert page.messages[0]["snapshot"]["formats"] == menu()
    assert {"formula"} <= set(page.kinds())


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
fields = ("edge", "edges", "node", "name", "keep_spline", "settings", "grid", "r2_threshold", "index", "value", "commit", "state",
          "simplicity", "action", "since", "frame", "format", "structure")  # fmt: skip
noise = st.fixed_dictionaries(
    {
        "v": st.just(1),
        "kind": st.sampled_from(sorted(set(COMMANDS) | {"pump", "frame_ack", "hello"})),
        "seq": st.integers(),
    },
    optional=dict.fromkeys(fields, plain),
)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(noise)
def test_noise_never_raises(message):
    explorer = noisy()
    explorer._router.handle(message)
    explorer._session.apply(Pause())
    assert explorer._session.run.trainer.network is explorer._session.model


def noisy(kept=[]):  # noqa: B006 - one explorer for all examples
    if not kept:
        kept.append(KANExplorer(KAN([2, 2, 1], seed=1), dataset(), driver="blocking", lib=["x", "sin"]))
        Page(kept[0]._publisher)
    return kept[0]


def test_a_new_page_ends_what_pages_without_goodbye_had_open(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        heard = []
        explorer._publisher.connect(lambda message, _: heard.append(message["kind"]))
        handle = explorer._router.handle
        handle({"v": VERSION, "seq": 1, "kind": "watch", "view": "old", "panels": ["parity"]})
        handle({"v": VERSION, "seq": 2, "kind": "survey", "view": "old", "on": True})
        assert "parity" in heard
        assert "survey" in heard
        handle({"v": VERSION, "seq": 1, "kind": "hello", "view": "new"})
        assert not explorer._session.view.open_panels
        assert not explorer._session.view.preview.on


def test_a_page_that_hears_nothing_is_told_its_panels_with_the_answer_to_a_pump(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        handle, heard = explorer._router.handle, []
        handle({"v": VERSION, "seq": 1, "kind": "watch", "view": "one", "panels": ["parity", "surface"]})
        explorer._publisher.connect(lambda message, _: heard.append(message["kind"]))
        handle({"v": VERSION, "seq": 2, "kind": "pump", "since": 0})
        assert {"parity", "surface", "hello_ack", "ack"} <= set(heard)


def test_an_answer_says_whose_command_it_was(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        heard = []
        explorer._publisher.connect(lambda message, _: heard.append(message))
        for view in ("one", "two", None, 7, "x" * 1000):
            explorer._router.handle({"v": VERSION, "seq": 5, "kind": "rank", "simplicity": 0.5, "view": view})
        acks = [message for message in heard if message["kind"] == "ack"]
        assert [ack.get("view") for ack in acks] == ["one", "two", None, None, None]
        assert all(type(ack["of"]) is int for ack in acks)
