"""Formulas of a search in files: a session goes on with them, and a saved page shows them."""

import json

import pytest

import kanwidget.discovery
from kanwidget import KANExplorer
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.files.film_panels import last_panels
from tests.unit.explorer.searches import FakeSearch, usual_steps


@pytest.fixture
def explorer(model, data, monkeypatch):
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", FakeSearch(usual_steps()))
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


def content(explorer):
    return discovery(explorer._session)[0]


def test_a_session_goes_on_with_its_formulas(explorer, tmp_path):
    explorer.discover()
    explorer.use_formula(explorer.formulas[0])
    explorer.save_json(tmp_path / "session.json")
    with KANExplorer.load(tmp_path / "session.json", driver="blocking") as again:
        before, after = content(explorer), content(again)
        kept = ("formulas", "best", "error_name", "spread")
        strip = lambda found: [{**one, "id": 0} for one in found["formulas"]]  # noqa: E731
        assert strip(before) == strip(after)
        assert [before[name] for name in kept[2:]] == [after[name] for name in kept[2:]]
        assert after["formulas"][1]["id"] == after["best"]
        assert after["sentence"].startswith("2 formulas. Click one")
        assert again.formulas == []  # of this session there are none yet
        assert again.code() == explorer.code()


def test_a_file_from_before_has_no_formulas(explorer, tmp_path):
    path = tmp_path / "session.json"
    explorer.save_json(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    del stored["session"]["formulas"]
    path.write_text(json.dumps(stored), encoding="utf-8")
    with KANExplorer.load(path, driver="blocking") as again:
        assert content(again)["formulas"] == []


@pytest.mark.parametrize("rows", [[["__import__('os')", 1.0, False]], [["x_1", "large", False]], [["x_1"]], 3])
def test_a_damaged_file_is_refused_and_nothing_runs(explorer, tmp_path, rows):
    path = tmp_path / "session.json"
    explorer.save_json(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["session"]["formulas"] = rows
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged"):
        KANExplorer.load(path, driver="blocking")


def test_a_saved_page_has_the_formulas_and_one_without_them_no_panel(explorer):
    session = explorer._session
    assert "discovery" not in [part["message"]["kind"] for part in last_panels(session)]
    explorer.discover()
    (message,) = [part for part in last_panels(session) if part["message"]["kind"] == "discovery"]
    saved = message["message"]["discovery"]
    assert (len(saved["formulas"]), saved["state"], saved["sentence"]) == (2, "done", "2 formulas in 2 s")
    assert set(message["message"]["arrays"]) == {"truth", "values"}
    assert message["buffer"]
