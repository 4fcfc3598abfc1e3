"""Networks and samples for the tests of this folder."""

import math

import torch

from kanwidget.core import Network
from kanwidget.core.arguments import normalize_arities, normalize_width
from kanwidget.core.starts import initial_layers


def make_network(width, mult_arity=2, grid=4, k=3, seed=0, noise=1.0, **options) -> Network:
    pairs = normalize_width(width)
    arities = normalize_arities(mult_arity, pairs)
    generator = torch.Generator().manual_seed(seed)
    layers = []
    for level in range(len(pairs) - 1):  # one by one: all have the range of inputs
        ends = slice(level, level + 2)
        layers += initial_layers(pairs[ends], arities[ends], [grid], k, noise_scale=noise, generator=generator)
    return Network(pairs, arities, layers, **options)


def samples(n=400, features=2, seed=0, low=-1.0, high=1.0):
    generator = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(n, features, generator=generator, dtype=torch.float64)


def snapshot(network: Network):
    """Everything that a query might change."""
    state = {name: value.clone() for name, value in network.state_dict().items() if isinstance(value, torch.Tensor)}
    layers = [network.layer(i) for i in range(network.depth)]
    return state, [dict(layer.symbols) for layer in layers], [list(layer.ties) for layer in layers]


def same(before, after) -> bool:
    return before[1:] == after[1:] and all(torch.equal(before[0][name], after[0][name]) for name in before[0])


def draw(row, seed: int, n: int = 500):
    """Samples of c·f(a·x + b) + d with random constants for which f has a shape of its own, and the constants."""
    generator = torch.Generator().manual_seed(seed)

    def between(low, high):
        return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))

    low, high = [(-1.0, 1.0), (0.0, 1.0), (-3.0, 5.0), (10.0, 12.0)][seed % 4]
    x = low + (high - low) * torch.rand(n, generator=generator, dtype=torch.float64)
    middle, half = (low + high) / 2, (high - low) / 2
    start, end = row.intervals[seed % len(row.intervals)]
    sign = 1.0 if between(0, 1) < 0.5 else -1.0
    b = 0.0
    if not row.free[0]:
        a = sign if row.mirrored else 1.0
        if row.free[1]:
            inside = 0.8 if row.name in ("abs", "sgn", "cbrt") else 1.5
            real = math.isinf(start) and math.isinf(end)
            place = (
                between(-inside, inside) if real else (1 + 10 ** between(-1.5, 0.5)) * (1 if math.isinf(end) else -1)
            )
            b = half * place - a * middle
    elif not row.free[1]:
        a = sign * 10 ** between(-0.3, 0.8) / half
        a = a if abs(a * middle) < 5 else a / abs(a * middle)
    elif math.isfinite(start):
        left, right = between(0.03, 0.4), between(0.6, 0.97)
        u = [start + (end - start) * place for place in (left, right)]
        a = sign * (u[1] - u[0]) / 2 / half
        b = (u[0] + u[1]) / 2 - a * middle
    else:
        waves = row.name in ("sin", "cos", "J0")
        a = sign * (between(1.6, 25) if waves else 10 ** between(0.15, 0.8)) / half
        b = -a * (middle + half * between(-0.6, 0.6))
    c = sign * 10 ** between(-4, 2)
    d = between(-5, 5) * abs(c)
    return x, c * row.fn(a * x + b) + d, (a, b, c, d)
