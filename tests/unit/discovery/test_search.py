"""Formulas of trained networks, and the scales that they are searched on."""

import sympy
import torch

from kanwidget import KAN, Dataset, load_planets, load_trees
from kanwidget.discovery import network, scales
from kanwidget.discovery.search import DiscoveredFormula, find_formula
from kanwidget.symbolic.formulas.units import Logs


def test_a_factor_that_is_nearly_exact_does_not_keep_the_exponent_from_being_so():
    generator = torch.Generator().manual_seed(4)
    logarithm = torch.rand(60, 1, generator=generator, dtype=torch.float64) * 4 - 1
    noise = 0.03 * torch.randn(60, 1, generator=generator, dtype=torch.float64)
    data = Dataset(logarithm, 3 * torch.exp(logarithm / 2) + noise, in_vars=("a",))
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "exp", params=(0.49, 0.0, 3.1, 0.0), data=data)
    formula = find_formula(model, data, Logs((True,), output=False), 0)
    # With 3 held the exponent would be 0.5006 ± 0.0003.
    assert formula.expression.has(sympy.exp(formula.variables[0] / 2))
    assert [str(simple) for *_, simple in formula.rounded] == ["1/2"]


def test_scales():
    assert scales.scales(Dataset([[-1.0], [2.0], [3.0]], [1.0, 1.5, 2.0])) == [Logs((False,), output=False)]
    assert scales.scales(load_trees()) == [
        Logs((False, False), output=False),
        Logs((False, False), output=True),
        Logs((True, True), output=True),
    ]
    part = scales.scaled(load_planets(), Logs((True,), output=True))
    assert part.train_label.tolist() == load_planets().train_label.log().tolist()


def test_a_deeper_network_computes_its_formula():
    torch.manual_seed(0)
    x = 1 + torch.rand(60, 2, dtype=torch.float64)
    data = Dataset(x, (x[:, [0]] + x[:, [1]] ** 2) ** 0.5)
    model = KAN([2, 1, 1], grid=3)
    model.fit(data, steps=40, progress=False)
    formula = find_formula(model, data, scales.plain(data), 30)
    assert isinstance(formula, DiscoveredFormula)
    whole = network.network_of(formula, data, 30)
    assert (whole.predict(x) - data.train_label).abs().max() < 0.02
    assert model.layer(0).state(0, 0) == "spline"
