"""What rounding of a table's values leaves of a law."""

import pytest
import torch

from kanwidget.discovery.fronts.table import rounding

Y = torch.linspace(1, 9, 200, dtype=torch.float64).sqrt().exp()


def rms(values):
    return float(values.square().mean().sqrt())


@pytest.mark.parametrize(
    "law",
    [
        lambda a: 3 * a**2 / (1 + a),
        lambda a: 4.967 * torch.exp(-0.2481 * a) * torch.sin(2.201 * a + 1.967) + 1.491,
        lambda a: torch.exp(a) * torch.cos(3 * a),
    ],
)
def test_laws_in_single_precision_lie_below_it(law):
    x = torch.linspace(0.3, 3, 300)
    y = law(x).double()
    assert 0 < rms(y - law(x.double())) < rounding(y) < 1e-6 * rms(y)


@pytest.mark.parametrize("decimals", [3, 5, 8])
@pytest.mark.parametrize("size", [1.0, 1e3])
def test_laws_with_few_decimals_lie_below_it(decimals, size):
    y = (size * Y * 10**decimals).round() / 10**decimals
    error = rms(y - size * Y)
    if (decimals, size) == (8, 1e3):  # any double has as many digits
        assert rounding(y) == 0
    else:
        assert error < rounding(y) < 2 * error


@pytest.mark.parametrize("y", [Y, 1e9 * Y, 1e-9 * Y, torch.zeros(5, dtype=torch.float64)])
def test_values_with_all_digits_have_none(y):
    assert rounding(y) == 0


def test_coarse_values_are_noise_as_any_other():
    assert rounding((10 * Y).round() / 10) < 1e-6 * rms(Y)
