"""Cases of the benchmark: their draws, their noise, and their columns without effect."""

import pytest
import torch

from tools.benchmarks.discovery.suites import SUITES, Case, cases

LOG = next(case for case in cases("development") if case.log and len(case.equation.variables) > 1)


def test_the_suites_have_their_cases():
    counts = {suite: len(cases(suite)) for suite in SUITES}
    assert counts == {"dimensionless": 27, "feynman": 120, "nguyen": 12, "development": 55, "unseen": 55}
    names = [(case.suite, case.name) for suite in SUITES for case in cases(suite)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", cases("nguyen"), ids=lambda case: case.name)
def test_formulas_of_nguyen_have_values(case):
    data = case.rows(50, test=0)
    assert data.train_label.std() > 0
    assert data.in_vars == case.equation.variables


def test_formulas_of_nguyen_are_the_published_ones():
    x = torch.tensor([[0.5, 0.25]], dtype=torch.float64)
    values = [float(case.equation(x[:, : len(case.equation.variables)])) for case in cases("nguyen")]
    published = [0.875, 0.9375, 0.96875, 0.984375, -0.782883, 1.161064, 0.628609, 0.707107, 0.541885, 0.929043]
    assert values == pytest.approx([*published, 0.840896, -0.28125], abs=1e-6)


@pytest.mark.parametrize("case", [LOG, cases("feynman")[8]], ids=["decades", "uniform"])
def test_noise_and_dummies_leave_the_rows_as_they_are(case):
    clean, noisy = case.rows(4000, test=10), case.rows(4000, test=10, noise=0.01, dummies=2)
    columns = len(case.equation.variables)
    assert torch.equal(noisy.train_input[:, :columns], clean.train_input)
    assert torch.equal(noisy.test_label, clean.test_label)
    assert noisy.in_vars == (*case.equation.variables, "dummy_1", "dummy_2")
    share = (noisy.train_label - clean.train_label).std() / clean.train_label.std()
    assert share == pytest.approx(0.01, rel=0.05)
    assert not torch.equal(case.rows(10, seed=1).train_input, case.rows(10, seed=2).train_input)


@pytest.mark.parametrize("case", [LOG, cases("feynman")[8]], ids=["decades", "uniform"])
def test_noise_says_nothing_about_the_columns(case):
    noise = (case.rows(4000, test=0, noise=1.0).train_label - case.rows(4000, test=0).train_label)[:, 0]
    for column in case.rows(4000, test=0).train_input.T:
        ranks = column.argsort().argsort().double() / len(column)
        for curve in (ranks, (2 * torch.pi * ranks).cos(), (2 * torch.pi * ranks).sin()):
            assert abs(float(torch.corrcoef(torch.stack([curve, noise]))[0, 1])) < 0.06


def test_columns_and_dummies_are_drawn_over_the_decades_where_the_case_says_so():
    name = LOG.log[0]
    index = LOG.equation.variables.index(name)
    low, high = LOG.equation.ranges[index]
    columns = len(LOG.equation.variables)
    x = LOG.rows(4000, test=0, dummies=columns).train_input
    for column in (x[:, index], x[:, columns + index]):
        assert low <= column.min() < column.max() <= high
        assert float(column.log().mean()) == pytest.approx(torch.tensor([low, high]).log().mean().item(), rel=0.1)


def test_labels_are_the_values_of_the_equation():
    for case in (LOG, cases("dimensionless")[0]):
        data = case.rows(20, test=20)
        assert torch.equal(data.train_label[:, 0], case.equation(data.train_input))
        assert torch.equal(data.test_label[:, 0], case.equation(data.test_input))


def test_a_case_of_ones_own():
    case = Case("own", cases("nguyen")[0].equation)
    assert case.name == "Nguyen-1"
    assert case.rows(5, test=0).train_input.shape == (5, 1)
