"""What each panel saves: tables with the numbers that it shows, figures that open, all in own units."""

import csv
import io

import numpy as np
import pandas
import pytest
import torch
from PIL import Image

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.files import panel_figures
from kanwidget.explorer.files.formats import FORMATS
from kanwidget.explorer.files.panel_figures import FIGURES
from kanwidget.explorer.files.panel_tables import TABLES


@pytest.fixture(scope="module")
def explorer():
    generator = np.random.default_rng(0)
    table = pandas.DataFrame({"T [K]": generator.uniform(280, 330, 50), "p": generator.uniform(1, 2, 50)})
    table["n"] = table["p"] / table["T [K]"]
    with KANExplorer(table, target="n", width=[2, 1], driver="blocking") as explorer:
        explorer.step(8)
        explorer.select(0, 0, 0)
        yield explorer


@pytest.fixture(scope="module")
def classes():
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None]
    data = Dataset(x, (x[:, 0] > 0).long(), in_vars=["pH"], out_vars=["acid", "base"])
    with KANExplorer(KAN([1, 2]), data, driver="blocking") as explorer:
        explorer.step(5)
        yield explorer


def table_of(explorer, panel, folder):
    explorer.save_panel(panel, folder / "table.csv")
    return pandas.read_csv(folder / "table.csv")


@pytest.mark.parametrize("panel", FIGURES)
@pytest.mark.parametrize("suffix", ["svg", "pdf", "png"])
def test_every_panel_is_a_figure_of_every_kind(explorer, panel, suffix, tmp_path):
    file = tmp_path / f"a.{suffix}"
    explorer.save_panel(panel, file)
    content = file.read_bytes()
    if suffix == "png":
        assert Image.open(io.BytesIO(content)).width >= 1600
    else:
        assert content.startswith({"svg": b"<svg", "pdf": b"%PDF"}[suffix])
        explorer.save_panel(panel, file)
        assert file.read_bytes() == content
        assert b"CreationDate" not in content  # the next second it would be another file


def test_the_figure_of_an_edge_names_its_axes_with_their_units(explorer):
    texts = [text.get_text() for text in FIGURES["edge"](explorer._session).axes[0].texts]
    assert texts == ["T [K]", "summand of n", "T [K] → n"]


def test_the_table_of_predictions_has_every_row(explorer, tmp_path):
    table = table_of(explorer, "fit", tmp_path)
    assert list(table) == ["part", "T [K]", "p", "n", "n predicted", "n error"]
    assert table["part"].value_counts().to_dict() == {"train": 40, "test": 10}
    np.testing.assert_allclose(table["n"], table["p"] / table["T [K]"])
    np.testing.assert_allclose(table["n predicted"] - table["n"], table["n error"], atol=1e-15)
    np.testing.assert_allclose(table["n predicted"], explorer.model(table)[:, 0].detach(), rtol=1e-12)
    pandas.testing.assert_frame_equal(explorer.predictions(), table)


def test_rms_of_the_errors_is_the_error_on_the_screen(explorer):
    table = explorer.predictions()
    errors = table[table["part"] == "test"]["n error"]
    assert np.sqrt((errors**2).mean()) == pytest.approx(explorer.history.last.test_loss, rel=1e-9)


def test_classes_have_names_and_probabilities(classes):
    table = classes.predictions()
    assert list(table)[2:] == ["class", "predicted class", "probability of acid", "probability of base"]
    assert set(table["class"]) == {"acid", "base"}
    np.testing.assert_allclose(table["probability of acid"] + table["probability of base"], 1)
    likely = np.where(table["probability of acid"] > 0.5, "acid", "base")
    assert (table["predicted class"] == likely).all()


def test_the_table_of_an_edge_is_its_curve(explorer, tmp_path):
    table = table_of(explorer, "edge", tmp_path)
    assert list(table) == ["T [K]", "edge", "base", "spline", "2 standard errors"]
    assert table["T [K]"].min() < 281
    curve = explorer.model.edge_curve(0, 0, 0, table["T [K]"].to_numpy()).y
    np.testing.assert_allclose(table["edge"], curve, rtol=1e-10)


def test_the_surface_is_the_network_at_the_rows_of_its_table(explorer, tmp_path):
    table = table_of(explorer, "surface", tmp_path)
    np.testing.assert_allclose(table["n predicted"], explorer.model(table)[:, 0].detach(), rtol=1e-10)


def test_other_tables(explorer, tmp_path):
    assert table_of(explorer, "network", tmp_path)["edge"].tolist() == ["T [K] → n", "p → n"]
    assert table_of(explorer, "errors", tmp_path)["step"].tolist() == list(range(1, 9))
    assert table_of(explorer, "front", tmp_path)["label"].tolist() == ["start", "8 steps"]


@pytest.mark.parametrize("panel", ["fit", "surface"])
def test_figures_of_classes(classes, panel, tmp_path):
    classes.save_panel(panel, tmp_path / "a.svg")
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_what_cannot_be_saved_is_refused(explorer, classes, tmp_path):
    with pytest.raises(ValueError, match="`panel` argument of save_panel must be one of 'network', 'edge'"):
        explorer.save_panel("parity", tmp_path / "a.svg")
    with pytest.raises(ValueError, match=r"ends in .svg, .pdf, .png or .csv; got .*a.jpg"):
        explorer.save_panel("fit", tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="Select an edge first"):
        classes.save_panel("edge", tmp_path / "a.svg")


def test_names_of_columns_are_quoted(tmp_path):
    data = Dataset([[1.0], [2.0], [3.0]], [1.0, 2.0, 4.0], in_vars=['a, "b"'], out_vars=["y\n"])
    with KANExplorer(KAN([1, 1]), data, driver="blocking") as explorer:
        explorer.save_panel("fit", tmp_path / "t.csv")
    with open(tmp_path / "t.csv", newline="") as file:
        assert next(csv.reader(file))[1:3] == ['a, "b"', "y\n"]


def test_panels_have_rows_in_the_table_of_formats():
    assert {name for name in FORMATS if name.endswith(".csv")} == {f"{panel}.csv" for panel in TABLES}
    assert all(row.label is None for row in FORMATS.values() if row.method == "save_panel")


def test_the_front_has_a_point_for_a_state_without_any_error(explorer, monkeypatch):
    monkeypatch.setattr(panel_figures, "history", lambda session: {"states": [{"complexity": 3, "latest": 0.0}]})
    monkeypatch.setattr(panel_figures, "pareto_front", lambda session: [])
    assert FIGURES["front"](explorer._session).axes[0].lines[0].get_xydata().tolist() == [[3.0, 0.0]]
