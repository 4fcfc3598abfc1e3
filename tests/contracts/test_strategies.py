"""Every strategy of the discovery engine says what it tries, at least once a function of y: between two words a search can pause."""

import itertools

import pytest
import torch

from kanwidget.discovery.engine.fractions.inner import rationals_with_function
from kanwidget.discovery.engine.fractions.links import linked_rationals
from kanwidget.discovery.engine.fractions.noisy import noisy_fractions, noisy_polynomials
from kanwidget.discovery.engine.fractions.polynomials import rational_functions
from kanwidget.discovery.engine.parts import curves_of_parts
from kanwidget.discovery.engine.scans.strategies import scan_products, scan_residuals, scan_sums, small_trees
from kanwidget.discovery.engine.separation import Separation
from kanwidget.discovery.engine.shortening import shorten, simplify_stepwise
from kanwidget.discovery.engine.surrogates import network_surrogates
from kanwidget.discovery.engine.targets import TARGETS, usable
from tests.support.engine import EVERYTHING, X, Y, table_of


def table():
    """A table that no strategy solves, of which every function of y but the inverse of tanh is of use."""
    return table_of(lambda a, b: 0.4 + 0.2 * torch.sin(5 * a * b) + 0.1 * a, (0.5, 2), (0.5, 2), rows=60)


def parts(table):
    return curves_of_parts(table, Separation((tuple(table.indices),), dict(enumerate(table.columns)), 0.0, 0.1))


def atoms(table):
    return next(small_trees(table, 300))[1]


def shortened(table):
    table.offer([("add", ("c", 1.0), ("mul", ("c", 0.1), ("sin", ("mul", X, Y))))], "a wave")
    return shorten(table)


def residuals(table):
    table.offer([("add", ("c", 0.4), ("mul", ("c", 0.1), X))], "a line")
    return scan_residuals(table, atoms(table), "atoms")


def simplified(table):
    table.offer([("add", ("c", 1.0), ("mul", ("c", 0.1), ("sin", ("mul", X, Y))))], "a wave")
    return simplify_stepwise(table)


STRATEGIES = {
    "products": lambda table: scan_products(table, atoms(table), "atoms"),
    "sums": lambda table: scan_sums(table, atoms(table), "atoms"),
    "fractions": rational_functions,
    "fractions behind functions": linked_rationals,
    "fractions with functions": rationals_with_function,
    "noisy polynomials": noisy_polynomials,
    "noisy fractions": noisy_fractions,
    "parts of one column": parts,
    "products beside a formula": residuals,
    "shorter forms": shortened,
    "simpler forms": simplified,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_yields_plain_words(name):
    said = list(STRATEGIES[name](table()))
    assert said
    assert all(text.startswith("trying ") and "{" not in text for text in said)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_sums_pause_at_every_function_of_y(target):
    whole = table()
    said = set(scan_sums(whole, atoms(whole), "atoms", [target]))
    word = f"trying sums of atoms for {target.name.format('y')}"
    assert (word in said) is usable(target, whole.y, EVERYTHING)


def test_the_training_of_networks_pauses():
    said = list(itertools.islice(network_surrogates(table()), 3))
    assert said == ["training networks for the structure of y"] * 3
