"""Fits recover what made the data, whatever its scale, and never leave a domain."""

import math

import hypothesis.strategies as st
import pytest
import scipy.special
import torch
from hypothesis import given, settings
from symbolic_samples import draw
from torch.utils._python_dispatch import TorchDispatchMode

from kanwidget.core import primitive
from kanwidget.core.primitives import primitives
from kanwidget.symbolic import fit_primitives

ROWS = primitives()
SHAPES = [row for row in ROWS if row.name != "0"]
TWINS = {"sin": "cos", "cos": "sin", "arcsin": "arccos", "arccos": "arcsin", "tanh": "sigmoid", "sigmoid": "tanh"}
X = torch.linspace(-1, 1, 401, dtype=torch.float64)


def fit(x, y, rows=ROWS, **options):
    return fit_primitives(x[:, None], y[:, None], rows, **options)[0]


def by_name(fits):
    return {f.name: f for f in fits}


def value(f, x):
    a, b, c, d = f.params
    return c * primitive(f.name).fn(a * x + b) + d


@pytest.mark.parametrize("row", SHAPES, ids=lambda row: row.name)
@pytest.mark.parametrize("seed", range(4))
def test_every_primitive_is_recovered(row, seed):
    x, y, _ = draw(row, seed)
    fits = fit(x, y)
    own = by_name(fits)[row.name]
    assert 1 - own.r2 <= 1e-12
    assert fits[0].name in (row.name, TWINS.get(row.name))
    assert fits[0].imitates is None
    torch.testing.assert_close(value(own, x), y, rtol=1e-8, atol=1e-8 * float(y.abs().max()))


@pytest.mark.parametrize(
    ("y", "name", "params"),
    [
        (1e-4 * torch.sin(3 * X), "sin", (3, 0, 1e-4, 0)),
        (torch.sin(15 * X + 0.3), "sin", (15, 0.3, 1, 0)),
        (torch.sin(30 * X), "sin", (30, 0, 1, 0)),
        ((X + 3) ** 2, "x^2", (1, 3, 1, 0)),
        (1 / (X - 2), "1/x", (1, -2, 1, 0)),
        (torch.exp(-25 * X), "exp", (-25, 0, 1, 0)),
        (torch.exp(0.1 * X), "exp", (0.1, 0, 1, 0)),
        (torch.exp(-((30 * (X - 0.31)) ** 2)), "gaussian", (30, -9.3, 1, 0)),
        (torch.log(1.001 - X), "log", (-1, 1.001, 1, 0)),
        (torch.sqrt(X + 1), "sqrt", (1, 1, 1, 0)),
        (torch.sqrt(1.2 - X), "sqrt", (-1, 1.2, 1, 0)),
        (torch.atanh(0.9999 * X), "arctanh", (0.9999, 0, 1, 0)),
        (torch.asin(X), "arcsin", (1, 0, 1, 0)),
        (torch.tan(1.55 * X), "tan", (1.55, 0, 1, 0)),
        (torch.sgn(X - 0.3012), "sgn", (1, None, 1, 0)),
        ((X - 0.123).abs(), "abs", (1, -0.123, 1, 0)),
    ],
)
def test_constants_to_ten_digits(y, name, params):
    fits = fit(X, y)
    assert fits[0].name in (name, "tanh" if name == "sgn" else name)
    own = by_name(fits)[name]
    assert own.r2 == pytest.approx(1, abs=1e-14)
    for found, exact in zip(own.params, params, strict=True):
        assert exact is None or found == pytest.approx(exact, rel=1e-9, abs=1e-9 * max(1, 1e-4))


@pytest.mark.parametrize("interval", [(-1, 1), (0, 1)])
def test_bessel_function_of_high_frequency(interval):
    x = torch.linspace(*interval, 1000, dtype=torch.float64)
    best = fit(x, torch.from_numpy(scipy.special.j0(20 * x.numpy())))[0]
    assert best.name == "J0"
    assert best.params == pytest.approx((20, 0, 1, 0), abs=1e-9)
    assert best.r2 == 1.0


