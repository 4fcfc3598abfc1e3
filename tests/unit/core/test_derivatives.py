"""Value, gradient and Hessian by propagation against autograd."""

import pytest
import torch

from kanwidget import KAN
from tests.support.networks import F64, ZOO, everything, plain, products, uniform

orders_of_splines = pytest.mark.parametrize("k", [2, 3, 4, 5])


def by_autograd(model, x):
    """Gradient and Hessian of every output at every row."""

    def one(row):
        return model(row[None])[0]

    gradient = torch.stack([torch.autograd.functional.jacobian(one, row) for row in x])
    hessian = torch.stack(
        [
            torch.stack([torch.autograd.functional.hessian(lambda r, o=o: one(r)[o], row) for o in range(model.n_out)])
            for row in x
        ]
    )
    return gradient, hessian


@pytest.mark.parametrize("kind", ZOO)
@orders_of_splines
def test_equal_to_autograd_within_and_beyond_the_grid(kind, k):
    model = ZOO[kind](k=k)
    x = torch.cat([uniform(3, model.n_features, seed=k), uniform(2, model.n_features, seed=9, low=-3.0, high=3.0)])
    gradient, hessian = by_autograd(model, x)
    with torch.no_grad():
        found = model.derivatives(x)
        torch.testing.assert_close(found.value, model(x), rtol=0, atol=1e-10)
    for exact, mine in ((gradient, found.gradient), (hessian, found.hessian)):
        scale = max(1.0, float(exact.abs().max()))
        assert float((mine - exact).abs().max()) <= 1e-10 * scale


def test_columns_of_pruned_inputs_have_no_derivative():
    model = everything()
    found = model.derivatives(uniform(5, 6))
    assert found.gradient.shape == (5, 2, 6)
    assert not found.gradient[..., [2, 4]].any()
    assert not found.hessian[..., [2, 4], :].any()
    assert bool(found.gradient[..., [0, 1, 3, 5]].any())


def test_the_laplacian_is_the_trace_of_the_hessian():
    found = products().derivatives(uniform(5, 2))
    trace = sum(found.hessian[..., i, i] for i in range(2))
    torch.testing.assert_close(found.laplacian, trace)


def test_order_one_has_the_same_gradient_and_no_hessian():
    model, x = products(), uniform(5, 2)
    first = model.derivatives(x, order=1)
    assert first.hessian is None
    assert torch.equal(first.gradient, model.derivatives(x).gradient)
    with pytest.raises(ValueError, match="`order` argument of derivatives must be 2 for the Laplacian"):
        _ = first.laplacian


def test_they_can_be_differentiated_in_the_parameters():
    model, x = plain(k=4), uniform(5, 2)
    loss = model.derivatives(x).laplacian.square().sum()
    grads = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    coef = model.layer(0).coef
    step = torch.zeros_like(coef)
    step[1, 0, 2] = 1e-6
    with torch.no_grad():
        coef += step
        up = model.derivatives(x).laplacian.square().sum()
        coef -= 2 * step
        down = model.derivatives(x).laplacian.square().sum()
    assert float(grads[0][1, 0, 2]) == pytest.approx(float(up - down) / 2e-6, rel=1e-5)


def test_a_known_function():
    model = KAN([2, [0, 1]])
    for source in range(2):
        model.layer(0).set_symbol(source, source, "x^2")
    model.layer(0).spline_on[:] = False
    x = uniform(6, 2)
    found = model.derivatives(x)
    a, b = x.unbind(1)
    torch.testing.assert_close(found.gradient[:, 0], torch.stack([2 * a * b**2, 2 * b * a**2], 1))
    cross = 4 * a * b
    exact = torch.stack([torch.stack([2 * b**2, cross], 1), torch.stack([cross, 2 * a**2], 1)], 1)
    torch.testing.assert_close(found.hessian[:, 0], exact)


@pytest.mark.parametrize("order", [0, 3, 1.5, "2", None, True])
def test_other_orders_are_refused(order):
    with pytest.raises(ValueError, match="`order` argument of derivatives must be an integer from 1 to 2"):
        plain().derivatives(torch.zeros(1, 2, dtype=F64), order)
