import math
import pickle
from dataclasses import replace

import pytest
import torch

from kanwidget.datasets import Equation, feynman

MASS = feynman("I.10.7")


def test_values_of_tensors_arrays_and_lists():
    x = torch.tensor([[1.0, 3.0, 5.0], [2.0, 0.0, 1.0]])
    assert torch.equal(MASS(x), torch.tensor([1.25, 2.0]))
    assert torch.equal(MASS(x.int()), MASS(x.double()))
    assert torch.equal(MASS(x.tolist()), MASS(x.numpy()).double())
    assert MASS(x.double()).dtype == torch.float64


def test_values_outside_of_the_domain_are_no_numbers():
    assert MASS([[1.0, 2.0, 1.0]]).isnan().all()


def test_derivatives():
    x = torch.tensor([[1.0, 0.6, 1.0]], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(MASS(x).sum(), x)
    torch.testing.assert_close(gradient, torch.tensor([[1.25, 0.6 * 1.25**3, -0.36 * 1.25**3]], dtype=torch.float64))


def test_rows_lie_in_the_ranges_and_fill_them():
    equation = replace(feynman("I.9.18"), ranges=tuple((float(i), i + 1.0) for i in range(9)))
    data = equation.dataset(500, 400)
    low = torch.arange(9.0)
    for part, rows in (("train", 500), ("test", 400)):
        x = data[f"{part}_input"]
        assert x.shape == (rows, 9)
        assert ((x >= low) & (x <= low + 1)).all()
        assert (x.amin(0) < low + 0.05).all()
        assert (x.amax(0) > low + 0.95).all()
        torch.testing.assert_close(data[f"{part}_label"][:, 0], equation(x), rtol=0, atol=0)


def test_seeds():
    first, again, other = (MASS.dataset(20, 10, noise=0.1, dummies=2, seed=seed) for seed in (3, 3, 4))
    for key in first:
        assert torch.equal(first[key], again[key])
        assert not torch.equal(first[key], other[key])


def test_the_global_random_state_is_not_used():
    before = torch.get_rng_state()
    MASS.dataset(20, 10, noise=0.1, dummies=2)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_has_its_size_and_leaves_rows_and_test_labels():
    clean, noisy, noisier = (MASS.dataset(4000, 50, noise=noise) for noise in (0, 0.1, 0.2))
    assert torch.equal(noisy.train_input, clean.train_input)
    assert torch.equal(noisy.test_label, clean.test_label)
    noise = noisy.train_label - clean.train_label
    # The standard error of a standard deviation of 4,000 numbers is 1.1 %.
    assert float(noise.std() / clean.train_label.std()) == pytest.approx(0.1, rel=0.05)
    assert abs(float(noise.mean() / noise.std())) < 4 / 4000**0.5
    torch.testing.assert_close(noisier.train_label - clean.train_label, 2 * noise)


def test_dummies_have_sizes_of_the_others_and_leave_rows_and_labels():
    equation = replace(MASS, ranges=((0.0, 1.0), (-7.0, -6.0), (40.0, 41.0)))
    equation = replace(equation, formula="m_0 + v + c")
    plain, data = equation.dataset(300, 200), equation.dataset(300, 200, dummies=4)
    assert data.in_vars == ("m_0", "v", "c", "dummy_1", "dummy_2", "dummy_3", "dummy_4")
    assert data.out_vars == ("m",)
    for part in ("train", "test"):
        x = data[f"{part}_input"]
        assert torch.equal(x[:, :3], plain[f"{part}_input"])
        assert torch.equal(data[f"{part}_label"], plain[f"{part}_label"])
        assert x[:, 3:].mean(0).tolist() == pytest.approx([0.5, -6.5, 40.5, 0.5], abs=0.1)
        assert x.T.corrcoef().fill_diagonal_(0).abs().max() < 0.3


def test_noise_and_dummies_do_not_follow_from_the_rows():
    one = Equation("one", "", "x", ("x",), ("1",), ((0.0, 1.0),), "y", "1")
    clean, data = one.dataset(1000, 0), one.dataset(1000, 0, noise=1.0, dummies=1)
    x, dummy = data.train_input.T
    drawn = (data.train_label - clean.train_label)[:, 0]
    table = torch.stack([x, (2 * torch.pi * x).cos(), (2 * torch.pi * x).sin(), dummy, drawn])
    # A correlation of 1,000 independent rows has a standard error of 0.03.
    assert table.corrcoef()[:, 3:].fill_diagonal_(0)[:3].abs().max() < 0.13


def test_no_test_data():
    data = MASS.dataset(10, 0, noise=0.1, dummies=1)
    assert data.test_input is None
    assert data.train_input.shape == (10, 4)


def test_travels_to_other_processes():
    copy = pickle.loads(pickle.dumps(MASS))
    assert copy == MASS
    assert torch.equal(copy([[1.0, 3.0, 5.0]]), MASS([[1.0, 3.0, 5.0]]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": -0.1}, "`noise` argument of dataset of I.10.7 must be a finite number ≥ 0; got -0.1"),
        ({"noise": "1 %"}, "0.01 is one per cent"),
        ({"dummies": -1}, "`dummies` argument of dataset of I.10.7 must be an integer ≥ 0"),
        ({"dummies": 1.5}, "`dummies`"),
        ({"train_num": 0}, "`train_num`"),
        ({"test_num": -1}, "`test_num`"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_refuses_numbers_that_make_no_data(arguments, message):
    with pytest.raises(ValueError, match=message):
        MASS.dataset(**arguments)


@pytest.mark.parametrize("x", [[[1.0, 2.0]], torch.zeros(3), torch.zeros(2, 3, 1)])
def test_refuses_other_columns(x):
    with pytest.raises(ValueError, match=r"`x` argument of I.10.7 must be of shape \(rows, 3\): m_0, v, c"):
        MASS(x)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"formula": "m_0*"}, "a formula; got 'm_0\\*'"),
        ({"formula": "erf(v)"}, "`erf\\(v\\)` is no part of a formula. Functions are sqrt, exp"),
        ({"formula": "m_0*w"}, "a formula of m_0, v, c; got 'm_0\\*w'. It also reads w"),
        ({"units": ("kg",)}, "`units` argument of Equation must be 3 entries"),
        ({"ranges": ()}, "`ranges` argument of Equation must be 3 entries"),
    ],
)
def test_refuses_equations_that_do_not_fit_together(fields, message):
    with pytest.raises(ValueError, match=message):
        replace(MASS, **fields)


def test_an_equation_of_ones_own():
    equation = Equation("e", "Mine", "a*b", ("a", "b"), ("1", "1"), ((0, 1), (0, 1)), "y", "1")
    assert equation([[2.0, 3.0]]).tolist() == [6.0]


def test_a_formula_without_variables_has_a_value_for_every_row():
    equation = Equation("c", "Nothing changes", "2*pi", ("a",), ("1",), ((0.0, 1.0),), "y", "1")
    assert equation([[0.0], [1.0]]).tolist() == [2 * math.pi] * 2


@pytest.mark.parametrize("name", ["pi", "sqrt"])
def test_names_that_mean_something_are_no_variables(name):
    with pytest.raises(ValueError, match=f"`variables` argument of Equation must be other names than {name}"):
        Equation("c", "A name", f"2*{name}", (name,), ("1",), ((0.0, 1.0),), "y", "1")
