"""The benchmark of knots: splits, rounding, the loss for rounding, the formula, and the rows of the search for relations."""

import json
import math

import numpy as np
import pytest
import torch
from scipy.stats import logistic
from torch.autograd import gradcheck

from tools.benchmarks.knots import relations
from tools.benchmarks.knots.__main__ import table
from tools.benchmarks.knots.data import (
    INPUTS,
    TRAIN,
    VALIDATION,
    Rows,
    accuracy,
    classes,
    even,
    numbers,
    rounded,
    rounding_loss,
    sample,
    split,
)
from tools.benchmarks.knots.methods import METHODS, human, majority, product_of_lines
from tools.benchmarks.paper.store import FOLDER

NOISE = 0.24


def test_a_split_shares_no_row_and_loses_none():
    data = split(1)
    parts = (data.train, data.validation, data.test)
    volumes = [set(part.columns["volume"].tolist()) for part in parts]
    assert [len(part.signature) for part in parts] == [TRAIN, VALIDATION, 2000]
    together = torch.cat([part.signature for part in parts]).sort().values
    assert torch.equal(together, sample().signature.sort().values)
    # Mutant knots have the same volume, so a few are in two parts.
    assert len(volumes[0] & volumes[2]) < 0.35 * len(volumes[2])
    assert len(data.all_but_test().signature) == TRAIN + VALIDATION
    assert not torch.equal(split(2).test.signature, data.test.signature)


def test_classes_and_their_numbers_belong_together():
    rows = split(0).test
    assert torch.equal(classes()[numbers(rows)], rows.signature)


def test_even_rounds_to_the_nearest_even_integer():
    assert even(torch.tensor([0.9, 1.1, -2.9, -3.1, 4.0])).tolist() == [0, 2, -2, -4, 4]


def test_the_loss_is_the_probability_of_rounding_to_the_label():
    outputs, labels = torch.linspace(0, 4, 41).double(), torch.full((41,), 2.0).double()
    upper, lower = (labels + 1 - outputs).numpy(), (labels - 1 - outputs).numpy()
    expected = -np.log(logistic.cdf(upper, scale=NOISE) - logistic.cdf(lower, scale=NOISE)).mean()
    assert float(rounding_loss(outputs, labels)) == pytest.approx(expected, rel=1e-9)


def test_the_loss_stays_finite_and_its_derivative_right_far_from_the_label():
    outputs = torch.tensor([40.0, -40.0, 0.3], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([-8.0, 8.0, 0.0], dtype=torch.float64)
    assert math.isfinite(rounding_loss(outputs, labels).item())
    assert gradcheck(lambda values: rounding_loss(values, labels), (outputs,))


def test_rounding_finds_scale_and_shift():
    data = split(0)
    signatures = rounded(lambda rows: 7 * rows.signature + 0.3, data)
    assert accuracy(signatures(data.test), data.test) == 1


def test_the_majority_and_the_human_formula():
    data = split(0)
    signatures, _ = majority(data)
    assert set(signatures(data.test).tolist()) == {0.0}
    signatures, _ = human(data)
    assert 0.83 < accuracy(signatures(data.test), data.test) < 0.88


def test_a_product_of_lines_is_found():
    generator = torch.Generator().manual_seed(0)
    x, z = torch.rand(2, 400, generator=generator, dtype=torch.float64) * 4
    rows = Rows({"x": x, "z": z}, even((2 * x - 3) * (z + 1)))
    loss, pair, model = product_of_lines(rows, ("x", "z"))
    assert pair == ("x", "z")
    assert loss < 0.2
    assert accuracy(even(model.predict(rows.inputs(pair))[:, 0]), rows) > 0.95


def test_false_rows_have_the_true_values_of_each_column():
    data = relations.contrast(relations.COLUMNS, rows=200)
    real, false = data.train_input[:200], data.train_input[200:]
    assert torch.allclose(real.sort(0).values, false.sort(0).values)
    assert not torch.allclose(real, false)
    # The logarithm of the cusp's volume is a sum in the real rows; shuffled columns are not correlated.
    assert data.train_label.flatten().tolist() == [1.0] * 200 + [0.0] * 200
    assert abs(float(torch.corrcoef(real.T)[4, 7])) > 0.8 > abs(float(torch.corrcoef(false.T)[4, 7])) + 0.5


def test_a_relation_between_two_columns_is_found():
    counts = relations.count_relations(("longitude", "meridian_imag", "cusp_volume"), 1e-3, seeds=4)
    assert sum(counts.values()) == 4
    assert max(counts, key=counts.get) == "longitude, meridian_imag, cusp_volume"


def test_the_results_hold_all_methods_with_five_seeds():
    jobs = json.loads((FOLDER / "knots.json").read_text())["jobs"]
    rows = table(jobs)
    assert [name for name, *_ in rows] == list(METHODS)
    assert all(seeds == 5 for _, seeds, *_ in rows)
    rest = {name: mean for name, _, _, _, mean in rows}
    assert rest["majority"] < rest["human formula"] < rest["formula"]
    assert len(INPUTS) == 6
