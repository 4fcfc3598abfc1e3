"""Bands of two standard errors, and the candidates that stay inside."""

import copy

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.describe.candidates import candidates
from kanwidget.explorer.describe.snapshot import selection
from kanwidget.explorer.files.edge_details import edge_detail
from kanwidget.explorer.session.session import Session
from kanwidget.training.evidence.errors import curve_errors

SINE, LINE = EdgeRef(0, 0, 0), EdgeRef(0, 1, 0)


def table() -> Dataset:
    """A sine of a temperature and a line of a pressure, with noise."""
    random = torch.Generator().manual_seed(1)
    x = torch.rand(150, 2, generator=random, dtype=torch.float64) * torch.tensor([80.0, 2e5]) + torch.tensor(
        [280.0, 1e5]
    )
    noise = torch.randn(150, generator=random, dtype=torch.float64)
    return Dataset(x, 40 * torch.sin((x[:, 0] - 280) / 20) + 2e-4 * x[:, 1] + 4 * noise)


def trained(**options) -> Session:
    session = Session(KAN([2, 1]), table(), **options)
    session.run.start(20)
    while session.running:
        session.advance()
    return session


@pytest.fixture(scope="module")
def noisy() -> Session:
    return trained()


def test_the_selected_edge_has_two_standard_errors_in_own_units(noisy):
    arrays = selection(noisy, [SINE])[1]
    x, errors = arrays["detail"][0], arrays["detail"][4]
    torch.testing.assert_close(errors, 2 * curve_errors(noisy.model, noisy.run.posterior(), SINE, x))
    assert 0.5 < float(errors.median()) < 8


def test_points_are_what_rows_ask_of_the_edge(noisy):
    x, y = selection(noisy, [LINE])[1]["points"]
    data = noisy.data
    with torch.no_grad():
        residual = (data.train_label - noisy.model(data.train_input))[:, 0]
    torch.testing.assert_close(x, data.train_input[:, 1])
    torch.testing.assert_close(y, noisy.model.curve(LINE, x).y + residual)


def test_candidates_say_whether_they_stay_in_the_band(noisy):
    rows, arrays = candidates(noisy, SINE)
    width = 2 * curve_errors(noisy.model, noisy.run.posterior(), SINE, arrays["x"])
    for row, fit in zip(rows["rows"], arrays["fits"], strict=True):
        assert row.get("in_band", False) == bool(((fit - arrays["y"]).abs() <= width).all())
    marks = {row["name"]: row.get("in_band", False) for row in rows["rows"]}
    assert not marks["x"]
    assert {row["name"]: row.get("in_band") for row in candidates(noisy, LINE)[0]["rows"]}["x"]


def test_saved_pages_have_the_band(noisy):
    assert edge_detail(noisy, SINE)["arrays"]["selection.detail"][1] == [5, 129]
    assert edge_detail(noisy, SINE, compact=True)["arrays"]["selection.detail"][1] == [5, 65]


def test_the_model_of_the_explorer_has_its_posterior_which_copies_share(noisy):
    model = noisy.run.model_with_history()
    error = model.predict(noisy.data.train_input, return_std=True)[1]
    assert bool((error > 0).all())
    assert copy.deepcopy(model).posterior is model.posterior


@pytest.mark.parametrize("options", [{"lamb": 0.01}, {"opt": "Adam"}, {"evidence": False}])
def test_no_band_where_the_data_were_not_asked(options):
    session = trained(**options)
    assert len(selection(session, [SINE])[1]["detail"]) == 4
    assert not any("in_band" in row for row in candidates(session, SINE)[0]["rows"])


def test_a_function_has_no_band_and_a_network_of_functions_no_freedom():
    session = trained()
    for edge, name in ((SINE, "sin"), (LINE, "x")):
        session.apply(Fix(edge, name))
    session.run.start(8)
    while session.running:
        session.advance()
    assert len(selection(session, [SINE])[1]["detail"]) == 4
    posterior = session.run.posterior()
    assert posterior is None or posterior.freedom == {}


def test_a_fitted_network_has_its_band_before_it_trains():
    model = KAN([2, 1])
    model.fit(table(), progress=False)
    assert len(selection(Session(model, table()), [SINE])[1]["detail"]) == 5
