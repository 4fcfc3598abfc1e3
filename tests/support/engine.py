"""Tables and random trees for tests of the discovery engine."""

import torch
from hypothesis import strategies as st

from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import OPERATIONS

EVERYTHING = frozenset(OPERATIONS)
BINARY = ["add", "sub", "mul", "div"]
UNARY = [head for head in OPERATIONS if head not in (*BINARY, "pow")]
X, Y, Z = ("x", 0), ("x", 1), ("x", 2)
ONE = ("n", 1)


def arity(head):
    """How many operands an operation has."""
    return 2 if head in (*BINARY, "pow") else 1


def random_trees(leaves=7):
    """Trees of all operations, of two columns, constants and numbers; powers of positive bases."""
    return st.recursive(
        st.sampled_from([X, Y, ("n", 2), ("c", 0.7), ("c", 1.3)]),
        lambda parts: st.one_of(
            st.tuples(st.sampled_from(UNARY), parts),
            st.tuples(st.sampled_from(BINARY), parts, parts),
            st.tuples(st.just("pow"), st.sampled_from([X, ("exp", ("c", 0.3))]), parts),
        ),
        max_leaves=leaves,
    )


def uniform(rows, *ranges, seed=0):
    """Columns drawn evenly from ranges, `(rows, columns)`."""
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(ranges, dtype=torch.float64).T
    return low + (high - low) * torch.rand(rows, len(ranges), generator=generator, dtype=torch.float64)


def table_of(law, *ranges, rows=100, weights=None, noise=0.0, operations=EVERYTHING, seed=0):
    """The table of a law, a function of the columns."""
    x = uniform(rows, *ranges, seed=seed)
    y = law(*x.T)
    if noise:
        generator = torch.Generator().manual_seed(seed + 1)
        y = y + noise * y.std() * torch.randn(rows, generator=generator, dtype=torch.float64)
    return EngineTable(x, y, weights, operations)


AWKWARD = ["constant", "duplicate", "few rows", "no weight", "zeros", "all negative", "one column", "zero", "tiny"]


def awkward_table(kind, law):
    """A table of a law of three columns in which something is odd."""
    x = uniform(9 if kind == "few rows" else 300, *[(0.5, 3.0)] * 3)
    y = law(*x.T)
    weights = None
    if kind == "constant":
        x[:, 0] = 2.0
    elif kind == "duplicate":
        x = torch.cat([x, x[:, :1]], 1)
    elif kind == "no weight":
        weights = (torch.arange(len(y)) % 2).double()
        y = torch.where(weights > 0, y, 1e9)
    elif kind == "zeros":
        x[::3, 0] = 0.0
    elif kind == "all negative":
        x = -x
    elif kind == "one column":
        x = x[:, :1]
    elif kind == "zero":
        y = torch.zeros_like(y)
    elif kind == "tiny":
        y = 1e-300 * y
    return EngineTable(x, y, weights, EVERYTHING)


def run(steps):
    """Do all steps; returns what they say."""
    return list(steps)
