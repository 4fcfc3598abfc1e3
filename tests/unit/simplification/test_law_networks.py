"""Which law becomes a network: those at the top are told apart by all rows, the held-out ones among them."""

import numpy as np
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification.description import description_length
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.laws import _ranked, law_network
from kanwidget.symbolic.laws import find_laws

SYMBOLS = sympy.symbols("x_1 x_2")


def tables(seed, rows=300, noise=0.05):
    """A sum of two products, and rows apart for checks."""
    generator = np.random.default_rng(seed)
    x = generator.uniform([3, 55], [14, 110], (rows, 2))
    y = 0.2 * x[:, 0] ** 3 + 0.05 * x[:, 1] * x[:, 0]
    y = y + noise * y.std() * generator.standard_normal(rows)
    x, y = torch.tensor(x), torch.tensor(y)
    cut = 4 * rows // 5
    return Dataset(x[:cut], y[:cut], x[cut:], y[cut:])


def is_the_law(expression):
    """Whether it is a·x₁³ + b·x₁·x₂, and nothing else."""
    x1, x2 = SYMBOLS
    terms = {term.as_coeff_Mul()[1] for term in sympy.expand(expression).args}
    return terms == {x1**3, x1 * x2}


def laws_of(data):
    return find_laws(data.train_input.numpy(), data.train_label[:, 0].numpy(), SYMBOLS)


def test_close_laws_are_ranked_by_all_rows_and_the_others_stay_behind():
    data = tables(0)
    laws = laws_of(data)
    held = held_out(KAN([2, 1]), data, "simplify")
    ranked = _ranked(laws, held, [0, 1], SYMBOLS)
    x = torch.cat([data.train_input, data.test_input]).numpy()
    y = torch.cat([data.train_label, data.test_label])[:, 0].numpy()
    close = [law for law in ranked[:6] if law.bits <= laws[0].bits + 12]
    assert len(close) > 1
    bits = [law.refitted(x, y, SYMBOLS).bits for law in close]
    assert bits == sorted(bits)
    assert {id(law) for law in ranked} == {id(law) for law in laws}
    assert [law.bits for law in ranked[len(close) :]] == sorted(law.bits for law in ranked[len(close) :])


def test_held_out_rows_keep_a_needless_constant_out():
    data = tables(12, rows=150)
    assert not is_the_law(laws_of(data)[0].expression)
    found = law_network(KAN([2, 1]), held_out(KAN([2, 1]), data, "simplify"))
    assert is_the_law(found.law.expression)


def test_a_law_counts_its_own_constants_not_those_of_its_network():
    held = held_out(KAN([2, 1]), tables(1), "simplify")
    found = law_network(KAN([2, 1]), held)
    assert found.constants == len(found.law.fit.linear) + len(found.law.fit.structure.start())
    assert found.constants < found.network.n_parameters
    losses = held.row_losses(found.network, everywhere=True)
    own = description_length(found.network, held, losses, found.constants)
    difference = (found.network.n_parameters - found.constants) / 2 * np.log2(len(losses))
    assert own == np.float64(description_length(found.network, held, losses) - difference)