@pytest.mark.parametrize("amplitude", [1e-9, 1e-4, 1, 1e6])
def test_goodness_of_fit_has_no_scale(amplitude):
    noise = 0.01 * torch.cos(37 * X**2)
    reference = fit(X, torch.sin(3 * X) + noise, [primitive("sin")])[0]
    scaled = fit(X, amplitude * (torch.sin(3 * X) + noise), [primitive("sin")])[0]
    assert scaled.r2 == pytest.approx(reference.r2, abs=1e-9)
    assert scaled.score == pytest.approx(reference.score, abs=1e-6)


@pytest.mark.slow
@settings(max_examples=25)
@given(
    st.lists(st.floats(-1e3, 1e3, width=32), min_size=2, max_size=12),
    st.sampled_from(["noise", "steps", "line"]),
    st.integers(0, 1000),
)
def test_nothing_is_nan_and_domains_hold(xs, kind, seed):
    x = torch.tensor(xs, dtype=torch.float64)
    generator = torch.Generator().manual_seed(seed)
    y = {
        "noise": torch.randn(len(x), generator=generator, dtype=torch.float64),
        "steps": (x > x.median()).double(),
        "line": 2 * x + 1,
    }[kind]
    for f in fit(x, y):
        assert all(math.isfinite(number) for number in (*f.params, f.r2, f.score))
        assert f.r2 <= 1 + 1e-12
        a, b, _, _ = f.params
        ends = sorted((a * float(x.min()) + b, a * float(x.max()) + b))
        assert f.name == "0" or primitive(f.name).interval(*ends) is not None
        assert f.valid[0] <= float(x.min()) + 1e-9 * abs(float(x.min())) or f.name == "0"
        assert torch.isfinite(value(f, x)).all()


def test_many_edges_at_once_are_the_same_as_one_by_one():
    x = torch.stack([X, 2 * X + 3, X / 10], dim=1)
    y = torch.stack([torch.sin(4 * X), torch.log(2 * X + 4), (X / 10) ** 3], dim=1)
    together = fit_primitives(x, y, ROWS)
    assert [fits[0].name for fits in together] == ["sin", "log", "x^3"]
    for e, fits in enumerate(together):
        alone = fit(x[:, e], y[:, e])
        assert [f.name for f in alone[:3]] == [f.name for f in fits[:3]]
        assert alone[0].params == pytest.approx(fits[0].params, abs=1e-9)


def test_float32_is_accepted():
    best = fit(X.float(), torch.sin(3 * X.float()))[0]
    assert best.name == "sin"
    assert 1 - best.r2 < 1e-11


def test_more_samples_than_are_polished():
    x = torch.linspace(-2, 2, 20_000, dtype=torch.float64)
    best = fit(x, torch.tanh(3 * x - 1))[0]
    assert best.name == "tanh"
    assert best.params == pytest.approx((3, -1, 1, 0), abs=1e-9)


def test_constant_is_offered_only_for_a_constant():
    assert [f.name for f in fit(X, torch.full_like(X, 2.5))] == ["0"]
    assert fit(X, torch.full_like(X, 2.5))[0].params[3] == 2.5
    assert "0" not in by_name(fit(X, torch.sin(X)))
    assert "0" not in by_name(fit(X, torch.randn(401, generator=torch.Generator().manual_seed(0), dtype=torch.float64)))
    assert fit(X, torch.zeros_like(X))[0].name == "0"


def test_constant_input():
    assert fit(torch.ones(10, dtype=torch.float64), torch.full((10,), 3.0, dtype=torch.float64))[0].name == "0"


