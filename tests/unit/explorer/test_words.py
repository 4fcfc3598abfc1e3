"""Words and missing cells in the explorer: edges with levels, a formula with a table, sessions and pages that keep them."""

import re

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.describe.forms import fitted_row, form_rows
from kanwidget.explorer.describe.formula import formula
from kanwidget.explorer.describe.panels.front import front
from kanwidget.explorer.describe.panels.surface import surface
from kanwidget.explorer.describe.snapshot import selection
from kanwidget.explorer.describe.structure import structure
from kanwidget.explorer.files.edge_details import edge_detail
from kanwidget.explorer.guide.noise import session_noise
from kanwidget.explorer.guide.steps import guidance
from kanwidget.explorer.session.view import SurfaceView
from kanwidget.symbolic.formulas.words import Words


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


#: What the page said before each act.
SENTENCES = []


@pytest.fixture(scope="module")
def explorer():
    with KANExplorer(flats(), "rent", driver="blocking") as explorer:
        while act := explorer.next_act():
            SENTENCES.append(act.sentence)
            explorer.follow(act)
        yield explorer


@pytest.mark.slow
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


def test_the_page_writes_words_behind_a_hidden_node_in_one_way():
    """As trained the page draws the formula by edges, and its table is that of the form: both have the factor, or neither."""
    table = (flats()[["town", "rent"]], "rent")
    model = KAN.for_data(table, width=[1, 1, 1])
    with KANExplorer(model, table, driver="blocking", steps=20) as explorer:
        explorer.fit(steps=20)
        explorer.fix("x", edge=(1, 0, 0))
        live = formula(explorer._session)
        trained, rounded = form_rows(explorer._session, explorer.model)
        north, south = explorer.model.predict({"town": ["north", "south"]}).flatten().tolist()
    assert (trained["text"], trained["latex"]) == (live["text"], live["latex"])
    for row in (trained, rounded):
        factor = re.search(r"([\d.]+)\*f\(town\)", row["text"])
        values = {name: float(value) for name, value in re.findall(r"(\w+): (-?[\d.]+)", row["meaning"])}
        size = float(factor[1]) if factor else 1.0  # as trained it stands beside the values of the edge
        assert size * (values["north"] - values["south"]) == pytest.approx(
            north - south, rel=0.05
        )  # rounded by its error


def test_words_are_no_functions(explorer):
    last = "Every edge is a function or has a value for each level: fit the formula's constants to the data."
    assert SENTENCES[-1] == last


def test_after_the_last_step_nothing_is_paused(explorer):
    assert explorer.status["state"] == "done"
    assert repr(explorer).endswith("done)")


def test_the_levels_of_words_count_as_constants_of_a_law(explorer):
    (law,) = front(explorer._session)[0]["laws"]
    fitted = explorer.fitted_formula
    assert law["size"] == len(fitted.constants) + 2
    assert "f(town)" in law["text"]


def test_an_edge_of_words_shows_its_levels(explorer):
    session = explorer._session
    edges = {tuple(row["key"]): row for row in structure(session)["edges"]}
    town = edges[0, session.in_vars.index("town"), 0]
    assert (town["state"], town["levels"]) == ("levels", 3)
    payload, arrays = selection(session, [EdgeRef(*town["key"])])
    assert payload["levels"] == ["east", "north", "south"]
    assert arrays["detail"].shape[1] == 3
    assert "knots" not in arrays


def test_a_surface_begins_with_numbers_and_names_the_levels_of_words():
    frame = flats()[["town", "area", "lift", "built", "rent"]]
    with KANExplorer(frame, "rent", driver="blocking") as other:
        content, _ = surface(other._session)
    assert [content["names"][column] for column in (content["x"], content["y"])] == ["area", "built"]
    levels = dict(zip(content["names"], content["levels"], strict=True))
    assert (levels["town"], levels["area"]) == (["east", "north", "south"], [])


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


