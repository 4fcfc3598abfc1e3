"""Small networks and data for many tests, and the comparison of a network with an earlier snapshot."""

import copy
import functools
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.surgery import freeze, lock, remove_edge
from kanwidget.symbolic import to_numpy

F64 = torch.float64
#: torch's own forward mode uses a part of torch that it warns of.
forward_mode = pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")


def made_once(make):
    """A function whose result takes long: each is made once for the same arguments, and every call returns a copy of its own."""
    original = functools.cache(make)

    @functools.wraps(make)
    def copied(*arguments, **options):
        return copy.deepcopy(original(*arguments, **options))

    return copied


def uniform(rows, columns, *, seed=0, low=-1.0, high=1.0, dtype=F64):
    """Random points from a generator of their own."""
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(rows, columns, generator=generator, dtype=F64).to(dtype)


def product_data(rows=60, *, seed=0, dtype=F64):
    """Inputs and labels of sin(2x) + x·y, which any small network can learn."""
    x = uniform(rows, 2, seed=seed, dtype=dtype)
    return x, torch.sin(2 * x[:, [0]]) + x[:, [0]] * x[:, [1]]


def plain(**options):
    return KAN([2, 3, 1], **{"noise_scale": 2.0, **options})


def products(**options):
    """Products of two and of three factors, on two levels, the last of them outputs."""
    return KAN([2, [1, 2], [2, 1]], **{"mult_arity": [[], [2, 3], [2]], "noise_scale": 2.0, **options})


def cube():
    """x·x·x as one product, of symbolic edges alone."""
    model = KAN([2, [0, 1], 1], mult_arity=3)
    for target in range(3):
        model.layer(0).set_symbol(0, target, "x")
        model.layer(0).spline_on[target] = False
    return model


def states(**options):
    """Edges in all four states, one of them symbolic below another."""
    model = plain(**options)
    first, last = model.layer(0), model.layer(1)
    first.set_symbol(0, 1, "sin", (2.0, 0.3, 0.7, 0.1))
    first.spline_on[1, 0] = False
    first.set_symbol(1, 2, "x^2", (1.0, -0.2, 0.5, 0.3))
    last.set_symbol(1, 0, "exp", (0.5, 0.0, 0.8, -0.2))
    last.spline_on[0, 1] = False
    remove_edge(model, 0, 1, 0)
    return model


def tied(**options):
    """Edges that share parameters, splines and symbols, and one that is frozen."""
    model = KAN([3, 3, 2], **{"noise_scale": 2.0, **options})
    for source in (0, 1):
        model.layer(0).set_symbol(source, 2, "sin", (1.5, 0.2 * source, 1.0, 0.0))
        model.layer(0).spline_on[2, source] = False
    lock(model, 0, [(0, 0), (1, 0), (2, 1)])
    lock(model, 0, [(0, 2), (1, 2)])
    freeze(model, 0, 2, 0)
    freeze(model, 1, 1, 1)
    return model


def furnished(model):
    """A network of four inputs, [4, [3, 2], [2, 1], 2], with all states of edges, ties and a frozen edge."""
    first, last = model.layer(0), model.layer(2)
    first.set_symbol(0, 1, "sin", (2.0, 0.3, 0.7, 0.1))
    first.spline_on[1, 0] = False
    first.set_symbol(2, 4, "x^2", (1.0, -0.2, 0.5, 0.3))
    first.spline_on[0, 3] = False
    last.set_symbol(1, 0, "exp", (0.5, 0.0, 0.8, -0.2))
    last.spline_on[0, 1] = False
    lock(model, 0, [(0, 0), (1, 0), (2, 2)])
    lock(model, 1, [(0, 1), (0, 2)])
    freeze(model, 0, 3, 1)
    return model


def everything(**options):
    """Four inputs of six columns, products, all states, ties and a frozen edge."""
    model = KAN([6, [3, 2], [2, 1], 2], **{"mult_arity": [[], [2, 3], [2], []], "noise_scale": 2.0, **options})
    model = model.prune_input(active=[0, 1, 3, 5], data=uniform(50, 6, dtype=model.dtype))
    return furnished(model)


def symbolic(width, name="x", **options):
    """A network of edges c·f(x), each with another c."""
    model = KAN(width, **options)
    for n, (layer, source, target) in enumerate(model.edge_refs()):
        model.layer(layer).set_symbol(source, target, name, (1.0, 0.0, 1.0 + 0.1 * n, 0.05 * n))
        model.layer(layer).spline_on[target, source] = False
    return model


#: A builder of each kind of network, by name.
ZOO = {"plain": plain, "products": products, "states": states, "tied": tied, "everything": everything}


def slow_forward(model, x):
    """A network's output from its definition: one edge, one node at a time."""
    nodes = list(x[:, model.columns].unbind(1))
    for index in range(model.depth):
        layer = model.layer(index)
        subnodes = []
        for target in range(layer.out_dim):
            total = torch.zeros(len(x), dtype=x.dtype)
            for source in range(layer.in_dim):
                total = total + model.curve((index, source, target), nodes[source]).y
            subnodes.append(total)
        nodes = []
        for node in range(model.nodes_in(index + 1)):
            value = torch.ones(len(x), dtype=x.dtype)
            for subnode in model.subnodes_of(index + 1, node):
                value = value * subnodes[subnode]
            nodes.append(value)
    return torch.stack(nodes, dim=1)


def formula_values(model, x):
    """The values of a network's formulas, `(batch, outputs)`."""
    expressions, variables = model.symbolic_formula()
    columns = [to_numpy(expression, variables, model)(x.double().numpy()) for expression in expressions]
    return torch.stack([torch.from_numpy(np.broadcast_to(c, len(x)).astype(np.float64)) for c in columns], 1)


def snapshot(model):
    """Everything that a network is, as values that can be compared."""
    state = {
        name: value.clone() if isinstance(value, torch.Tensor) else repr(value)
        for name, value in model.state_dict().items()
    }
    plain_values = {name: repr(value) for name, value in vars(model).items() if not name.startswith("_")}
    return state, plain_values, [p.requires_grad for p in model.parameters()]


def assert_same(initial, model):
    """Assert that a network is bit for bit as in the snapshot: parameters, buffers, reference, symbols, ties, settings, history."""
    (state, values, trained), (now, values_now, trained_now) = initial, snapshot(model)
    assert state.keys() == now.keys()
    for name, value in state.items():
        if isinstance(value, torch.Tensor):
            assert value.dtype == now[name].dtype, name
            assert torch.equal(value.nan_to_num(7e77), now[name].nan_to_num(7e77)), name
        else:
            assert value == now[name], name
    assert values == values_now
    assert trained == trained_now


@contextmanager
def unchanged(model) -> Iterator[None]:
    """A block in which a network must not change."""
    initial = snapshot(model)
    yield
    assert_same(initial, model)


def finite(model):
    """Whether all parameters are finite."""
    return all(bool(torch.isfinite(p).all()) for p in model.parameters())
