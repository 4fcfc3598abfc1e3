"""The penalty against a loop over edges, its gradient, and its curvature in Levenberg-Marquardt."""

import itertools
import math

import pytest
import torch

from kanwidget import KAN
from kanwidget.training.jacobian.parameter_vector import ParameterVector, network_parameters
from kanwidget.training.objective.gauss_newton import add_curvature
from kanwidget.training.objective.penalty import METRICS, Penalty
from kanwidget.training.objective.standard_deviations import Deviations, deviation
from tests.support.networks import F64, ZOO, everything, plain, states, tied, uniform
from tests.support.stacks import gradients, importance, objective, penalty_derivatives, penalty_of, read, write

each = pytest.mark.parametrize("kind", ZOO)
each_metric = pytest.mark.parametrize("metric", METRICS)
FULL = {"l1": 0.7, "entropy": 1.3, "coef": 0.2, "coefdiff": 0.3}


def std(values):
    """Of a list of numbers, with n - 1."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))


def slow_importance(model, x, metric):
    """V of every layer as lists of lists, `[target][source]`, or of every level as lists for the nodes."""
    with torch.no_grad():
        trace = model.trace(x)
    tables = []
    for index in range(model.depth):
        edges = trace.edges[index] if metric == "edge_forward_sum" else trace.splines[index]
        table = []
        for target in range(edges.shape[1]):
            row = []
            for source in range(edges.shape[2]):
                value = std(edges[:, target, source].tolist())
                if metric != "edge_forward_spline_u":
                    value /= std(trace.nodes[index][:, source].tolist()) + 0.1
                row.append(value)
            table.append(row)
        tables.append(table)
    return tables if metric.startswith("edge_forward") else slow_backward(model, trace, metric)


def slow_backward(model, trace, metric):
    """Scores from the outputs down, summed over them."""
    nodes = [[0.0] * model.nodes_in(level) for level in range(model.depth)] + [[1.0] * model.n_out]
    tables = [[[0.0] * model.nodes_in(i) for _ in range(model.layer(i).out_dim)] for i in range(model.depth)]
    for index in reversed(range(model.depth)):
        for target in range(model.layer(index).out_dim):
            above = nodes[index + 1][model.node_of(index + 1, target)]
            whole = std(trace.subnodes[index][:, target].tolist()) + 1e-4
            for source in range(model.nodes_in(index)):
                part = std(trace.edges[index][:, target, source].tolist()) / whole * above
                tables[index][target][source] = part
                nodes[index][source] += part
    return tables if metric == "edge_backward" else nodes


def entropy(values):
    total = sum(values) + 1
    return -sum(v / total * math.log2(v / total + 1e-4) for v in values)


def slow_penalty(model, x, penalty):
    """R by the formulas of the papers, in plain Python."""
    result = 0.0
    for table in slow_importance(model, x, penalty.metric):
        if isinstance(table[0], float):
            result += penalty.l1 * sum(table) + penalty.entropy * entropy(table)
            continue
        rows, columns = table, list(zip(*table, strict=True))
        mean_row = sum(map(entropy, rows)) / len(rows)
        mean_column = sum(map(entropy, columns)) / len(columns)
        result += penalty.l1 * sum(map(sum, rows)) + penalty.entropy * (mean_row + mean_column)
    for index in range(model.depth):
        layer = model.layer(index)
        owner = layer.tie_index().tolist()
        for flat in range(layer.out_dim * layer.in_dim):
            if layer.spline_on.flatten()[flat]:
                c = layer.coef.detach().flatten(0, 1)[owner[flat]].tolist()
                result += penalty.coef * sum(map(abs, c)) / len(c)
                steps = [abs(b - a) for a, b in itertools.pairwise(c)]
                result += penalty.coefdiff * sum(steps) / len(steps)
    return result


def objective_of(model, metric="edge_forward_spline_n", lamb=1.0, rows=12, **terms):
    x = uniform(rows, model.n_features, seed=6)
    y = uniform(rows, model.n_out, seed=7)
    return objective(model, x, y, penalty=Penalty(lamb, metric=metric, **terms))


@each
@each_metric
def test_values_equal_a_loop_over_the_edges(kind, metric):
    model = ZOO[kind]()
    penalty, x = Penalty(1.0, metric=metric, **FULL), uniform(12, model.n_features, seed=6)
    with torch.no_grad():
        found = float(penalty_of(penalty, model, x))
    assert found == pytest.approx(slow_penalty(model, x, penalty), rel=1e-12)


@pytest.mark.parametrize("term", ["l1", "entropy", "coef", "coefdiff"])
def test_every_term_by_itself(term):
    model, none = states(), dict.fromkeys(FULL, 0.0)
    penalty, x = Penalty(1.0, **(none | {term: 1.0})), uniform(12, 2)
    with torch.no_grad():
        found = float(penalty_of(penalty, model, x))
    assert found == pytest.approx(slow_penalty(model, x, penalty), rel=1e-12)
    assert found != 0


@each_metric
@pytest.mark.parametrize("kind", ["states", "tied", "everything"])
def test_gradients_equal_finite_differences(kind, metric):
    model = ZOO[kind](grid=2, k=2)
    target = objective_of(model, metric, **FULL)
    parameters = ParameterVector.of(model)
    exact, _ = penalty_derivatives(target, parameters)
    start, step = read(parameters, model), 1e-6
    for index in range(0, parameters.size, 5):
        moved = []
        for sign in (1, -1):
            vector = start.clone()
            vector[index] += sign * step
            write(parameters, model, vector)
            moved.append(float(target.value().penalty))
        write(parameters, model, start)
        assert float(exact[index]) == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-5, abs=1e-7)


@each_metric
def test_every_metric_has_a_gradient(metric):
    model = plain()
    parameters = ParameterVector.of(model)
    slopes, in_importance = penalty_derivatives(objective_of(model, metric), parameters)
    assert all(float(slopes[layer.numeric].abs().max()) > 0 for layer in parameters.layers)
    assert len(in_importance) == (3 if metric == "node_backward" else 2)


def test_gradients_where_lower_layers_are_frozen():
    model = plain()
    whole = ParameterVector.of(model)
    free, _ = penalty_derivatives(objective_of(model), whole)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith("layers.1."))
    parameters = ParameterVector.of(model)
    slopes, _ = penalty_derivatives(objective_of(model), parameters)
    assert len(slopes) == parameters.layers[1].numeric.numel()
    assert torch.equal(slopes, free[whole.layers[1].numeric.flatten()])


def test_the_deviation_of_constants_is_zero_with_a_zero_gradient():
    leaf = torch.full((1, 5, 2), 3.0, dtype=F64, requires_grad=True)
    found = deviation(leaf)
    assert found.tolist() == [[0.0, 0.0]]
    (slope,) = torch.autograd.grad(found.sum(), leaf)
    assert not slope.any()


@pytest.mark.parametrize("constant", [0.1, 3.0, -1e8, 1e-8])
def test_the_deviation_of_any_constant_is_exactly_zero(constant):
    assert deviation(torch.full((1, 7, 2), constant, dtype=F64)).tolist() == [[0.0, 0.0]]


@each
@pytest.mark.parametrize("rows", [2, 5, 40])
def test_deviations_of_first_edges_need_no_values(kind, rows):
    """Also with fewer rows than basis functions, and for an edge whose spline hardly moves."""
    model = ZOO[kind]()
    x = uniform(rows, model.n_features, seed=4)
    target = objective(model, x, uniform(rows, model.n_out))
    with torch.no_grad():
        model.layer(0).coef[0] = 1e-9 * model.layer(0).coef[0] + 5.0
        model.layer(0).base[0] *= 1e-9
        rooted = target.deviations(target.value().trace)
        plainly = Deviations(target.stack, target.value().trace)
    for kind_of in ("splines", "edges"):
        torch.testing.assert_close(rooted.of(kind_of)[0], plainly.of(kind_of)[0], rtol=1e-6, atol=1e-14)


def test_the_deviation_of_one_row_is_zero():
    assert deviation(torch.full((1, 1, 2), torch.inf)).tolist() == [[0.0, 0.0]]
    target = objective_of(plain(), rows=1)
    parameters, value = ParameterVector.of(target.stack.template), target.value(derivatives=True)
    matrix, gradient = (torch.zeros(1, *[parameters.size] * dims, dtype=F64) for dims in (2, 1))
    target.add_penalty(matrix, gradient, parameters, value)
    assert not gradient.any()
    assert not matrix.any()


def test_the_curvature_majorises_the_deviation():
    """wᵀMw/(2s₀) + s₀/2 ≥ √(wᵀMw), with equality, and the same slope, at w₀."""
    model = plain()
    target = objective_of(model, lamb=1.0, entropy=0.0)
    parameters, value = ParameterVector.of(model), target.value()
    matrix = torch.zeros(1, parameters.size, parameters.size, dtype=F64)
    deviations = target.deviations(value.trace)
    ones = [torch.ones_like(v) for v in METRICS[target.penalty.metric](model, deviations)]
    with torch.no_grad():
        add_curvature(matrix, target, parameters, value.trace, deviations, ones)
    # For V linear in s with no entropy the gradient is the curvature times the parameters themselves.
    last = parameters.layers[1].numeric.flatten()
    vector = read(parameters, model)
    summed = importance(target.penalty.metric, model, target.x[0])[1].sum()
    slopes = torch.autograd.grad(summed, network_parameters(model), allow_unused=True)
    exact = gradients(parameters, slopes)[last]
    torch.testing.assert_close((matrix[0] @ vector)[last], exact, rtol=1e-9, atol=1e-12)
    assert bool((torch.linalg.eigvalsh(matrix[0]) > -1e-10).all())


def test_the_curvature_has_no_false_directions_in_single_precision():
    """The basis functions' sum is constant: along it every block must be 0, also when it is divided by a small deviation."""
    model = plain(grid=5, k=3).to(torch.float32)
    with torch.no_grad():
        for n in range(2):
            model.layer(n).coef.mul_(1e-5)
            model.layer(n).base.mul_(1e-5)
    x, y = (uniform(300, count, seed=count).float() for count in (model.n_features, model.n_out))
    target = objective(model, x, y, penalty=Penalty(1.0, entropy=0.0))
    parameters, value = ParameterVector.of(model), target.value(derivatives=True)
    matrix = torch.zeros(1, parameters.size, parameters.size, dtype=F64)
    target.add_penalty(matrix, torch.zeros(1, parameters.size, dtype=F64), parameters, value)
    for layer in parameters.layers:
        block = matrix[0][layer.numeric[0, 0]][:, layer.numeric[0, 0]]
        constant = torch.ones(len(block), dtype=F64)
        constant[-1] = 0  # of the base function
        assert float(constant @ block @ constant) == pytest.approx(0.0, abs=1e-10 * float(block.trace()))


