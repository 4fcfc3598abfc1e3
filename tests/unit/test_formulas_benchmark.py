import math

import numpy as np
import pytest
import sympy
import torch

from tools.benchmarks._formula_ways import deviation, half_circles, mass
from tools.benchmarks.formulas import TASKS
from tools.benchmarks.paper.store import Store


def test_the_stored_results_are_those_of_the_tasks():
    jobs = Store("formulas").jobs()
    assert jobs.keys() == TASKS.keys()
    for name, task in TASKS.items():
        stored = jobs[name]
        assert (stored["task"], stored["notebook"], stored["published"]) == (task.name, task.notebook, task.published)
        assert (stored["published_formula"], stored["person"]) == (task.published_formula, task.person)
        assert 0 <= stored["exact"] <= stored["starts"]


def test_deviation_of_an_exact_and_of_another_expression():
    m_0, v, c = sympy.symbols("m_0 v c")
    points = torch.tensor([[1.0, 0.3, 1.0], [2.0, 0.5, 1.5], [0.5, 0.1, 1.2]], dtype=torch.float64)
    assert max(deviation([m_0, v, c], m_0 / sympy.sqrt(1 - v**2 / c**2), points, mass(points))) < 1e-15
    error, worst = deviation([m_0, v, c], m_0 + 0.5, points, points[:, :1])
    assert error == pytest.approx(0.5)
    assert worst == pytest.approx(0.5 / float(points[:, 0].std()))


def test_an_expression_that_is_no_number_somewhere_is_not_exact():
    (x,) = sympy.symbols("x,")
    points = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    assert deviation([x], sympy.sqrt(x), points, points)[1] == math.inf


def test_half_circles_lie_on_two_circles():
    points, circle = half_circles(400, np.random.default_rng(0))
    centers = np.array([[0.0, 0.0], [1.0, 0.5]])[circle.astype(int)]
    assert np.abs(np.linalg.norm(points - centers, axis=1) - 1).mean() < 0.1
