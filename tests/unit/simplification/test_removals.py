"""What says nothing goes: columns, edges, and functions that are constant over the rows."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification import simplify_steps
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.removals import without_constants, without_needless_inputs

F64 = torch.float64


def table(rows=300):
    g = torch.Generator().manual_seed(0)
    x = 1 + torch.rand(rows, 8, generator=g, dtype=F64)
    y = 3 * x[:, [0]] * x[:, [1]] / x[:, [2]] + x[:, [3]].sqrt()
    return Dataset.from_arrays(x, y + 0.02 * torch.randn(rows, 1, generator=g, dtype=F64), test_fraction=0.2)


def reads(network):
    return {int(network.columns[ref.source]) for ref in network.edge_refs(active=True) if ref.layer == 0}


def test_columns_that_say_nothing_are_not_read():
    data = table()
    model = KAN([8, 3, 1], seed=0)
    model.fit(data, steps=20, lamb=1e-3, progress=False)
    assert reads(model) == set(range(8))
    assert reads(without_needless_inputs(model, held_out(model, data, "test"))) == {0, 1, 2, 3}


def test_a_step_outside_of_the_data_is_a_constant():
    data = table()
    model = KAN([8, 1], seed=0)
    model.fit(data, steps=5, progress=False)
    model.fix_symbolic(0, 4, 0, "sgn", params=(1.0, 5.4e59, 2.0, 0.0))
    before = model(data.test_input)
    small = without_constants(model, held_out(model, data, "test"))
    assert reads(small) == set(range(8)) - {4}
    torch.testing.assert_close(small(data.test_input), before)


@pytest.mark.slow
def test_a_large_network_loses_its_columns_first_and_ends_in_the_law():
    steps = list(simplify_steps(KAN([8, [6, 1], 1], seed=0), table(200), steps=8))
    texts = [step.text for step in steps]
    assert all(text != former for text, former in zip(texts[1:], texts, strict=False))
    columns = next(step for step in steps if "which say nothing" in step.text)
    assert {"x_5", "x_6", "x_7", "x_8"} <= set(columns.text.split("Without ")[1].split(", which")[0].split(", "))
    law = sorted(step.text for step in steps if step.kind == "law")
    assert law
    assert reads(steps[-1].network) == {0, 1, 2, 3}
    assert steps[-1].error == pytest.approx(0.02, rel=0.3)
