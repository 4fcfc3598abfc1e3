"""Assembly: powers, sums and products with constants from linear regression, without the terms that data don't need."""

import numpy as np
import pytest
import torch

from kanwidget.discovery.engine.assembly import of_product, of_sum, power, row_weights, selected
from kanwidget.discovery.engine.targets import TARGETS
from kanwidget.discovery.engine.trees import columns_of, constants, product, total, values
from tests.support.engine import ONE, X, Y, Z, table_of, uniform

BY_NAME = {target.name: target for target in TARGETS}
IDENTITY = BY_NAME["{}"]


@pytest.mark.parametrize("exponent", [-3, -2, -1.5, -1, -0.5, -0.25, 0.25, 0.5, 0.75, 1, 1.37, 2, 3, 4, 5.5])
def test_a_power_has_the_values_of_the_power(exponent):
    x = uniform(20, (0.5, 2))[:, 0]
    tree = power(X, exponent)
    torch.testing.assert_close(values(tree, [x]), x**exponent)
    assert constants(tree) == ([] if 4 * exponent % 1 == 0 else [exponent])


def test_exponents_near_a_quarter_are_exact():
    assert power(X, 2.0004) == ("sq", X)
    assert power(X, -0.9996) == ("inv", X)
    assert power(X, 1.0) == X
    assert constants(power(X, 2.01)) == [2.01]
    assert power(X, 4.0) == ("pow", X, ("n", 4))


def test_products_and_sums_of_nothing_are_one_and_zero():
    assert (product([]), total([])) == (ONE, ("n", 0))
    assert (product([X]), total([X])) == (X, X)
    assert product([X, Y, Z]) == ("mul", ("mul", X, Y), Z)


def test_regression_drops_what_the_data_do_not_need():
    x = uniform(80, *[(-1, 1)] * 6)
    kept, factors = selected(x, 2 * x[:, 1] - 3 * x[:, 4], torch.ones(80, dtype=torch.float64))
    assert kept == [1, 4]
    torch.testing.assert_close(factors, torch.tensor([2.0, -3.0], dtype=torch.float64))


def test_regression_is_weighted_least_squares_where_all_columns_count():
    x = uniform(60, *[(-1, 1)] * 3)
    roots = uniform(60, (0.2, 2), seed=3)[:, 0]
    y = x @ torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64) + 0.1 * uniform(60, (-1, 1), seed=4)[:, 0]
    kept, factors = selected(x, y, roots)
    expected = np.linalg.lstsq((x * roots[:, None]).numpy(), (y * roots).numpy(), rcond=None)[0]
    assert kept == [0, 1, 2]
    np.testing.assert_allclose(factors.numpy(), expected, rtol=1e-9)


def test_noise_keeps_no_columns_of_chance():
    for seed in range(8):
        x = uniform(200, *[(-1, 1)] * 8, seed=seed)
        generator = torch.Generator().manual_seed(100 + seed)
        y = x[:, 2] + 0.3 * torch.randn(200, generator=generator, dtype=torch.float64)
        assert selected(x, y, torch.ones(200, dtype=torch.float64))[0] == [2]


def test_one_of_two_equal_columns_stays():
    x = uniform(50, (0, 1), (0, 1))
    columns = torch.stack([x[:, 0], x[:, 0], x[:, 1]], 1)
    kept, factors = selected(columns, 2 * x[:, 0] + x[:, 1], torch.ones(50, dtype=torch.float64))
    assert len(kept) == 2
    assert sorted(factors.tolist()) == pytest.approx([1.0, 2.0])


@pytest.mark.parametrize("name", ["{}", "1/{}", "log({})", "{}²", "√{}", "1/{}²"])
def test_a_sum_that_is_a_function_of_y_gives_y(name):
    target = BY_NAME[name]
    table = table_of(lambda a, b, c: values(target.back(X, a), [2 + 3 * a * b]), (0.5, 1.5), (0.5, 1.5), (1, 2))
    tree = of_sum(table, target, row_weights(table, target), [Z, ("mul", X, Y)])
    torch.testing.assert_close(table.values(tree), table.y, rtol=1e-9, atol=1e-9)
    assert columns_of(tree) == {0, 1}
    assert sorted(constants(tree)) == pytest.approx([2.0, 3.0])


def test_rows_of_a_function_of_y_are_weighted_so_that_errors_of_y_count():
    table = table_of(lambda a: a**2, (0.5, 3))
    roots = row_weights(table, BY_NAME["log({})"])
    torch.testing.assert_close(roots, table.y / table.y.mean())
    assert float(row_weights(table, IDENTITY).max()) == 1.0


def test_a_sum_without_values_is_none():
    table = table_of(lambda a: a, (-1, 1))
    assert of_sum(table, IDENTITY, row_weights(table, IDENTITY), [("log", X)]) is None


def test_exponents_of_a_product_are_found():
    table = table_of(lambda a, b, c: 2.5 * a**1.5 / b**2 * c**0.37, (0.5, 2), (0.5, 2), (0.5, 2))
    tree = of_product(table, [X, Y, Z])
    torch.testing.assert_close(table.values(tree), table.y, rtol=1e-9, atol=0)
    assert sorted(constants(tree)) == pytest.approx([0.37, 2.5])


def test_factors_that_do_not_matter_are_left_out():
    table = table_of(lambda a, b, c: 2 * a / c, (0.5, 2), (0.5, 2), (0.5, 2))
    assert columns_of(of_product(table, [X, Y, Z])) == {0, 2}


def test_bases_may_be_negative_or_change_their_sign():
    table = table_of(lambda a, b: -3 * a**3 * (-b) ** 0.5, (-2, 2), (-2, -1))
    tree = of_product(table, [X, Y])
    torch.testing.assert_close(table.values(tree), table.y, rtol=1e-9, atol=1e-12)


def test_a_base_that_changes_its_sign_has_no_broken_power():
    table = table_of(lambda a: a.abs() ** 0.5, (-2, 2))
    assert of_product(table, [X]) is None


def test_noise_finds_exponents_to_within_its_error():
    table = table_of(lambda a, b: 2 * a**2 / b, (0.5, 2), (0.5, 2), rows=300, noise=0.01)
    tree = of_product(table, [X, Y])
    error = float((table.values(tree) - table.y).std() / table.y.std())
    assert error < 0.013
