"""`fit_formula` for classes and for several outputs."""

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.symbolic import refit
from kanwidget.symbolic.formulas.regression.classes import ClassProblem

A, B = sympy.symbols("a b")


def rows(count=600, seed=0):
    return 2 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 1


def drawn(scores, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.multinomial(torch.softmax(scores, 1), 1, generator=generator)[:, 0]


def trained(data, width, names):
    model = KAN(width)
    model.fit(data, steps=30, progress=False)
    for source, name in enumerate(names):
        for target in range(width[-1]):
            model.fix_symbolic(0, source, target, name)
    model.fit(data, steps=30, progress=False)
    return model


@pytest.mark.slow
def test_a_score_may_level_off():
    """tanh in a score: it is tried as a growth, too, and several scores are a tuple without the methods of an expression."""
    x = rows()
    labels = drawn(torch.stack([torch.zeros(600), 4 * torch.tanh(3 * x[:, 0]) - x[:, 1]], 1))
    data = Dataset(x, labels, in_vars=["a", "b"])
    found = trained(data, [2, 2], ["tanh", "x"]).fit_formula(data)
    (rate,) = {node.args[0].coeff(A) for node in found.expression.atoms(sympy.tanh)} or {0}
    assert abs(float(rate)) == pytest.approx(3, abs=1)


def test_two_classes_have_one_score_with_errors_in_words():
    x = rows()
    score = 6.9 * x[:, 0] ** 2 - 1.77 * x[:, 1] - 0.83
    labels = drawn(torch.stack([torch.zeros(600), score], 1))
    data = Dataset(x, labels, in_vars=["a", "b"], out_vars=["setosa", "versicolor"])
    found = trained(data, [2, 2], ["x^2", "x"]).fit_formula(data)
    first, second, third = repr(found).splitlines()
    assert first.startswith("score of versicolor = ")
    assert second.count("±") == len(found.constants) >= 2
    assert third == (
        "the decision is versicolor where the score is above 0, else setosa; the probability of versicolor is "
        "1/(1 + exp(-score)), so the score is the logarithm of its odds"
    )
    true = {6.9: A**2, -1.77: B}
    for value, term in true.items():
        constant = found.expression.coeff(term)
        assert abs(float(constant) - value) < 3 * found.constants.get(constant, (0, 0.3))[1]


def test_scores_are_those_of_logistic_regression():
    """Against the equations of the maximum: with an intercept, Σ(y - p)·x = 0, and the information is XᵀWX."""
    x = rows(300)
    labels = drawn(torch.stack([torch.zeros(300), 1.7 * x[:, 0] + 0.4], 1))
    fit = ClassProblem([A, B], x, labels).fit(sympy.Tuple(1.3 * A + 0.2))
    design = torch.stack([x[:, 0], torch.ones(300)], 1).double()
    slope, intercept = (float(fit.expression[0].coeff(A)), float(fit.expression[0].subs(A, 0)))
    p = torch.sigmoid(slope * x[:, 0] + intercept)
    assert (design.T @ (labels - p)).abs().max() < 1e-6
    covariance = torch.linalg.inv(design.T @ ((p * (1 - p))[:, None] * design))
    errors = dict(fit.table.values())
    assert errors[slope] == pytest.approx(float(covariance[0, 0].sqrt()), rel=1e-6)
    assert errors[intercept] == pytest.approx(float(covariance[1, 1].sqrt()), rel=1e-6)


@pytest.mark.slow
def test_three_classes_have_a_score_each_against_the_first():
    x = rows()
    labels = drawn(torch.stack([torch.zeros(600), 6.9 * x[:, 0] ** 2 - 0.8, 3 * x[:, 1]], 1))
    data = Dataset(x, labels, in_vars=["a", "b"])
    found = trained(data, [2, 3], ["x^2", "x"]).fit_formula(data)
    lines = repr(found).splitlines()
    assert [formula.name for formula in found] == ["score of class 1", "score of class 2"]
    assert lines[-1].startswith(
        "scores against class 0, whose score is 0; the decision is the class with the largest score"
    )
    assert sum(line.startswith("scores against") for line in lines) == 1
    assert "a" not in str(found[1].expression)


def test_separated_classes_have_no_errors_and_it_says_why():
    x = rows(200)
    data = Dataset(x, (x[:, 0] > 0.1).long())
    found = trained(data, [2, 2], ["x", "x"]).fit_formula(data)
    assert found.constants == {}
    assert "no row is in doubt, so the constants have no errors" in repr(found)
    assert "±" not in repr(found)
    assert "not determined" not in repr(found)


def test_several_outputs_have_a_formula_each():
    x = rows(100)
    data = Dataset(x, torch.stack([2.34 * x[:, 0], x[:, 1]], 1), in_vars=["a", "b"], out_vars=["u", "v"])
    model = KAN.from_formula([2.3 * A, B], variables=[A, B])
    found = model.fit_formula(data)
    assert [formula.name for formula in found] == ["u", "v"]
    _, constants = refit(2.3 * A, [A, B], x, data.train_label[:, 0])
    assert list(found[0].constants) == pytest.approx(list(map(float, constants)))
    assert repr(found).splitlines()[-1] == "v = b"


def test_the_formula_of_a_classifier_is_a_list_of_scores():
    scores = KAN.from_formula([A, B], variables=[A, B]).formula(["p", "q"])
    assert [str(score) for score in scores] == ["p", "q"]


def test_more_classes_than_outputs_are_refused():
    with pytest.raises(ValueError, match="`data` argument of fit_formula must be data with at least two and at most 2"):
        KAN([1, 2]).fit_formula(([[0.0], [1.0], [2.0]], torch.tensor([0, 1, 2])))


def test_a_row_of_weight_two_counts_as_two_rows():
    x = rows(200)
    labels = drawn(torch.stack([torch.zeros(200), 1.5 * x[:, 0] - 0.4], 1))
    twice = torch.arange(200) < 100
    score = sympy.Tuple(2.0 * A + 0.1)
    weighted = ClassProblem([A, B], x, labels, weights=torch.where(twice, 2.0, 1.0).double().sqrt()).fit(score)
    repeated = ClassProblem([A, B], torch.cat([x, x[twice]]), torch.cat([labels, labels[twice]])).fit(score)
    assert weighted.deviance == pytest.approx(repeated.deviance)
    for fit, other in zip(weighted.table.values(), repeated.table.values(), strict=True):
        assert fit == pytest.approx(other, rel=1e-6)


@pytest.mark.slow
def test_trials_with_values_beyond_all_bounds_are_passed_over():
    """While scores are written more simply, exponents of these rows reach 1e200."""
    draws = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(200, 2, generator=draws, dtype=torch.float64) - 1
    scores = torch.stack([0 * x[:, 0], 4 * torch.tanh(3 * x[:, 0]) - x[:, 1], 2 * x[:, 1]], 1)
    label = torch.multinomial(scores.softmax(1), 1, generator=draws)[:, 0]
    model = KAN([2, 3], seed=0)
    model.fit((x, label), steps=10, progress=False)
    for target in range(3):
        model.fix_symbolic(0, 0, target, "tanh", data=x)
        model.fix_symbolic(0, 1, target, "x", data=x)
    model.fit((x, label), steps=10, progress=False)
    formulas = model.fit_formula((x, label))
    assert len(formulas) == 2
    assert all(formula.expression.free_symbols for formula in formulas)
