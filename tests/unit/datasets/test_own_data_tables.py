"""The tables that measure the way from a person's table to a law: their check accepts a law in any writing, and no imitation."""

import numpy as np
import pytest
import sympy

from tools.benchmarks.own_data_tables import TABLES


@pytest.mark.parametrize("name", TABLES)
def test_the_law_of_each_table_has_its_form_in_every_writing_and_unit(name):
    table = TABLES[name]
    assert table.is_form(table.truth)
    assert table.is_form(sympy.expand(table.truth))
    first = next(iter(table.columns))
    other = table.in_units(**{first: (1e6, 3.0), "target": (1e-9, 0.0)})
    assert other.is_form(other.truth, 0.01)
    assert not other.is_form(table.truth)


@pytest.mark.parametrize("name", TABLES)
def test_a_term_too_much_is_another_function(name):
    table = TABLES[name]
    column = sympy.Symbol(next(iter(table.columns.values())).name)
    spread = float(table.frame(0.0)[table.target].std())
    assert not table.check_form(table.truth + 0.01 * spread * sympy.sin(column)).form


def test_an_imitation_is_another_function():
    table = TABLES["cyclist"]
    law = table.truth
    speed, mass = (sympy.Symbol(column.name) for column in table.columns.values())
    imitated = law - 0.21 * speed**3 + 0.21 * (6e6 * (sympy.cosh(speed * sympy.sqrt(2 / 6e6)) - 1)) * speed
    points = {speed: 9.0, mass: 80.0}
    assert float(imitated.subs(points)) == pytest.approx(float(law.subs(points)), rel=1e-4)
    assert not table.check_form(imitated).form


def test_constants_may_be_off_by_what_the_noise_allows():
    table = TABLES["demand"]
    price, income = (sympy.Symbol(column.name) for column in table.columns.values())
    close, far = (42.3 * price**-1.301 * income**0.599, 42.0 * price**-1.3 * income**0.7)
    assert table.is_form(close, noise=0.05)
    found = table.check_form(far, noise=0.05)
    assert found.form
    assert not found.constants
    assert "n = 0.7 for 0.6" in found.detail


def test_symbols_may_be_numbered_as_the_columns_stand_and_idle_columns_may_not_occur():
    table = TABLES["demand"]
    names = [name for name in table.frame(0.0).columns if name != table.target]
    numbered = {sympy.Symbol(name): sympy.Symbol(f"x_{n + 1}") for n, name in enumerate(names)}
    assert table.is_form(table.truth.subs(numbered))
    found = table.check_form(table.truth + 1e-12 * sympy.Symbol(table.dead.name))
    assert not found.form
    assert table.dead.name in found.detail


def test_noise_and_seed_decide_the_numbers_and_half_of_the_tables_are_held_out():
    table = TABLES["tube"]
    frame = table.frame(0.05, seed=3)
    assert frame.equals(table.frame(0.05, seed=3))
    assert not frame.equals(table.frame(0.05, seed=4))
    share = np.std(frame[table.target] / table.frame(0.0, seed=3)[table.target] - 1)
    assert share == pytest.approx(0.05, rel=0.2)
    assert sum(table.held_out for table in TABLES.values()) == sum(t.dead is not None for t in TABLES.values()) == 6
