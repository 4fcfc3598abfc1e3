import pytest
import torch

from kanwidget.datasets import load_mercury, load_planets, load_puromycin, load_trees

LOADERS = [load_trees, load_planets, load_puromycin, load_mercury]


def least_squares(x, y):
    """Coefficients of y ≈ x @ c."""
    return torch.linalg.lstsq(x, y[:, None]).solution.flatten().tolist()


@pytest.mark.parametrize("load", LOADERS)
def test_loads_with_names_and_options(load):
    data = load()
    assert len(data.in_vars) == data.n_features
    assert data.test_input is None
    assert load(test_fraction=0.25, standardize=True).input_scaler is not None
    for section in ("Args:", "References:", "Licence:", "Examples:"):
        assert section in load.__doc__


def test_trees_are_cones():
    # log volume = -6.632 + 1.983 log girth + 1.117 log height: the regression printed in textbooks.
    data = load_trees()
    design = torch.cat([torch.ones(31, 1), data.train_input.log()], dim=1)
    assert least_squares(design, data.train_label[:, 0].log()) == pytest.approx([-6.63162, 1.98265, 1.11712], abs=1e-5)


def test_trees_in_metres():
    us, metric = load_trees(), load_trees("metric")
    form = [(data.train_label[:, 0] / (data.train_input[:, 0] ** 2 * data.train_input[:, 1])) for data in (us, metric)]
    torch.testing.assert_close(form[0] * 144, form[1])
    with pytest.raises(ValueError, match="one of 'us', 'metric'"):
        load_trees("si")


def test_planets_follow_kepler():
    data = load_planets()
    assert data.train_input.shape == (13, 1)
    slope = least_squares(data.train_input.log(), data.train_label[:, 0].log())
    assert slope == pytest.approx([1.5], abs=2e-4)
    assert load_planets(eccentricity=True).in_vars == ("axis", "eccentricity")
    assert load_planets("planet").train_input.shape == (8, 1)
    assert load_planets("dwarf planet").train_input.shape == (5, 1)


def test_puromycin_follows_michaelis_and_menten():
    # Bates & Watts: 212.7 and 0.06412 are the least squares estimates for the treated enzyme.
    data = load_puromycin("treated")
    x, y = data.train_input[:, 0], data.train_label[:, 0]
    rate, half = 212.68370, 0.06412123
    value = rate * x / (half + x)
    gradient = torch.stack([x / (half + x), -rate * x / (half + x) ** 2])
    assert float(((y - value) ** 2).sum()) == pytest.approx(1195.449, abs=1e-3)
    assert (gradient @ (y - value)).abs().max() < 0.05 * gradient.abs().sum()
    assert load_puromycin().train_input.shape == (23, 2)
    assert load_puromycin("untreated").train_input.shape == (11, 1)


def test_mercury_follows_clausius_and_clapeyron():
    data = load_mercury()
    design = torch.cat([torch.ones(19, 1), 1 / (data.train_input + 273.15)], dim=1)
    log = data.train_label[:, 0].log()
    intercept, slope = least_squares(design, log)
    assert slope == pytest.approx(-7308, rel=0.01)
    assert (design @ torch.tensor([intercept, slope], dtype=torch.float64) - log).abs().max() < 0.16
