"""Whether noise grows with the value: rows that a fit's freedom takes don't show it."""

import torch

from kanwidget.symbolic.formulas.regression.noise import growing_noise


def table(rows):
    values = torch.logspace(0, 3, rows, dtype=torch.float64)
    signs = torch.where(torch.arange(rows) % 2 == 0, 1.0, -1.0).double()
    return values, 0.01 * values * signs


def test_ten_rows_show_it_beside_those_that_a_fit_takes():
    assert growing_noise(*table(13), freedom=2) is not None
    assert growing_noise(*table(13), freedom=6) is None
    assert growing_noise(*table(9)) is None


def test_noise_that_is_alike_does_not_grow():
    values, _ = table(13)
    assert growing_noise(values, torch.where(torch.arange(13) % 2 == 0, 1.0, -1.0).double(), freedom=2) is None
