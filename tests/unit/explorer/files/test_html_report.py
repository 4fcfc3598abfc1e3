"""The page that needs no kernel: complete, and safe whatever a name holds. How it looks is tested in a browser."""

import base64
import gzip
import json
import math
import re

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer, create_dataset
from kanwidget.explorer import save_html
from kanwidget.explorer.files import film as movie
from kanwidget.explorer.files import html_report as html
from kanwidget.explorer.files.edge_details import strongest_edges
from kanwidget.explorer.files.html_report import packed
from kanwidget.explorer.session.recorder import Recorder
from kanwidget.explorer.session.session import Session
from tests.support.saved_pages import Page, unpacked

NASTY = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "a\u2028b\u2029c",
    '"];alert(1)//',
    "{title}",
    "&lt;b&gt;",
)


@pytest.fixture
def nasty(data):
    return Dataset(data.train_input, data.train_label, in_vars=NASTY[:2], out_vars=(NASTY[2],))


@pytest.mark.slow
def test_holds_every_edge_with_its_candidates(explorer_file, data):
    page = Page(explorer_file.read_text(encoding="utf-8"))
    report = unpacked(page)
    assert set(report["edges"]) == {f"0-{i}-{j}" for i in range(2) for j in range(3)} | {f"1-{j}-0" for j in range(3)}
    for stored in report["edges"].values():
        assert len(stored["candidates"]["rows"]) >= 8
        size = len(base64.b64decode(stored["buffer"]))
        ends = [offset + shape[0] * (shape[1] if len(shape) > 1 else 1) for offset, shape in stored["arrays"].values()]
        assert max(ends) * 4 == size
    assert report["snapshot"]["status"]["step"] == 3
    assert "openReport" in unpacked(page, "bundle")


@pytest.fixture
def explorer_file(model, data, tmp_path):
    path = tmp_path / "explorer.html"
    with KANExplorer(model, data) as explorer:
        explorer.fit(3)
        explorer.select(0, 0, 0)
        explorer.save_html(path)
        assert explorer._session.view.selection == ((0, 0, 0),)
    return path


@pytest.mark.slow
def test_says_what_was_found_and_advises_nothing(explorer_file, tmp_path):
    guide = unpacked(Page(explorer_file.read_text(encoding="utf-8")))["snapshot"]["guide"]
    assert re.fullmatch(r"Explains \d+ % · a straight line \d+ % · an additive network \d+ %.*\.", guide["sentence"])
    assert guide["notices"] == []
    path = tmp_path / "found.html"
    x = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    with KANExplorer(KAN([1, 1], seed=0), Dataset(x[::2], 2 * x[::2], x[1::2], 2 * x[1::2]), driver="blocking") as one:
        one.fix("x", edge=(0, 0, 0))
        while (act := one.next_act()) is not None:
            one.follow(act)
        one.save_html(path)
    report = unpacked(Page(path.read_text(encoding="utf-8")))
    assert report["snapshot"]["guide"]["sentence"].startswith("Done: y = 2*x")
    (forms,) = [one["message"]["forms"] for one in report["panels"] if one["message"]["kind"] == "forms"]
    assert [form["text"].split(" = ")[0] for form in forms["forms"]]


# ---- its session, for a notebook


def loaded(page, tmp_path, **options):
    path = tmp_path / "session.json"
    path.write_text(unpacked(Page(page), "session"), encoding="utf-8")
    return KANExplorer.load(path, driver="blocking", **options)


@pytest.mark.slow
def test_a_notebook_goes_on_where_the_page_was_saved(explorer, tmp_path):
    explorer.save_html(tmp_path / "page.html")
    with loaded((tmp_path / "page.html").read_text(encoding="utf-8"), tmp_path) as other:
        assert (repr(other), other.formula) == (repr(explorer), explorer.formula)
        assert other.status["test"] == explorer.status["test"]
        for one in (explorer, other):
            one.step(2)
        assert other.history.last.test_loss == explorer.history.last.test_loss


@pytest.mark.slow
def test_a_notebook_goes_on_with_a_network_alone(data, tmp_path):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=4, progress=False)
    save_html(model, data, tmp_path / "page.html")
    with loaded((tmp_path / "page.html").read_text(encoding="utf-8"), tmp_path) as other:
        assert other.status["step"] == 4
        assert torch.equal(other.model(data.test_input), model(data.test_input))


