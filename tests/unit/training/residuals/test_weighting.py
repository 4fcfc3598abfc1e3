"""Weights of residuals, points that follow them, and the grids between."""

import pytest
import torch

from kanwidget import KAN
from kanwidget.surgery import update_grid
from kanwidget.training.residuals.arguments import prepare
from kanwidget.training.residuals.objective import ResidualObjective
from kanwidget.training.residuals.weighting import balance, resample
from tests.support.networks import F64, plain, uniform
from tests.unit.training.residuals.residual_samples import AT, SINE, X, one


def objective_of(model, functions, points, unknowns=None):
    problem = prepare(model, functions, points, None, unknowns, None)
    return ResidualObjective(model, problem.terms, problem.unknowns)


def test_balanced_weights_give_every_residual_the_same_trace():
    objective = objective_of(
        plain(k=5), {"a": lambda u: u.laplacian, "b": lambda u: u.value}, dict.fromkeys("ab", uniform(9, 2))
    )
    terms = balance(objective)
    parameters, value = objective.parameter_vector(), objective.value()
    traces = [
        term.weight * objective.row_square(term, jet, parameters) for term, jet in zip(terms, value.jets, strict=True)
    ]
    assert traces[0] == pytest.approx(traces[1])
    assert min(term.weight for term in terms) == 1.0


def test_points_are_drawn_where_the_residual_is_large():
    objective = objective_of(plain(), {"a": lambda u: 1e3 * (u.x[:, [0]] > 0.9) + 0 * u.value}, {"a": uniform(200, 2)})
    candidate_points = uniform(2000, 2, seed=5)
    drawn, _ = resample(objective, objective.terms[0], candidate_points, None, torch.Generator().manual_seed(0))
    assert drawn.x.shape == (200, 2)
    assert len(torch.unique(drawn.x, dim=0)) == 200
    among = float((candidate_points[:, 0] > 0.9).double().mean())
    assert float((drawn.x[:, 0] > 0.9).double().mean()) > 3 * among


def test_points_stay_where_a_residual_was_large():
    place = {"left": True}
    objective = objective_of(
        plain(),
        {"a": lambda u: 1e3 * ((u.x[:, [0]] < 0) == place["left"]) + 0 * u.value},
        {"a": uniform(200, 2)},
    )
    term, candidate_points, generator = objective.terms[0], uniform(2000, 2, seed=5), torch.Generator().manual_seed(0)
    _, memory = resample(objective, term, candidate_points, None, generator)
    place["left"] = False

    def on_the_left(memory):
        return float((resample(objective, term, candidate_points, memory, generator)[0].x[:, 0] < 0).double().mean())

    # Of densities 1 : 3 without a memory, and of 1 + 0.9/0.95 : 1 + 1/0.95 with it.
    assert on_the_left(None) < 0.35
    assert on_the_left(memory) > 0.4


def test_points_that_follow_the_residual():
    model = one()
    candidate_points = torch.linspace(0, 3, 301, dtype=F64)[:, None]
    history = model.fit_residual(
        SINE, AT, candidate_points={"equation": candidate_points}, resample_every=5, steps=20, progress=False
    )
    assert [event.step for event in history.events if event.kind == "points"] == [5, 10, 15]
    assert float((model.predict(X) - torch.sin(X)).abs().max()) < 1e-2


def test_grids_are_moved_while_the_first_is_trained_and_no_more():
    def stretch(model, record):
        if record.step in (9, 21):
            update_grid(model, X, margin=1.0)

    model = KAN([1, 2, 1], grid=3, k=5, grid_range=(0, 3))
    history = model.fit_residual(SINE, AT, steps=15, grid_schedule=(6,), callbacks=[stretch], progress=False)
    assert [event.step for event in history.events if event.kind == "grid"] == [10]
    assert any(event.kind == "refine" for event in history.events)
    assert len(history) > 25


def forget(model):
    """Back to coefficients that have learnt nothing, on the same grids."""
    with torch.no_grad():
        for index in range(model.depth):
            model.layer(index).coef.mul_(0.5)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda model: update_grid(model, X, margin=0.3), False),
        (lambda model: update_grid(model, X, margin=2.0), True),
        (lambda model: (update_grid(model, X, margin=0.3), forget(model)), True),
    ],
    ids=["a good part is filled", "little is filled", "it solves nothing"],
)
def test_grids_of_a_network_that_solves_the_problem_stay(change, moved):
    """Moved knots keep second derivatives badly: what has been learnt before would be lost."""
    model = KAN([1, 2, 1], grid=5, k=5, grid_range=(0, 3))
    model.fit_residual(SINE, AT, steps=25, progress=False)
    change(model)
    history = model.fit_residual(SINE, AT, steps=12, progress=False)
    assert any(event.kind == "grid" for event in history.events) == moved
