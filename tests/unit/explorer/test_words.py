"""Words and missing cells in the explorer: edges with levels, a formula with a table, sessions and pages that keep them."""

import re

import numpy as np
import pandas
import pytest

from kanwidget import KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.explorer.describe.forms import fitted_row
from kanwidget.explorer.describe.snapshot import selection
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import edge_detail


def flats(rows=300):
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {
            "area": rng.uniform(30, 120, rows),
            "town": rng.choice(["east", "north", "south"], rows),
            "lift": rng.choice(["no", "yes"], rows),
            "built": rng.uniform(1950, 2020, rows),
        }
    )
    worth = frame.town.map({"north": 100, "south": -50, "east": 0})
    frame["rent"] = 9 * frame.area + worth + 50 * (frame.lift == "yes") + 20 * rng.normal(size=rows)
    frame.loc[rng.random(rows) < 0.1, "built"] = np.nan
    return frame


@pytest.fixture(scope="module")
def explorer():
    with KANExplorer(flats(), "rent", driver="blocking") as explorer:
        while act := explorer.next_act():
            explorer.follow(act)
        yield explorer


def test_the_acts_end_in_a_formula_with_a_table(explorer):
    fitted = explorer.fitted_formula
    assert not fitted.curves
    assert {str(symbol) for symbol in fitted.expression.free_symbols} == {"area", "town", "lift"}
    (table,) = fitted.words.tables.values()
    assert list(table) == ["east", "north", "south"]
    assert table["north"].value - table["south"].value == pytest.approx(150, abs=15)
    assert 1 < table["north"].error < 5
    assert "where lift is 0 for no, 1 for yes" in repr(fitted)


def test_the_forms_of_the_formula_say_what_words_stand_for(explorer):
    row = fitted_row(explorer._session)
    switch, table = row["meaning"].splitlines()
    assert switch == "where lift is 0 for no, 1 for yes"
    assert re.fullmatch(r"where f\(town\) = \{east: .* ± .*, north: .* ± .*, south: .* ± .*\}", table)
    assert r"f\left(\mathrm{town}\right) = \begin{cases}" in row["latex"]
    frame = flats()
    space = {}
    exec(row["python"], space)
    at = {"x_5": None} | {name: frame[name].to_numpy() for name in ("area", "town", "built")}
    columns = [
        at.get(name, (frame.lift == "yes").to_numpy().astype(float)) for name in ("area", "town", "lift", "built")
    ]
    found = space["formula"](*columns, None)
    assert found == pytest.approx(explorer.model.predict(frame).flatten().numpy(), abs=8)


def test_an_edge_of_words_shows_its_levels(explorer):
    session = explorer._session
    edges = {tuple(row["key"]): row for row in structure(session)["edges"]}
    town = edges[0, session.in_vars.index("town"), 0]
    assert (town["state"], town["levels"]) == ("levels", 3)
    payload, arrays = selection(session, [EdgeRef(*town["key"])])
    assert payload["levels"] == ["east", "north", "south"]
    assert arrays["detail"].shape[1] == 3
    assert "knots" not in arrays


def test_files_keep_words(explorer, tmp_path):
    explorer.save_json(tmp_path / "flats.json")
    with KANExplorer.load(tmp_path / "flats.json", driver="blocking") as again:
        assert again._session.data.levels == explorer._session.data.levels
        assert np.allclose(again.model.predict(flats()), explorer.model.predict(flats()))


def test_compact_pages_keep_every_level(explorer):
    session = explorer._session
    edge = EdgeRef(0, session.in_vars.index("town"), 0)
    detail = edge_detail(session, edge, compact=True)
    assert detail["selection"]["levels"] == ["east", "north", "south"]
    assert detail["arrays"]["selection.detail"][1][-1] == 3


def test_what_became_of_columns_is_said(explorer):
    assert any("Missing cells" in notice.text for notice in explorer.notices)