@pytest.mark.slow
def test_a_page_may_leave_its_session_out(explorer, model, data, tmp_path):
    explorer.save_html(tmp_path / "page.html", session=False)
    save_html(model, data, tmp_path / "model.html", session=False)
    for name in ("page.html", "model.html"):
        assert "session" not in Page((tmp_path / name).read_text(encoding="utf-8")).scripts


@pytest.mark.slow
def test_a_large_session_goes_without_its_rows_and_a_larger_one_not_at_all(explorer, data, tmp_path, monkeypatch):
    session = explorer._session
    html.report(session)  # what a page finds out about its network is stored, too
    sizes = [len(packed(html.session_json(session, rows))) for rows in (True, False)]
    assert sizes[0] > sizes[1]
    monkeypatch.setattr(html, "_MAX_BYTES", sum(sizes) // 2)
    with pytest.raises(ValueError, match="the `data` argument of load must be given"):
        loaded(html.report(session), tmp_path)
    with loaded(html.report(session), tmp_path, data=data) as other:
        assert repr(other) == repr(explorer)
    monkeypatch.setattr(html, "_MAX_BYTES", 100)
    assert unpacked(Page(html.report(session)), "session") == ""


@pytest.mark.slow
def test_says_what_the_data_are(explorer, nasty):
    sizes = [len(explorer._session.data[f"{part}_input"]) for part in ("train", "test")]
    expected = "{} training rows, {} test rows · x_1, x_2 → y".format(*sizes)
    assert f"<small>{expected}</small>" in html.report(explorer._session)
    page = html.report(Session(KAN([2, 1]), nasty))
    assert "training rows · &lt;/script&gt;" in page


def test_asks_nobody_for_anything(explorer_file):
    text = explorer_file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)\s*=", re.sub(r"<script.*?</script>", "", text, flags=re.S))


def test_names_stay_text(model, nasty, tmp_path):
    path = tmp_path / "nasty.html"
    save_html(model, nasty, path, title=NASTY[0])
    page = Page(path.read_text(encoding="utf-8"))
    assert page.tags.count("script") == 4
    names = [node["name"] for node in unpacked(page)["snapshot"]["structure"]["nodes"]]
    assert set(NASTY[:3]) <= set(names)


@pytest.mark.parametrize("value", NASTY)
def test_what_is_packed_is_inert_and_true(value):
    text = packed({"a": [value]})
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(gzip.decompress(base64.b64decode(text))) == {"a": [value]}


def test_a_model_alone_makes_a_report(data, tmp_path):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=4, progress=False)
    before = model.history.last
    path = tmp_path / "model.html"
    save_html(model, data, path)
    report = unpacked(Page(path.read_text(encoding="utf-8")))
    assert report["snapshot"]["status"]["step"] == 4
    assert report["snapshot"]["arrays"]["metrics"][1] == [4, 5]
    assert report["snapshot"]["status"]["state"] == "done"
    assert model.history.last is before
    assert "film" not in report


# ---- the film


def rows(film, shot):
    """Curves of a shot as arrays: heads `(edges, 5)` and samples."""
    counts = [len(film["scenes"][scene]["edges"]) for scene in film["scene"]]
    first = sum(counts[:shot])
    heads = np.frombuffer(base64.b64decode(film["heads"]), "<f4").reshape(-1, 5)
    values = np.frombuffer(base64.b64decode(film["values"]), "<u2").reshape(-1, film["samples"])
    assert len(heads) == len(values) == sum(counts)
    part = slice(first, first + counts[shot])
    return heads[part], values[part]


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking", lib=["x", "x^2", "sin", "exp"]) as explorer:
        explorer.step(3)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.step(2)
        explorer.prune(node=(1, 1))
        explorer.step(2)
        yield explorer


def film_of(explorer):
    session = explorer._session
    return html.content(session, session.film())["film"]