def values_of(session):
    """The values of towns in the formula as it stands and in the plot of their edge."""
    (table,) = Words.of(session.run.copy(), session.data).tables.values()
    edge = EdgeRef(0, session.in_vars.index("town"), 0)
    detail = selection(session, [edge])[1]["detail"]
    return [one.value for one in table.values()], [one.error for one in table.values()], detail


@pytest.mark.slow
def test_merging_and_splitting_agree_everywhere():
    frame = flats()
    frame["rent"] += 50 * (frame.town == "south")  # as in the east
    with KANExplorer(frame, "rent", driver="blocking") as explorer:
        session = explorer._session
        while (act := explorer.next_act()) is not None:
            explorer.follow(act)
            if act.step == "train":
                steps = explorer.status["step"]
                explorer.merge_levels("town", [["east", "south"]])
                values, errors, detail = values_of(session)
                assert values[0] == values[2]
                assert detail[1].tolist() == pytest.approx(values)
                assert detail[-1].tolist() == pytest.approx([2 * error for error in errors])
                sentences = [guidance(session).sentence]
                explorer.undo()
                sentences.append(guidance(session).sentence)
                # Neither asks for a training: the network is where one ends.
                assert all(sentence.startswith("The training is done") for sentence in sentences)
                assert explorer.status["step"] == steps
        before = explorer.model.predict(frame)
        explorer.merge_levels("town", [["east", "south"]])
        explorer.merge_levels("town", [])
        values, errors, detail = values_of(session)
        assert len({*values}) == 3
        assert max(errors) < 10
        assert detail[1].tolist() == pytest.approx(values)
        assert explorer.model.predict(frame).numpy() == pytest.approx(before.numpy(), abs=2)


@pytest.mark.parametrize(
    ("column", "groups", "message"),
    [
        ("town", ["ab"], "lists of levels; got 'ab'"),
        ("town", "ab", "lists of levels; got 'ab'"),
        ("town", [["east", "west"]], "got 'west'"),
        ("area", [["a", "b"]], "a column of words; got 'area'. It holds numbers"),
        ("city", [], "got 'city'"),
    ],
)
def test_what_cannot_be_merged_is_refused(explorer, column, groups, message):
    before = explorer.states
    with pytest.raises(ValueError, match=message):
        explorer.merge_levels(column, groups)
    assert explorer.states == before


@pytest.mark.parametrize("message", [{"edge": [0, 1, 0], "groups": [[0, 99]]}, {"edge": [1, 1, 0], "groups": [[0, 1]]}])
def test_messages_that_fit_no_words_are_refused(explorer, message):
    def carry_out():
        for command in parse({"kind": "merge_levels", **message}):
            explorer._session.apply(command)

    with pytest.raises(ValueError, match="argument of merge_levels"):
        carry_out()


def test_surfaces_have_values_at_levels_only(explorer):
    session = explorer._session
    town = session.in_vars.index("town")
    payload, arrays = surface(session, SurfaceView(town, None, 0, ()))
    assert payload["x"] == town
    heights = arrays["z"][0]
    assert len({round(height, 6) for height in heights.tolist()}) == 3


def test_after_simplify_the_page_has_one_noise():
    """That of the posterior, in the notice and in what it allows: not the error of a few held-out rows."""
    random = torch.Generator().manual_seed(0)
    towns = torch.randint(0, 3, (200,), generator=random)
    x = torch.rand(200, generator=random, dtype=torch.float64)
    rent = 5 + 2 * x + torch.tensor([0.0, 0.5, 1.5], dtype=torch.float64)[towns]
    rent += torch.randn(200, generator=random, dtype=torch.float64)
    frame = {
        "x": x.tolist(),
        "town": [["east", "west", "north"][town] for town in towns.tolist()],
        "rent": rent.tolist(),
    }
    explorer = KANExplorer(frame, target="rent")
    for _ in range(2):
        explorer.follow(explorer.next_act())
    session = explorer._session
    posterior = session.run.posterior()
    assert session.run.last_record.noise is None  # an act has left none
    assert session_noise(session).level == pytest.approx(posterior.noise * session.model.scaling.error_unit)
    assert session_noise(session).level == pytest.approx(1, rel=0.15)
    explorer.close()