def test_penalties_of_symbolic_edges_by_metric():
    """Numeric metrics look at splines only; `edge_forward_sum` looks at symbols too."""
    model = everything()
    x = uniform(12, 6)
    before = {metric: importance(metric, model, x)[0][1, 0].item() for metric in METRICS if "edge" in metric}
    assert before["edge_forward_spline_n"] == before["edge_forward_spline_u"] == 0
    assert before["edge_forward_sum"] > 0
    assert before["edge_backward"] > 0


def test_tied_edges_are_each_counted():
    model = tied()
    x = uniform(12, 3)
    v = importance("edge_forward_spline_u", model, x)[0]
    assert bool((v[0, :2] > 0).all())


def test_a_column_of_many_words_changes_nothing_for_the_others():
    """Its levels make the table of coefficients longer; levels that follow each other are no neighbors."""
    penalty, x = Penalty(1.0, metric="edge_forward_spline_n", l1=0, entropy=0, coef=1.0, coefdiff=10.0), uniform(6, 2)
    model = KAN([2, 1], grid=3, k=3)
    model.layer(0).set_levels((0, 20))
    with torch.no_grad():
        model.layer(0).coef[0, 0, :6] = 0.5  # a constant, of which no coefficient differs from the next
        model.layer(0).coef[0, 1] = torch.tensor([1.0, -1.0] * 10, dtype=torch.float64)
        x[:, 1] = torch.arange(6.0)
        assert float(penalty_of(penalty, model, x)) == pytest.approx(0.5 + 1.0)
