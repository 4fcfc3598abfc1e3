import numpy as np
import pytest
import torch

from kanwidget.datasets import create_dataset


def product(x):
    return x[:, [0]] * x[:, [1]]


def test_the_numbers_are_those_of_pykan():
    # pykan: torch.manual_seed(seed), then one torch.rand for each column, training rows first, in the default type.
    generator = torch.Generator().manual_seed(5)
    columns = [torch.rand(n, generator=generator, dtype=torch.float64) for n in (7, 7, 4, 4)]
    before = torch.get_rng_state()
    data = create_dataset(product, ranges=[0, 2], train_num=7, test_num=4, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(data.train_input, 2 * torch.stack(columns[:2], 1), rtol=0, atol=0)
    torch.testing.assert_close(data.test_input, 2 * torch.stack(columns[2:], 1), rtol=0, atol=0)
    assert torch.equal(data.train_label, product(data.train_input))


@pytest.mark.parametrize(
    "ranges",
    [(-1, 1), [-1, 1], np.array([-1, 1]), torch.tensor([-1.0, 1.0]), [[-1, 1], [-1, 1]], np.array([[-1, 1]] * 2)],
)
def test_ranges_in_every_form(ranges):
    expected = create_dataset(product, train_num=10)
    assert torch.equal(create_dataset(product, ranges=ranges, train_num=10).train_input, expected.train_input)


def test_a_range_for_each_input():
    x = create_dataset(product, ranges=[(0, 1), (10, 20)]).train_input
    assert x[:, 0].max() <= 1
    assert x[:, 1].min() >= 10


def test_modes_agree():
    column = create_dataset(product, f_mode="col", train_num=10)
    row = create_dataset(lambda x: x[0] * x[1], f_mode="row", train_num=10)
    assert torch.equal(column.train_label, row.train_label)


def test_type_does_not_change_the_draw():
    double, single = (create_dataset(product, train_num=10, dtype=dtype) for dtype in (torch.float64, torch.float32))
    assert single.train_label.dtype == torch.float32
    assert torch.equal(double.train_input.float(), single.train_input)


@pytest.mark.parametrize(("inputs", "labels"), [(True, False), (False, True), (True, True)])
def test_normalized_data_remember_how(inputs, labels):
    plain = create_dataset(product, ranges=(1, 3))
    data = create_dataset(product, ranges=(1, 3), normalize_input=inputs, normalize_label=labels)
    assert (data.input_scaler is not None, data.output_scaler is not None) == (inputs, labels)
    x = data.test_input * data.input_scale + data.input_mean if inputs else data.test_input
    y = data.test_label * data.label_scale + data.label_mean if labels else data.test_label
    torch.testing.assert_close(x, plain.test_input)
    torch.testing.assert_close(y, plain.test_label)


def test_no_test_data():
    assert create_dataset(product, test_num=0).test_input is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_var": 0}, "`n_var` argument of create_dataset must be an integer ≥ 1; got 0"),
        ({"f_mode": "rows"}, "Did you mean 'row'"),
        ({"ranges": (1, -1)}, "two increasing numbers, or 2 pairs"),
        ({"ranges": [[0, 1]] * 3}, "2 pairs of them"),
        ({"ranges": "wide"}, "2 pairs of them; got 'wide'"),
        ({"ranges": (0, np.inf)}, "2 pairs of them"),
        ({"train_num": 0}, "`train_num`"),
        ({"test_num": -1}, "0 makes no test data"),
        ({"seed": 1.5}, "`seed`"),
        ({"f": lambda x: x[0]}, r"values of shape \(1000, outputs\).*x\[:, \[0\]\]"),
        ({"f": lambda x: x[:, 0], "f_mode": "row"}, r"write x\[0\] for the first"),
        ({"f": lambda x: torch.log(x[:, 0])}, r"finite at x = \(.*Narrow the ranges"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        create_dataset(**{"f": product} | arguments)
