"""Formulas of a search in files: a session goes on with them, and a saved page shows them."""

import json

import pytest
import torch

import kanwidget.discovery
from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.files import session_reader
from kanwidget.explorer.files.film import last_panels
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
        assert after["sentence"].startswith("2 formulas, the likeliest marked. Click one")
        assert [str(one.sympy) for one in again.formulas] == [str(one.sympy) for one in explorer.formulas]
        assert again.code() == explorer.code()


def test_they_come_back_as_equations_with_errors_and_constants(tmp_path):
    generator = torch.Generator().manual_seed(0)
    x = 1 + torch.rand(80, 2, generator=generator, dtype=torch.float64)
    y = 2.5 * x[:, :1] * x[:, 1:] + 0.02 * torch.randn(80, 1, generator=generator, dtype=torch.float64)
    data = Dataset(x, y, in_vars=("p [bar]", "T [K]"), out_vars=("rate",))
    with KANExplorer(KAN([2, 1]), data, driver="blocking") as explorer:
        before = explorer.discover(steps=12)
        explorer.save_json(tmp_path / "session.json")
    with KANExplorer.load(tmp_path / "session.json", driver="blocking") as again:
        after = again.formulas
        assert [one.sympy for one in after] == [one.sympy for one in before]
        for old, new in zip(before, after, strict=True):
            assert (new.rmse_test, new.complexity) == (old.rmse_test, old.complexity)
            assert (new.rmse_train, new.r2) == pytest.approx((old.rmse_train, old.r2))
        (old, new) = (list(one[-1].constants.values()) for one in (before, after))
        assert new == [pytest.approx(pair, rel=1e-6) for pair in old]
        assert torch.equal(after[-1].predict(data), before[-1].predict(data))
        # Saved again, nothing is lost.
        again.save_json(tmp_path / "again.json")
    rows = [
        json.loads((tmp_path / name).read_text(encoding="utf-8"))["session"]["formulas"]
        for name in ("session.json", "again.json")
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "rows", [[["__import__('os')", 1.0, False, None]], [["x_1", "large", False, None]], [["x_1"]], 3]
)
def test_a_damaged_file_is_refused_and_nothing_runs(explorer, tmp_path, rows):
    path = tmp_path / "session.json"
    explorer.save_json(path)
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["session"]["formulas"] = rows
    path.write_text(json.dumps(stored), encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged"):
        KANExplorer.load(path, driver="blocking")


def test_of_very_many_formulas_the_most_accurate_are_read(explorer, tmp_path, monkeypatch):
    explorer.discover()
    explorer.save_json(tmp_path / "session.json")
    monkeypatch.setattr(session_reader, "_MOST_FORMULAS", 1)
    with KANExplorer.load(tmp_path / "session.json", driver="blocking") as again:
        assert [one.sympy for one in again.formulas] == [explorer.formulas[-1].sympy]


def test_a_saved_page_has_the_formulas_and_one_without_them_no_panel(explorer):
    session = explorer._session
    assert "discovery" not in [part["message"]["kind"] for part in last_panels(session)]
    explorer.discover()
    (message,) = [part for part in last_panels(session) if part["message"]["kind"] == "discovery"]
    saved = message["message"]["discovery"]
    assert (len(saved["formulas"]), saved["state"], saved["sentence"]) == (2, "done", "2 formulas in 2 s")
    assert set(message["message"]["arrays"]) == {"truth", "values"}
    assert message["buffer"]
