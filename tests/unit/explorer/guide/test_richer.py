"""Before the rest of the errors is called noise, richer networks are tried: what explains more is the next act."""

import math
import re
import sys

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.beginnings import UseLogarithms
from kanwidget.explorer.commands.guide import Grow
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.guide.noise import noise_sentence
from kanwidget.explorer.guide.notices import notices
from kanwidget.explorer.guide.richer import richer_act, search_act
from kanwidget.explorer.guide.steps import guidance
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.session import Session
from kanwidget.insight.yardsticks import Yardsticks
from tests.unit.explorer.states import everything, train


def split(x, y):
    count = len(x) * 4 // 5
    return Dataset(x[:count], y[:count], x[count:], y[count:])


def wave(turns, rows, noise, seed=0, decay=0.0):
    """A table of one column, and the part of its held-out variance that the truth explains."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, 1, generator=generator, dtype=torch.float64)
    truth = torch.exp(-decay * x) * torch.sin(2 * math.pi * turns * x + 1)
    error = noise * float(truth.std()) * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    data = split(x, truth + error)
    return data, 1 - float(error[rows * 4 // 5 :].square().mean() / data.test_label.var(correction=0))


def products(rows=300):
    generator = torch.Generator().manual_seed(0)
    x = 4 * torch.rand(rows, 2, generator=generator, dtype=torch.float64) - 2
    return split(x, torch.sin(1.5 * x[:, :1] * x[:, 1:]) + 0.05 * torch.randn(rows, 1, generator=generator).double())


def trained(data, width=None, steps=60):
    session = Session(width if isinstance(width, KAN) else KAN(width or [data.n_features, 1]), data)
    train(session, steps)
    session.richer.finish()
    return session


def r2(session):
    return 1 - session.run.last_record.test_loss**2 / float(session.data.test_label.var(correction=0))


def the_notice(session, name):
    return next((notice for notice in notices(session) if notice.name == name), None)


def test_a_damped_oscillation_asks_for_a_finer_grid_with_which_it_is_explained():
    data, truth = wave(10, 150, 0.05, decay=2.0)
    session = trained(data)
    assert r2(session) < 0.2
    assert noise_sentence(session) is None
    notice, act = the_notice(session, "richer"), guidance(session).act
    assert notice.text.startswith("A finer grid would help: 9")
    assert (act.step, act.label, act.message) == ("train", notice.label, notice.message)
    session.apply(parse(notice.message)[0])
    train(session, 60)
    assert r2(session) > 0.9 * truth


def bilinear(rows=200):
    x = torch.randn(rows, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return split(
        x, x[:, :1] * x[:, 1:] + 0.1 * torch.randn(rows, 1, generator=torch.Generator().manual_seed(1)).double()
    )


def quotients(rows=200):
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + 1.5 * torch.rand(rows, 3, generator=generator, dtype=torch.float64)
    y = x[:, :1] * x[:, 1:2] / x[:, 2:]
    return split(x, y + 0.02 * torch.randn(rows, 1, generator=generator, dtype=torch.float64))


RICHER = {
    "a pair": (bilinear, "x_1 and x_2 act together: a product of both would help, 9", [1, 1]),
    "hidden nodes": (quotients, "Hidden nodes would help: 9", [4, 0]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RICHER)
def test_what_acts_together_asks_for_nodes_with_which_it_is_explained(name):
    data, text, level = RICHER[name]
    session = trained(data(), steps=30)
    assert noise_sentence(session) is None
    notice = the_notice(session, "richer")
    assert notice.text.startswith(text)
    session.apply(parse(notice.message)[0])
    assert session.model.width == [[session.data.n_features, 0], level, [1, 0]]
    assert session.script.statements()[-1] == "explorer.grow()"
    assert r2(session) > 0.9  # it is trained
    train(session, 30)
    assert r2(session) > 0.9


@pytest.mark.slow
def test_classes_ask_for_a_product_too_and_get_it():
    x = 4 * torch.rand(400, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2
    chance = torch.rand(400, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    session = trained(split(x, (chance < torch.sigmoid(4 * x[:, :1] * x[:, 1:])).long()[:, 0]), [2, 2], steps=30)
    before = session.run.last_record.test_loss
    notice = the_notice(session, "richer")
    assert re.fullmatch(
        r"x_1 and x_2 act together: a product of both would help, a log loss of 0\.\d+ instead of 0\.\d+\.", notice.text
    )
    session.apply(parse(notice.message)[0])
    assert session.model.width == [[2, 0], [2, 1], [2, 0]]
    assert session.run.last_record.test_loss < 0.6 * before


def test_a_formula_of_classes_is_not_made_richer():
    x = 4 * torch.rand(200, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2
    model = KAN([1, 2])
    for target in (0, 1):
        model.fix_symbolic(0, 0, target, "x", data=x)
    session = trained(split(x, (x[:, 0] > 0.5 * x[:, 0] ** 2).long()), model, steps=10)
    assert (session.richer.is_open, session.richer.answer) == (False, None)
    assert session.richer.yardsticks is not None
    session.apply(Grow())
    assert session.view.notice.message.startswith("A formula of classes isn't made richer.")


@pytest.mark.slow
def test_several_targets_ask_for_a_product_too_and_never_for_a_search():
    x = 4 * torch.rand(300, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 2
    noise = 0.1 * torch.randn(300, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    session = trained(split(x, torch.stack([x[:, 0] * x[:, 1], torch.sin(30 * x[:, 0])], 1) + noise), [2, 2], steps=30)
    for _ in range(3):
        act = richer_act(session)
        if act is None:
            break
        assert act.message == {"kind": "control", "action": "grow"}
        session.apply(Grow())
        session.richer.finish()
    assert session.model.width[1:] == [[2, 1], [2, 0]]


def test_rows_too_few_for_a_spline_suffice_for_a_wave():
    session = trained(wave(15, 60, 0.02)[0])
    assert noise_sentence(session) is None
    act = guidance(session).act
    assert (act.step, act.message) == ("discover", {"kind": "discover", "action": "start"})
    assert guide(session)["search"]["next"]


TABLES = [
    (1, 60, 0.2), (2, 60, 0.1), (3, 100, 0.2), (4, 60, 0.05), (6, 100, 0.1), (8, 200, 0.2),
    (10, 60, 0.05), (10, 150, 0.2), (12, 150, 0.05), (15, 60, 0.02), (15, 150, 0.1), (15, 500, 0.2),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("turns", "rows", "noise"), TABLES)
def test_a_wave_is_never_called_noise_nor_done_while_it_is_not_learnt(turns, rows, noise):
    data, truth = wave(turns, rows, noise, seed=turns)
    session = trained(data)
    for _ in range(3):
        if r2(session) >= truth / 2:
            break
        assert noise_sentence(session) is None
        act = richer_act(session)
        assert act is not None or the_notice(session, "overfitting") is not None
        if act is None or act.message["kind"] == "discover":
            break
        session.apply(parse(act.message)[0])
        train(session, 60)
        session.richer.finish()


@pytest.mark.slow
def test_a_network_that_is_too_small_ends_in_the_law_all_the_same():
    """Somebody simplifies it before it has learnt anything: the law is searched for in the rows."""
    generator = torch.Generator().manual_seed(0)
    x = 2 * math.pi * torch.rand(300, 1, generator=generator, dtype=torch.float64)
    data = split(x, torch.sin(6 * x) + 0.05 * torch.randn(300, 1, generator=generator, dtype=torch.float64))
    with KANExplorer(KAN([1, 1]), data, driver="blocking") as explorer:
        explorer.train()
        explorer.simplify()
        explorer.fit_formula()
        assert explorer.next_act() is None
        assert re.fullmatch(r"y = (0\.99\d*\*|1\.0\d*\*)?sin\(6\*x_1\)", str(explorer.fitted_formula))


@pytest.mark.slow
def test_a_formula_that_explains_next_to_nothing_is_not_done():
    generator = torch.Generator().manual_seed(0)
    x = 2 * math.pi * torch.rand(300, 1, generator=generator, dtype=torch.float64)
    waves = sum(torch.sin(rate * x + rate) for rate in (6.1, 7.3, 8.6, 9.7, 11.2, 12.9))
    data = split(x, waves + 0.05 * torch.randn(300, 1, generator=generator, dtype=torch.float64))
    with KANExplorer(KAN([1, 1]), data, driver="blocking") as explorer:
        explorer.train()
        explorer.simplify()
        explorer.fit_formula()
        act = explorer.next_act()
        assert act is not None
        assert "Done" not in act.sentence


@pytest.mark.slow
def test_the_guide_leads_to_the_law_of_fast_turns():
    generator = torch.Generator().manual_seed(0)
    x = 2 * math.pi * torch.rand(300, 1, generator=generator, dtype=torch.float64)
    data = split(x, torch.sin(6 * x) + 0.05 * torch.randn(300, 1, generator=generator, dtype=torch.float64))
    for given, second in (
        ((KAN([1, 1]), data), "Grid "),
        ((data,), "Simplify"),
    ):  # where nobody gave a network, it grows
        with KANExplorer(*given, driver="blocking") as explorer:
            labels = []
            while (act := explorer.next_act()) is not None and len(labels) < 9:
                labels.append(act.label)
                explorer.follow(act)
            assert labels[1].startswith(second)
            assert "sin(6" in str(explorer.fitted_formula).partition("constants")[0]


@pytest.mark.slow
def test_training_makes_a_network_richer_whose_shape_nobody_gave_and_the_script_repeats_it():
    with KANExplorer(products(), driver="blocking") as explorer:
        assert explorer.model.width == [[2, 0], [1, 0]]
        explorer.train()
        assert len(explorer.model.width) == 3
        session = explorer._session
        assert "explorer.grow()" in session.script.statements()
        assert r2(session) > 0.9
        assert explorer.next_act().label == "Simplify"
        values = session.model(session.x)
        again = KANExplorer(products(), driver="blocking")
        exec("\n".join(session.script.statements()), {"explorer": again})
        assert torch.equal(again.model(session.x), values)
        again.close()
        while len(explorer.model.width) == 3:
            explorer.undo()
        assert explorer.model.width == [[2, 0], [1, 0]]


def test_where_nothing_is_richer_growing_says_so_and_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(100, 1, generator=generator, dtype=torch.float64) for _ in range(2))
    session = trained(split(x, y))
    before = everything(session)
    session.apply(Grow())
    assert session.view.notice.title == "Nothing richer explains more"
    session.view.notify(None)
    assert everything(session) == before


def test_trials_change_nothing_and_belong_to_one_state():
    session = Session(KAN([1, 1]), wave(3, 100, 0.1)[0])
    train(session, 30)
    assert session.richer.is_open
    before = everything(session)
    session.richer.finish()
    assert everything(session) == before
    assert not session.richer.is_open
    assert session.richer.yardsticks.sentence in guide(session)["sentence"].lower()
    train(session, 1)
    assert session.richer.is_open
    assert (session.richer.answer, session.richer.yardsticks) == (None, None)


def test_a_network_that_explains_nearly_everything_goes_on_to_simplify():
    x = torch.linspace(-1, 1, 200, dtype=torch.float64)[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    session = trained(split(x[:, None], torch.sin(4 * x[:, None])))
    assert guidance(session).act.step == "simplify"
    assert the_notice(session, "richer") is None


def test_nothing_is_next_while_richer_networks_are_tried():
    """A click at once would simplify a network that is about to be called too small."""
    session = Session(KAN([1, 1]), wave(10, 150, 0.05, decay=2.0)[0])
    train(session, 60)
    assert guidance(session).act.step == "simplify"  # in a script nobody tries them meanwhile
    session.richer.begin(in_background=True)
    while session.richer.is_open:
        looking = guidance(session)
        assert looking.act is None
        assert looking.sentence.endswith("Trying whether a richer network explains more …")
        session.richer.advance()
    assert guidance(session).act.message == {"kind": "control", "action": "grow"}


@pytest.mark.parametrize("driver", ["blocking", "cooperative"])
def test_where_nothing_works_in_the_background_nobody_waits_for_it(driver):
    session, guides = Session(KAN([1, 1]), wave(10, 150, 0.05, decay=2.0)[0]), []
    train(session, 60)
    publisher = Publisher(session, driver=driver)
    publisher.connect(lambda message, _: guides.append(message["guide"]) if message["kind"] == "guide" else None)
    publisher.mark_changed(frozenset(("guide",)))
    publisher.send_costly()
    session.richer.measure()  # as a page that is saved
    assert next(step for step in guides[0]["steps"] if step["next"])["name"] == "simplify"
    assert guidance(session).act.step == "simplify"


def test_what_explains_nearly_all_need_not_wait_for_richer_networks():
    x = torch.linspace(-1, 1, 200, dtype=torch.float64)[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    session = Session(KAN([1, 1]), split(x[:, None], torch.sin(4 * x[:, None])))
    train(session, 60)
    session.richer.begin(in_background=True)
    while guidance(session).act is None:
        session.richer.advance()
    assert session.richer.is_open
    assert guidance(session).act.step == "simplify"


def test_the_page_hears_of_it_once_it_was_tried_beside_the_session():
    session = Session(KAN([1, 1]), wave(10, 150, 0.05, decay=2.0)[0])
    train(session, 60)
    now, guides = 0.0, []
    publisher = Publisher(session, clock=lambda: now)
    publisher.connect(lambda message, _: guides.append(message["guide"]) if message["kind"] == "guide" else None)
    publisher.mark_changed(frozenset(("guide",)))
    publisher.send_costly()
    while not session.richer.is_complete:
        now += 0.5
        publisher.send_preview()
        publisher.send_costly()
    first, *_, last = guides
    assert [notice["name"] for notice in first["notices"]] == []
    assert last["notices"][0]["name"] == "richer"
    assert "the noise allows about" in last["sentence"]
    assert next(step for step in last["steps"] if step["next"])["command"] == last["notices"][0]["command"]


@pytest.mark.slow
def test_a_formula_that_is_no_better_than_the_mean_is_not_done():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(200, n, generator=generator, dtype=torch.float64) for n in (3, 1))
    with KANExplorer(KAN([3, 1]), split(x, y)) as explorer:
        while (act := explorer.next_act()) is not None:
            explorer.follow(act)
        sentence = guidance(explorer._session).sentence
    assert sentence.startswith(("No column helps: the mean is as good as y = ", "No short formula found"))
    assert not sentence.startswith("Done")


@pytest.mark.slow
def test_simpler_networks_are_trained_once_for_the_data(monkeypatch):
    session, scored = Session(KAN([2, 2, 1]), product()), []
    room = sys.modules[Yardsticks.__module__]
    score = room._score_of
    monkeypatch.setattr(room, "_score_of", lambda *arguments: scored.append(arguments[-1]) or score(*arguments))
    train(session, 30)
    session.richer.finish()
    first = session.richer.yardsticks
    train(session, 1)
    session.richer.finish()
    second = session.richer.yardsticks
    assert len(scored) == 2  # a line and a sum of curves
    assert (second.line, second.additive) == (first.line, first.additive)
    assert second.network != first.network
    session.apply(UseLogarithms(("x_1",)))
    train(session, 5)
    session.richer.finish()
    assert len(scored) == 4


def product():
    generator = torch.Generator().manual_seed(0)
    x = 10 ** (2 * torch.rand(120, 2, generator=generator, dtype=torch.float64))
    noise = torch.randn(120, 1, generator=generator, dtype=torch.float64)
    return Dataset(x[:90], (x.prod(1, keepdim=True).log() + 0.1 * noise)[:90])


def test_a_search_that_is_paused_is_to_go_on(session):
    assert search_act(session, "More.").message == {"kind": "discover", "action": "start"}
    search = session.discoveries.begin(lambda ending: iter(()), 60.0, session.run.problem)
    search.pause()
    act = search_act(session, "More.")
    assert (act.sentence, act.label, act.message) == ("More.", "Search on", {"kind": "discover", "action": "resume"})