def test_a_good_cosine_is_not_called_anything_simpler():
    noise = torch.randn(401, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    best = fit(X, torch.cos(math.pi * X) + 0.125 * noise)[0]
    assert 0.95 < best.r2 < 0.99
    assert best.name == "cos"


class Count(TorchDispatchMode):
    """Counts the operations on tensors."""

    operations = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.operations += 1
        return function(*args, **(kwargs or {}))


def test_one_edge_costs_a_bounded_number_of_operations():
    # A few hundred samples cost what their operations cost: that is what a click on an edge waits for.
    y = torch.exp(X) + X**3 / 2
    fit(X, y)  # the tables of shapes are made once
    with Count() as count:
        fit(X, y)
    assert 1_000 < count.operations < 12_000


def test_weights():
    y = torch.where(X < 0, torch.sin(5 * X), torch.zeros_like(X))
    best = fit(X, y, weights=(X < 0).double())[0]
    assert best.name == "sin"
    assert best.params == pytest.approx((5, 0, 1, 0), abs=1e-8)


def test_a_sample_of_weight_three_is_three_samples_also_for_what_a_spline_follows():
    """Polynomials of degree 6 stand for a spline, which rounds off the tip of |x|."""

    def scores(x, weight):
        columns = torch.stack([x**power for power in range(7)], 1)
        root = weight.div(weight.sum()).sqrt()[:, None]
        space = torch.linalg.qr(root * columns).Q / root
        y = space @ (space.T @ (weight / weight.sum() * (x - 0.2).abs()))
        rows = primitives(["abs"])
        return [fit(x, y, rows, weights=weight, numbers=8, spaces=spaces)[0].score for spaces in ([space], None)]

    weight = torch.where(X < 0.1, 3.0, 1.0).double()
    repeated = X.repeat_interleave(weight.long())
    weighted, without = scores(X, weight)
    assert weighted == pytest.approx(scores(repeated, torch.ones_like(repeated))[0], abs=0.001)
    assert weighted < without - 5


def test_own_primitives(registered):
    both = registered("sinc", torch.sinc)
    fixed = registered("logistic map", lambda u: u * (1 - u) * torch.exp(u), free=(False, False))
    shifted = registered("sin of exp", lambda u: torch.sin(torch.exp(u)), free=(False, True))
    x = 3 * X + 1
    for row, (a, b) in ((both, (2.0, 0.5)), (fixed, (1.0, 0.0)), (shifted, (1.0, -1.3))):
        y = 3 * row.fn(a * x + b) - 2
        own = by_name(fit(x, y, [*ROWS, row]))[row.name]
        assert 1 - own.r2 < 1e-12
        torch.testing.assert_close(value(own, x), y, rtol=1e-7, atol=1e-7)
    scaled = registered("tied", lambda u: torch.sin(u) / (2 + torch.cos(u)), free=(True, False))
    y = scaled.fn(2.5 * x)
    a, b, c, d = by_name(fit(x, y, [scaled]))["tied"].params
    assert (abs(a), b, c * a, d) == pytest.approx((2.5, 0, 2.5, 0), abs=1e-8)  # it is odd: both signs may change


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (torch.zeros(3), torch.zeros(3), "shape"),
        (torch.zeros(3, 1), torch.zeros(4, 1), "same shape"),
        (torch.tensor([[math.nan], [1.0]]), torch.zeros(2, 1), "finite"),
        (torch.zeros(2, 1), torch.tensor([[math.inf], [1.0]]), "finite"),
    ],
)
def test_wrong_data(x, y, message):
    with pytest.raises(ValueError, match=message):
        fit_primitives(x, y, ROWS)


def test_wrong_options():
    with pytest.raises(ValueError, match="simplicity"):
        fit(X, X, simplicity=2)
    with pytest.raises(ValueError, match="weights"):
        fit(X, X, weights=-torch.ones(401))


def test_the_data_stay_as_they_are():
    x, y = X.clone(), torch.sin(X)
    before = y.clone()
    threads = torch.get_num_threads()
    fit(x, y)
    assert torch.equal(x, X)
    assert torch.equal(y, before)
    assert torch.get_num_threads() == threads