@pytest.mark.slow
def test_every_shot_has_its_curves_and_errors(explorer):
    told = film_of(explorer)
    session = explorer._session
    assert told["steps"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert told["losses"][0] == [None] * 3
    assert [row[1] for row in told["losses"][1:]] == [record.test_loss for record in session.run.records]
    assert [told["scene"][shot] for shot in range(8)] == [0, 0, 0, 0, 1, 1, 2, 2]
    assert [len(scene["edges"]) for scene in told["scenes"]] == [9, 9, 6]
    assert told["scenes"][1]["edges"][0]["function"] == "sin"
    for shot, recorded in enumerate(session.film()):
        network = recorded.network()
        heads, values = rows(told, shot)
        x_low, x_high, low, high = heads[0, 1:]
        at = torch.linspace(float(x_low), float(x_high), told["samples"], dtype=torch.float64)
        expected = network.curve((0, 0, 0), at).y.numpy()
        got = low + (high - low) * values[0] / 65534
        assert np.allclose(got, expected, atol=1e-4 * (high - low) + 1e-6)


@pytest.mark.slow
def test_acts_have_their_candidates_of_every_edge_and_their_formula(explorer):
    told = film_of(explorer)
    assert [(act["shot"], act["label"]) for act in told["acts"]] == [(3, "x₁ → h₁,₁: sin"), (5, "remove h₁,₂")]
    assert [act["state"] for act in told["acts"]] == [2, 4]
    for act in told["acts"]:
        assert len(act["edges"]) == 9
        assert act["formula"]["text"]
        for place in act["edges"].values():
            stored = told["stored"][place]
            assert 1 <= len(stored["candidates"]["rows"]) <= 8
            size = len(base64.b64decode(stored["buffer"]))
            ends = [offset + math.prod(shape) for offset, shape in stored["arrays"].values()]
            assert max(ends) * 4 == size
    assert told["acts"][1]["formula"]["fixed"] == 1


def test_an_edge_that_did_not_change_between_acts_is_stored_once(model, data):
    with KANExplorer(model, data, driver="blocking", lib=["x", "sin"]) as explorer:
        explorer.step(3)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.fix("sin", edge=(0, 1, 1))
        one, other = film_of(explorer)["acts"]
    assert one["edges"]["0-0-0"] != other["edges"]["0-0-0"]
    assert one["edges"]["0-1-1"] == other["edges"]["0-1-1"]


@pytest.mark.slow
def test_large_films_are_thinned_and_keep_their_acts(explorer, monkeypatch):
    monkeypatch.setattr(movie, "_MAX_SAMPLES", 100)
    monkeypatch.setattr(movie, "_MIN_FRAMES", 4)
    told = film_of(explorer)
    assert told["steps"] == [0, 3, 5, 7]
    assert told["samples"] == 9
    assert [act["shot"] for act in told["acts"]] == [1, 2]


@pytest.mark.slow
def test_candidates_of_old_acts_are_left_out_where_the_page_would_be_too_large(explorer):
    session = explorer._session
    report = html.content(session, session.film())
    limited = html.limited(report, len(html.packed(report["film"])) - 1)["film"]
    assert [act["shot"] for act in limited["acts"]] == [5]
    assert all(limited["stored"][place] for place in limited["acts"][0]["edges"].values())
    assert None in limited["stored"]


def test_numbers_that_are_none_are_told_as_such(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.step(2)
        with torch.no_grad():
            explorer._session.model.layer(1).coef[0, 0] = math.inf
        explorer._session.run.version += 1
        _, values = rows(film_of(explorer), 2)
    assert (values == 65535).any()


@pytest.mark.slow
def test_writing_a_page_changes_nothing(explorer, tmp_path):
    session = explorer._session
    before, code, version = explorer.model.state_dict(), explorer.code(), session.version
    random, listener = torch.random.get_rng_state(), session.view.task
    explorer.save_html(tmp_path / "page.html")
    after = explorer.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items() if torch.is_tensor(value))
    assert (explorer.code(), session.version, session.view.task) == (code, version, listener)
    assert torch.equal(random, torch.random.get_rng_state())


def test_edges_of_a_page_are_fitted_together_and_it_tells_how_far_it_is(explorer, monkeypatch):
    from kanwidget.symbolic import edges as candidates

    session, asked, told = explorer._session, [], []
    fit = candidates.fit_primitives
    monkeypatch.setattr(candidates, "fit_primitives", lambda x, *a, **o: asked.append(x.shape[1]) or fit(x, *a, **o))
    session.view.show_tasks_with(told.append)
    report = html.content(session)
    # The strongest edge, with which the page opens, comes first. The replaced one is fitted to the rows, not among these.
    assert asked == [1, 3, 1]
    assert told == ["writing the page: edge 1 of 6", "writing the page: edge 5 of 6", None]
    asked.clear()
    html.content(session)
    assert asked == []  # a second page takes them over
    for name, stored in report["edges"].items():
        edge = tuple(map(int, name.split("-")))
        if session.model.layer(edge[0]).state(*edge[1:]) != "spline":
            continue  # each by itself is fitted to what the data ask of it
        session.candidates.rank_by(session.candidates.simplicity)
        best = session.candidates.of(edge)[0]
        assert stored["candidates"]["rows"][0]["name"] == best.name
        assert stored["candidates"]["rows"][0]["r2"] == pytest.approx(best.r2, abs=1e-6)


def test_a_page_opens_with_the_errors_after_a_swap(data):
    session = Session(KAN([2, 2, 1], seed=1), data)
    report = html.content(session)
    opened = "-".join(map(str, report["snapshot"]["selection"]["edges"][0]))
    of_edges = {name: detail["candidates"]["rows"] for name, detail in report["edges"].items()}
    assert "error" in of_edges[opened][0]
    assert not any("error" in row for name, rows in of_edges.items() if name != opened for row in rows)


@pytest.mark.slow
def test_the_same_session_gives_the_same_page(explorer):
    # The first one finds out which candidates are the best, and the next ones know it.
    one, two, three = (html.report(explorer._session) for _ in range(3))
    assert two == three
    assert len(one) > 0.9 * len(two)


@pytest.mark.slow
def test_a_recorder_of_fit_gives_a_model_its_film(data, tmp_path):
    model, recorder = KAN([2, 2, 1], seed=1), Recorder()
    model.fit(data, steps=4, callbacks=[recorder], progress=False)
    recorder.keep(model, "fix")
    model.fix_symbolic(0, 0, 0, "sin")
    save_html(model, data, tmp_path / "model.html", recorder=recorder)
    told = unpacked(Page((tmp_path / "model.html").read_text(encoding="utf-8")))["film"]
    assert told["steps"] == [1, 2, 3, 4, 4]
    assert told["losses"][0][0] == model.history.records[0].train_loss
    assert [act["label"] for act in told["acts"]] == ["fix"]
    assert told["scenes"][-1]["edges"][0]["function"] == "sin"


def test_wrong_recorders_and_folders_are_named(model, data, tmp_path):
    with pytest.raises(TypeError, match="the `recorder` argument of save_html must be a Recorder"):
        save_html(model, data, tmp_path / "x.html", recorder=[])
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        save_html(model, data, tmp_path / "none" / "x.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_five_hundred_steps_fit_into_a_mail(tmp_path):
    made = create_dataset(
        lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=200, test_num=100
    )
    path = tmp_path / "page.html"
    with KANExplorer(KAN([2, 5, 1], seed=1), made, driver="blocking", opt="Adam") as explorer:
        explorer.step(200)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.step(150)
        explorer.fix("x^2", edge=(0, 1, 0))
        explorer.step(150)
        explorer.save_html(path)
        assert explorer.status["step"] == 500
    assert path.stat().st_size <= 1_500_000
    told = unpacked(Page(path.read_text(encoding="utf-8")))["film"]
    assert len(told["steps"]) >= 100
    assert len(told["acts"]) == 2
    assert all(len(act["edges"]) == 15 for act in told["acts"])


def test_a_network_that_has_diverged_is_saved_too(data, tmp_path):
    model = KAN([2, 3, 1])
    with torch.no_grad():
        model.layer(0).coef.fill_(float("nan"))
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.save_html(tmp_path / "nan.html")
        explorer._session.warm_up()
        assert explorer._session.view.notice is None
    assert "<html" in (tmp_path / "nan.html").read_text(encoding="utf-8")


def test_of_many_edges_the_strongest_are_kept(explorer):
    session = explorer._session
    importance = dict(zip(session.model.edge_refs(), session.samples().thumbnails[:, 0].tolist(), strict=True))
    kept = strongest_edges(session, 3)
    assert sorted(importance[edge] for edge in kept) == sorted(importance.values())[-3:]
