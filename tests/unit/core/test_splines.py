"""Splines against scipy, and the identities that make a basis a basis."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from torch._subclasses.fake_tensor import FakeTensorMode

from kanwidget.core import splines
from kanwidget.core.cardinal import even_grid
from tests.support.networks import F64, forward_mode, uniform

each_order = pytest.mark.parametrize("k", range(6))
each_grid = pytest.mark.parametrize("even", [True, False], ids=["uniform", "uneven"])


def grid_of(inputs=3, intervals=5, *, even=False, seed=0):
    low, high = torch.full((inputs,), -1.0, dtype=F64), torch.full((inputs,), 1.5, dtype=F64)
    grid = splines.uniform_grid(low, high, intervals)
    if not even:
        grid[:, 1:-1] += 0.4 * (2.5 / intervals) * uniform(inputs, intervals - 1, seed=seed)
    return grid


def knots_of(k, **options):
    return splines.extend_knots(grid_of(**options), k)


def scipy_values(x, knots, k, order=0):
    """The same design, each function by scipy, within the grid only."""
    count = knots.shape[1] - 1 - k
    out = np.empty((*x.shape, count))
    for column in range(x.shape[1]):
        spline = BSpline(knots[column].numpy(), np.eye(count), k)
        out[:, column] = spline(x[:, column].numpy(), nu=order)
    return torch.from_numpy(out)


def inside(rows=200, inputs=3, seed=1):
    return uniform(rows, inputs, seed=seed, low=-1.0, high=1.5)


@each_order
@each_grid
def test_values_equal_those_of_scipy(k, even):
    knots = knots_of(k, even=even)
    x = torch.cat([inside(), splines.interior(knots, k).T])
    torch.testing.assert_close(splines.basis(x, knots, k), scipy_values(x, knots, k), rtol=0, atol=1e-12)


@each_order
@each_grid
def test_derivatives_of_all_orders_equal_those_of_scipy(k, even):
    knots, x = knots_of(k, even=even), inside()
    for order in range(1, k + 1):
        exact = scipy_values(x, knots, k, order)
        found = splines.basis(x, knots, k, order)
        assert float((found - exact).abs().max()) <= 1e-12 * max(1.0, float(exact.abs().max()))
    assert not splines.basis(x, knots, k, k + 1).any()


@each_order
@each_grid
def test_partition_of_unity_within_and_beyond_the_grid(k, even):
    knots = knots_of(k, even=even)
    x = uniform(300, 3, low=-20.0, high=20.0)
    ones = torch.ones(300, 3, dtype=F64)
    torch.testing.assert_close(splines.basis(x, knots, k).sum(-1), ones, rtol=0, atol=1e-11)
    torch.testing.assert_close(splines.basis(x, knots, k, 1).sum(-1), 0 * ones, rtol=0, atol=1e-11)


@each_order
@pytest.mark.parametrize("side", [0, -1], ids=["left", "right"])
def test_beyond_the_grid_a_spline_is_the_line_that_touches_its_end(k, side):
    knots = knots_of(k)
    coef = uniform(4, 3 * (5 + k), seed=3).view(4, 3, 5 + k)

    def value(x, order=0):
        return torch.einsum("nib,oib->noi", splines.basis(x, knots, k, order), coef)

    end = splines.interior(knots, k)[None, :, side]
    far = end + torch.tensor([[1e-9], [0.5], [3.0], [100.0]], dtype=F64) * (1 if side else -1)
    line = value(end) + value(end, 1) * (far - end)[:, None]
    torch.testing.assert_close(value(far), line, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(value(far, 1), value(end, 1).expand(4, -1, -1), rtol=1e-12, atol=1e-12)
    assert not value(far, 2).any()


@each_order
def test_a_spline_with_the_greville_points_as_coefficients_is_the_identity(k):
    if k == 0:
        return  # constants hold no line
    knots, x = knots_of(k), uniform(50, 3, low=-4.0, high=4.0)
    same = (splines.basis(x, knots, k) * splines.greville(knots, k)).sum(-1)
    torch.testing.assert_close(same, x, rtol=1e-12, atol=1e-12)


@each_order
@each_grid
def test_transfer_to_nested_knots_is_exact_everywhere(k, even):
    grid = grid_of(even=even)
    halves = torch.cat([grid, (grid[:, :-1] + grid[:, 1:]) / 2, grid[:, :1] * 0.9 + grid[:, 1:2] * 0.1], 1)
    finer = halves.sort(1).values
    old, new = splines.extend_knots(grid, k), splines.extend_knots(finer, k)
    coef = uniform(2, 3 * (5 + k), seed=4).view(2, 3, 5 + k)
    moved = splines.transfer(coef, old, new, k)
    x = torch.cat([inside(), uniform(50, 3, low=-5.0, high=5.0)])
    before = torch.einsum("nib,oib->noi", splines.basis(x, old, k), coef)
    after = torch.einsum("nib,oib->noi", splines.basis(x, new, k), moved)
    torch.testing.assert_close(after, before, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_gradcheck_and_gradgradcheck(k):
    # Points away from the knots, where a spline of order 2 has no third derivative.
    knots = knots_of(k, inputs=2)
    grid = splines.interior(knots, k)
    x = (0.7 * grid[:, :-1] + 0.3 * grid[:, 1:]).T.clone().requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: splines.basis(x, knots, k), x)
    assert torch.autograd.gradgradcheck(lambda x: splines.basis(x, knots, k), x)


@forward_mode
def test_tangents_are_carried_without_a_graph():
    knots, x = knots_of(3), inside(6)
    with torch.no_grad(), torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x))
        tangent = torch.autograd.forward_ad.unpack_dual(splines.basis(dual, knots, 3)).tangent
        torch.testing.assert_close(tangent, splines.basis(x, knots, 3, order=1))


@forward_mode
@pytest.mark.parametrize("k", [1, 3])
def test_forward_mode_and_vmap_agree_with_backward_mode(k):
    knots, x = knots_of(k), inside(6)

    def total(row):
        return (splines.basis(row[None], knots, k)[0] ** 2).sum()

    backward = torch.func.vmap(torch.func.grad(total))(x)
    forward = torch.func.vmap(torch.func.jacfwd(total))(x)
    torch.testing.assert_close(forward, backward, rtol=1e-12, atol=1e-12)
    hessian = torch.func.vmap(torch.func.hessian(total))(x)
    other = torch.func.vmap(torch.func.jacrev(torch.func.jacrev(total)))(x)
    torch.testing.assert_close(hessian, other, rtol=1e-12, atol=1e-10)


def test_vmap_over_knots_is_an_ensemble():
    several = torch.stack([knots_of(3, seed=s) for s in range(4)])
    x = inside(7)
    together = torch.func.vmap(lambda knots: splines.basis(x, knots, 3))(several)
    for knots, one in zip(several, together, strict=True):
        torch.testing.assert_close(one, splines.basis(x, knots, 3))
    points = uniform(4 * 7, 3, seed=5).view(4, 7, 3)
    both = torch.func.vmap(lambda x, knots: splines.basis(x, knots, 3))(points, several)
    for rows, knots, one in zip(points, several, both, strict=True):
        torch.testing.assert_close(one, splines.basis(rows, knots, 3))


@each_order
def test_float32_stays_float32_and_is_close(k):
    knots, x = knots_of(k), inside()
    single = splines.basis(x.float(), knots.float(), k)
    assert single.dtype == torch.float32
    # A point next to a knot of order 0 may fall on its other side when rounded.
    close = (single - splines.basis(x, knots, k)).abs().amax((1, 2)) < 2e-6
    assert int((~close).sum()) <= (2 if k == 0 else 0)


@pytest.mark.parametrize("k", [2, 3, 5, 7, 10])
def test_values_are_exact_where_intervals_differ_by_a_factor_of_a_hundred(k):
    """As polynomials about the middle of each interval, of any degree that is used."""
    widths = torch.tensor([[1.0, 0.01, 0.3, 0.02, 1.0, 0.5, 0.01, 0.1]], dtype=F64)
    knots = splines.extend_knots(torch.cat([torch.zeros(1, 1, dtype=F64), widths.cumsum(1)], 1), k)
    x = uniform(2000, 1, low=0.0, high=float(widths.sum()))
    torch.testing.assert_close(splines.basis(x, knots, k), scipy_values(x, knots, k), rtol=0, atol=2e-15)


@each_order
def test_no_rows_and_one_interval(k):
    knots = knots_of(k, intervals=1)
    assert splines.basis(torch.zeros(0, 3, dtype=F64), knots, k).shape == (0, 3, 1 + k)
    x = inside()
    torch.testing.assert_close(splines.basis(x, knots, k), scipy_values(x, knots, k), rtol=0, atol=1e-12)


MANY = 8000


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("intervals", [5, 50])
def test_rounding_of_many_points_does_not_grow_with_the_grid(k, intervals):
    ends = torch.ones(700)
    knots = splines.extend_knots(splines.uniform_grid(-ends, ends, intervals), k)
    assert even_grid(knots, k) is not None
    x = 2 * torch.rand(100, 700, generator=torch.Generator().manual_seed(0)) - 1
    assert (splines.basis(x, knots, k).sum(-1) - 1).abs().max() < 1e-6


@pytest.mark.slow
@each_order
@each_grid
@pytest.mark.parametrize("place", ["inside", "beyond"])
def test_many_points_have_the_same_functions_as_few(k, even, place):
    """They are evaluated some rows at a time, and on even grids by one polynomial for all intervals."""
    knots = knots_of(k, even=even, inputs=9)
    x = uniform(MANY, 9, low=-1.0, high=1.5)
    x[:10] = splines.interior(knots, k).T[[0, 1, 2, 3, 5]].repeat(2, 1)
    x = x if place == "inside" else 2 * x
    assert x.numel() > splines._AT_ONCE
    for order in range(k + 2):
        many = splines.basis(x, knots, k, order, 1)
        few = torch.cat([splines.basis(rows, knots, k, order) for rows in x.split(1000)])
        # On a knot the highest derivatives are those of either side.
        near = 1e-9 * max(1.0, float(few.abs().max()))
        assert float((many[..., :-1] - few).abs().max()) <= near
        assert not many[..., -1].any()
    for ours, theirs in zip(splines.basis_to_order(x, knots, k, 2), range(3), strict=True):
        torch.testing.assert_close(ours, splines.basis(x, knots, k, theirs), rtol=1e-9, atol=1e-9)


@each_grid
def test_among_many_points_what_is_no_number_harms_no_other(even):
    knots, x = knots_of(3, even=even, inputs=9), uniform(MANY, 9, low=-1.0, high=1.5)
    own = splines.basis(x, knots, 3)
    x[7, 2], x[8, 3], x[9, 4] = math.nan, math.inf, -math.inf
    found = splines.basis(x, knots, 3)
    assert bool(found[7, 2].isnan().any())
    assert not bool(found[8, 3].isfinite().all() or found[9, 4].isfinite().all())
    found[7, 2], found[8, 3], found[9, 4] = own[7, 2], own[8, 3], own[9, 4]
    torch.testing.assert_close(found, own, rtol=1e-12, atol=1e-12)


@each_grid
@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("stretch", [1, 2], ids=["inside", "beyond"])
def test_gradients_of_many_points_are_those_of_few(k, even, stretch):
    knots = knots_of(k, even=even, inputs=9)
    x = (stretch * uniform(MANY, 9, low=-1.0, high=1.5)).requires_grad_(True)
    factors = uniform(MANY * 9, 5 + k, seed=3).view(MANY, 9, 5 + k)
    once = torch.autograd.grad((splines.basis(x, knots, k) * factors).sum(), x)[0]
    slopes = torch.autograd.grad((splines.basis(x, knots, k) * factors).sum(), x, create_graph=True)[0]
    few = torch.cat(
        [(splines.basis(x[i : i + 1000], knots, k, 1) * factors[i : i + 1000]).sum(-1) for i in range(0, MANY, 1000)]
    )
    torch.testing.assert_close(once, few, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(slopes, few, rtol=1e-10, atol=1e-10)
    curvature = torch.autograd.grad(slopes.sum(), x)[0]
    second = (splines.basis(x.detach(), knots, k, 2) * factors).sum(-1)
    torch.testing.assert_close(curvature, second, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rows", [6, MANY // 8], ids=["few", "many"])
def test_gradients_of_several_outputs_at_once(rows, monkeypatch):
    """torch maps the backward pass over them, without a graph of it."""
    monkeypatch.setattr(splines, "_AT_ONCE", 1000)
    knots, x = knots_of(3, even=True), inside(rows)
    factors = uniform(3 * 8, 2, seed=4).view(3, 8, 2)

    def outputs(x):
        return torch.einsum("nib,ibo->o", splines.basis(x, knots, 3), factors)

    slopes = torch.einsum("nib,ibo->oni", splines.basis(x, knots, 3, 1), factors)
    at_once = torch.autograd.functional.jacobian(outputs, x, vectorize=True)
    torch.testing.assert_close(at_once, slopes, rtol=1e-10, atol=1e-10)
    leaf = x.clone().requires_grad_(True)
    (batched,) = torch.autograd.grad(outputs(leaf), leaf, torch.eye(2, dtype=F64), is_grads_batched=True)
    torch.testing.assert_close(batched, slopes, rtol=1e-10, atol=1e-10)
    with torch.no_grad():
        reverse = torch.func.jacrev(outputs)(x)
    torch.testing.assert_close(reverse, slopes, rtol=1e-10, atol=1e-10)


def test_points_of_another_type_and_points_without_values():
    knots, x = knots_of(3, even=True, inputs=9), uniform(MANY, 9)
    assert splines.basis(x.float(), knots, 3).dtype == F64
    with torch._subclasses.FakeTensorMode() as mode:
        fake = splines.basis(mode.from_tensor(x), mode.from_tensor(knots), 3)
    assert fake.shape == (MANY, 9, 8)


def test_uneven_knots_far_from_0_stay_uneven():
    """In float32 they differ from even ones by few roundings of their size, but by much of an interval."""
    even = splines.uniform_grid(torch.tensor([1000.0]), torch.tensor([1001.0]), 50)
    uneven = even.clone()
    uneven[:, 1:-1] += 2e-4 * uniform(1, 49, dtype=torch.float32)
    knots, x = splines.extend_knots(uneven, 3), uniform(10 * MANY, 1, low=1000.0, high=1001.0, dtype=torch.float32)
    few = torch.cat([splines.basis(rows, knots, 3) for rows in x.split(1000)])
    torch.testing.assert_close(splines.basis(x, knots, 3), few, rtol=0, atol=0)


def test_many_points_of_networks_side_by_side():
    knots = torch.stack([knots_of(3, even=True), knots_of(3, even=True) * 2, knots_of(3, seed=1)])
    x = uniform(3 * MANY, 3, low=-3.0, high=3.0).view(3, MANY, 3)
    for part in (slice(0, 2), slice(0, 3)):  # even ones, and others among them
        values, slopes = splines.basis_to_order(x[part], knots[part], 3, 1, room=1)
        for index, (points, own) in enumerate(zip(x[part], knots[part], strict=True)):
            few = [splines.basis(points.split(1000)[0], own, 3, order) for order in (0, 1)]
            torch.testing.assert_close(values[index, :1000, :, :-1], few[0], rtol=1e-10, atol=1e-10)
            torch.testing.assert_close(slopes[index, :1000, :, :-1], few[1], rtol=1e-10, atol=1e-9)


@settings(max_examples=40)
@given(
    k=st.integers(0, 5),
    widths=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8),
    start=st.floats(-1e3, 1e3),
    places=st.lists(st.floats(-3, 4), min_size=1, max_size=5),
)
def test_any_increasing_knots_give_finite_functions_that_sum_to_one(k, widths, start, places):
    grid = (start + torch.tensor([0.0, *widths], dtype=F64).cumsum(0))[None]
    knots = splines.extend_knots(grid, k)
    x = (grid[0, 0] + torch.tensor(places, dtype=F64) * (grid[0, -1] - grid[0, 0]))[:, None]
    values = splines.basis(x, knots, k)
    assert bool(torch.isfinite(values).all())
    size = values.abs().sum(-1).clamp_min(1.0)
    assert bool(((values.sum(-1) - 1).abs() <= 1e-10 * size).all())


def test_collocation_sites_lie_within_the_support_of_their_functions():
    for k in range(6):
        knots = knots_of(k)
        at_sites = splines.basis(splines.collocation_sites(knots, k).T, knots, k)
        diagonal = at_sites.diagonal(dim1=0, dim2=2)
        assert bool((diagonal > 0).all())


def test_what_knots_are_known_by_follows_their_numbers_and_keeps_no_fakes():
    x, knots = inside(7), knots_of(3)
    before = splines.basis(x, knots, 3)
    with FakeTensorMode(allow_non_fake_inputs=True):
        splines.basis(x, knots, 3)
    assert torch.equal(splines.basis(x, knots, 3), before)
    knots.mul_(2.0)
    assert torch.equal(splines.basis(2 * x, knots, 3), before)
