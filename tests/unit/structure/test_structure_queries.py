"""`Structure`: questions by name, right answers for odd functions, clear refusals for what can't be asked."""

import math

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.structure import (
    Findings,
    detect_irrelevant,
    detect_separability,
    detect_symmetries,
    examine,
)
from tests.support.networks import assert_same, snapshot

POINTS = 0.5 + torch.rand(60, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def verdicts(findings):
    return [finding.verdict for finding in findings]


def test_names_of_columns_and_outputs_are_those_of_the_data():
    data = Dataset(POINTS, POINTS[:, 0], in_vars=("mass", "speed", "age"), out_vars=("energy",))
    found = examine(lambda x: x[:, 0] * x[:, 1] ** 2, data)
    assert [finding.statement for finding in found.irrelevant().holding] == ["y doesn't depend on age"]
    assert found.symmetry("mass", "speed", "xy").verdict == "fails"
    assert found.multiplicative().groups == (("mass",), ("speed",))
    assert repr(found) == "Structure(y of mass, speed, age, 60 points, exact derivatives)"


def test_of_two_outputs_one_is_named():
    def f(x):
        return torch.stack([x[:, 0] + x[:, 1], x[:, 0] * x[:, 2]], dim=1)

    assert verdicts(examine(f, POINTS, output="y_2").irrelevant()) == ["fails", "holds", "fails"]
    assert verdicts(examine(f, POINTS, output=0).irrelevant()) == ["fails", "fails", "holds"]
    with pytest.raises(ValueError, match="the `output` argument of examine must be one of 'y_1', 'y_2'"):
        examine(f, POINTS)
    with pytest.raises(ValueError, match="Did you mean 'y_1'"):
        examine(f, POINTS, output="y1")


def test_a_partition_that_there_is_not_is_denied_in_words():
    found = examine(lambda x: torch.sin(x[:, 0] + x[:, 1]) + x[:, 0] * x[:, 1], POINTS[:, :2])
    assert found.additive().statement == "y is a sum of functions of separate columns"
    assert found.multiplicative().statement == "y is a product of functions of separate columns"
    assert verdicts([found.additive(), found.multiplicative()]) == ["fails", "fails"]


def test_one_column():
    found = examine(lambda x: torch.sin(x[:, 0]), POINTS[:, :1])
    assert verdicts(found.irrelevant()) == ["fails"]
    assert found.additive().groups == found.multiplicative().groups == (("x_1",),)
    assert len(found.compositions()) == len(found.symmetries()) == 0
    assert repr(found.tree()) == "y = f(x_1)"


def test_a_constant():
    found = examine(lambda x: torch.full((len(x),), 2.5), POINTS)
    assert verdicts(found.irrelevant()) == ["holds"] * 3
    assert found.additive().groups == found.multiplicative().groups == ()
    assert repr(found.tree()) == "y = constant"


def test_zeros_of_the_function_and_of_columns_hide_nothing():
    """Where logarithms of |f| would have poles."""
    points = torch.cat([POINTS - 1, torch.zeros(20, 3, dtype=torch.float64)])
    found = examine(lambda x: torch.sin(3 * x[:, 0]) * x[:, 1] * (x[:, 2] - 0.1), points)
    assert found.multiplicative().groups == (("x_1",), ("x_2",), ("x_3",))
    assert found.multiplicative().constant == 0.0


def test_correlated_columns():
    points = POINTS.clone()
    points[:, 1] = points[:, 0] + 1e-3 * points[:, 1]
    found = examine(lambda x: torch.exp(x[:, 0] - x[:, 1]) + x[:, 2] ** 2, points)
    assert found.symmetry("x_1", "x_2", "x-y").holds
    assert found.symmetry("x_1", "x_2", "x+y").verdict == "fails"
    assert repr(found.tree()) == "y = f(x_1 - x_2) + g(x_3)"


@pytest.mark.parametrize("unit", [1e6, 1e-9, 1e20, 1e-20])
def test_units_change_no_verdict(unit):
    def f(x):
        return torch.sin(x[:, 0] - x[:, 1]) * x[:, 2] + x[:, 2] ** 2

    here, there = examine(f, POINTS).summary(), examine(lambda x: 1e3 * f(x / unit), POINTS * unit).summary()
    assert [(f.statement, f.verdict) for f in here] == [(f.statement, f.verdict) for f in there]


def test_a_column_of_one_value_is_left_open():
    points = POINTS.clone()
    points[:, 2] = 4.0
    found = examine(lambda x: x[:, 0] * x[:, 1] ** 2 * x[:, 2], points)
    assert verdicts(found.irrelevant()) == ["fails", "fails", "undecided"]
    assert found.unvaried == ("x_3",)
    assert repr(found.tree()) == "y = f(x_1)·g(x_2)"
    assert found.tree().irrelevant == ()
    assert found.tree().to_text().splitlines()[-1] == "not varied: x_3"
    assert "nothing to measure" in repr(found.irrelevant()[2])


def test_a_constant_has_no_column_twice():
    points = POINTS.clone()
    points[:, 1] = 4.0
    tree = examine(lambda x: 0 * x[:, 0] + 2.0, points).tree()
    assert (tree.irrelevant, tree.unvaried) == (("x_1", "x_3"), ("x_2",))
    texts = [text.get_text() for text in tree.plot().axes[0].texts]
    assert all(texts.count(name) == 1 for name in ("x_1", "x_2", "x_3"))


def test_points_outside_the_domain_are_left_out():
    found = examine(lambda x: torch.log(x[:, 0] - 0.7) + x[:, 1] * x[:, 2], POINTS)
    assert 10 < len(found.field.x) < 60
    assert found.additive().groups == (("x_1",), ("x_2", "x_3"))


def test_nowhere_finite_is_refused():
    with pytest.raises(ValueError, match=r"at least 10 points of finite derivatives; got '0 of 60 points'"):
        examine(lambda x: torch.sqrt(-x[:, 0]), POINTS)
    with pytest.raises(ValueError, match="9 of 9 points"):
        examine(lambda x: x[:, 0], POINTS[:9])


def made_of_planes():
    """A small network of ReLUs, which bends everywhere: all its second derivatives are 0."""
    directions = torch.randn(3, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return lambda x: torch.relu((x - 1) @ directions).sum(1)


#: Functions whose second derivatives, or first ones, are 0 at almost all points, though they have no such structure.
PIECEWISE = {
    "ReLU network": made_of_planes(),
    "KAN of order 1": KAN([3, 4, 1], k=1, grid=8, base_fun="zero", noise_scale=1.0, seed=0),
}


@pytest.mark.parametrize("name", PIECEWISE)
def test_nothing_is_claimed_of_what_is_made_of_pieces(name):
    found = examine(PIECEWISE[name], POINTS)
    assert len(found.summary().holding) == 0
    assert found.additive().verdict == "undecided"
    assert "its derivatives don't tell its form: it is made of pieces" in repr(found.additive())
    assert "undecided" in repr(found.tree())


def test_pieces_within_their_structure_are_seen():
    found = examine(lambda x: (x[:, 0] - x[:, 1]).abs() + torch.relu(x[:, 2] - 1), POINTS)
    assert found.additive().holds
    assert repr(found.tree()) == "y = f(x_1 - x_2) + g(x_3)"
    assert examine(lambda x: (x[:, 0] - x[:, 1]).abs(), POINTS).additive().verdict == "undecided"


@pytest.mark.parametrize(
    "f", [lambda x: torch.floor(4 * x[:, 0]) + x[:, 1], lambda x: torch.round(4 * x[:, 0]) * x[:, 1]]
)
def test_a_column_of_steps_is_not_without_influence(f):
    found = examine(f, POINTS)
    assert verdicts(found.irrelevant()) == ["undecided", "fails", "holds"]
    assert found.tree().irrelevant == ("x_3",)


def test_steps_alone_are_no_constant():
    found = examine(lambda x: torch.floor(4 * x[:, 0]) + torch.round(4 * x[:, 1]), POINTS)
    assert verdicts(found.irrelevant()) == ["undecided", "undecided", "holds"]
    assert repr(found.tree()) != "y = constant"


def test_steps_break_a_symmetry():
    found = examine(lambda x: torch.floor(4 * x[:, 0]) + torch.exp(x[:, 0] - x[:, 1]), POINTS)
    assert found.symmetry("x_1", "x_2", "x-y").verdict == "undecided"
    assert found.multiplicative().verdict != "holds"


def test_values_are_asked_within_the_range_of_the_points():
    seen = []

    def f(x):
        seen.append(x.detach())
        return torch.exp(x[:, 0] - x[:, 1]) + (x[:, 0] - x[:, 1]) * x[:, 2]

    assert examine(f, POINTS).symmetry("x_1", "x_2", "x-y").holds
    asked = torch.cat(seen)
    rounding = 1e-12
    assert bool((asked >= POINTS.amin(0) - rounding).all())
    assert bool((asked <= POINTS.amax(0) + rounding).all())


def test_a_tolerance_of_ones_own():
    def f(x):
        return x[:, 0] ** 2 + x[:, 1] ** 2 + 1e-3 * x[:, 0] * x[:, 1] + x[:, 2]

    assert examine(f, POINTS).additive().groups == (("x_1", "x_2"), ("x_3",))
    assert examine(f, POINTS, tolerance=0.01).additive().groups == (("x_1",), ("x_2",), ("x_3",))


@pytest.mark.parametrize("tolerance", [0.1, 0.3, 0.5, 1.0])
def test_what_is_exact_holds_at_any_tolerance(tolerance):
    found = examine(lambda x: x[:, 0] * x[:, 1] + x[:, 2], POINTS, tolerance=tolerance)
    assert found.additive().holds
    assert found.additive().threshold == tolerance


def test_a_function_in_float32_has_the_floor_of_float32():
    found = examine(lambda x: torch.exp(torch.sin(x.float()[:, 0] * x.float()[:, 1])) + x.float()[:, 2], POINTS)
    finding = found.symmetry("x_1", "x_2", "xy")
    assert finding.holds
    assert 1e-9 < finding.floor < 1e-5


def test_a_network_alone_is_an_exact_function_and_is_not_changed():
    model = KAN([3, 2, 1], seed=1)
    model.remove_edge(0, 2, 0)
    model.remove_edge(0, 2, 1)
    state = snapshot(model)
    found = examine(model, POINTS)
    assert verdicts(found.irrelevant()) == ["fails", "fails", "holds"]
    assert_same(state, model)
    assert examine(KAN([3, 1]), POINTS).additive().groups == (("x_1",), ("x_2",), ("x_3",))


def test_a_formula_as_a_network():
    import sympy

    a, b, c = sympy.symbols("a b c")
    model = KAN.from_formula(sympy.sin(a * b) + c**2, [a, b, c])
    found = examine(model, POINTS)
    assert found.additive().groups == (("x_1", "x_2"), ("x_3",))


def test_a_network_without_data_says_what_is_missing():
    with pytest.raises(ValueError, match="the `data` argument of examine must be given for a model that wasn't fitted"):
        examine(KAN([2, 1]))


def test_the_short_questions_are_those_of_examine():
    def f(x):
        return torch.exp(x[:, 0] - x[:, 1])

    assert verdicts(detect_irrelevant(f, POINTS)) == ["fails", "fails", "holds"]
    assert detect_separability(f, POINTS, "mul").groups == (("x_1",), ("x_2",))
    assert [finding.form for finding in detect_symmetries(f, POINTS)] == ["x-y"]
    with pytest.raises(ValueError, match="the `mode` argument of detect_separability must be one of 'add', 'mul'"):
        detect_separability(f, POINTS, mode="multiply")


def test_groups_are_asked_by_name():
    found = examine(lambda x: torch.sin(x[:, 0] * x[:, 1] + x[:, 1]) * x[:, 2] + x[:, 2] ** 2, POINTS)
    assert found.compositional(["x_1", "x_2"]).holds
    assert found.compositional(["x_1", "x_3"]).verdict == "fails"
    for group, message in (
        (["x_1"], "of two columns or more, and not of all"),
        (["x_1", "x_2", "x_3"], "of two columns or more, and not of all"),
        (["x_1", "z"], "one of 'x_1', 'x_2', 'x_3'"),
    ):
        with pytest.raises(ValueError, match=message):
            found.compositional(group)
    with pytest.raises(ValueError, match="of columns that matter, x_1, x_3"):
        examine(lambda x: x[:, 0] * x[:, 2], POINTS).compositional(["x_1", "x_2"])


def test_symmetries_are_asked_by_form():
    found = examine(lambda x: torch.sin(x[:, 0] / x[:, 1]), POINTS)
    assert found.symmetry("x_1", "x_2", "x/y").holds
    assert found.symmetry("x_2", "x_1", "x/y").holds
    with pytest.raises(ValueError, match="the `form` argument of symmetry must be one of"):
        found.symmetry("x_1", "x_2", "x*y*z")
    with pytest.raises(ValueError, match="another column than `first`"):
        found.symmetry("x_1", "x_1", "xy")


def test_the_order_of_a_pair_does_not_matter():
    found = examine(lambda x: torch.sin(x[:, 0] ** 2 - x[:, 1] ** 2), POINTS)
    for first, second in (("x_1", "x_2"), ("x_2", "x_1")):
        assert found.symmetry(first, second, "x^2-y^2").holds
        assert found.symmetry(first, second, "x^2+y^2").verdict == "fails"


@pytest.mark.parametrize(
    ("subject", "data", "message"),
    [
        (lambda x: x[:, 0], None, "`data` argument of examine must be the points at which a function is examined"),
        (lambda x: x[0], POINTS, "a function with a tensor of shape"),
        (lambda x: x.detach()[:, 0], POINTS, "a function that torch can differentiate"),
        (lambda x: x[:, 0] - x[:, 0].mean(), POINTS, "a function of each row by itself"),
        ((POINTS, POINTS[:, 0]), POINTS, "left out for a table"),
        (3.5, None, "a Dataset, a dict or a pair"),
        ("abc", None, "the `subject` argument of examine must be a function, a network, a frame"),
        ({"x": POINTS}, None, "`target` argument of examine must be the name of a column"),
        ((POINTS[:20], POINTS[:20, 0]), None, "the `subject` argument of examine must be of at least 30 rows"),
        ((POINTS, [0, 1] * 30), None, "with numbers as labels"),
    ],
)
def test_what_cannot_be_examined_is_refused(subject, data, message):
    with pytest.raises((ValueError, TypeError), match=message):
        examine(subject, data)


@pytest.mark.parametrize("options", [{"members": 2}, {"steps": 0}, {"seed": -1}, {"tolerance": 0.0}, {"tolerance": 2}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=f"the `{next(iter(options))}` argument of examine"):
        examine(lambda x: x[:, 0], POINTS, **options)


def test_findings_are_a_table():
    found = examine(lambda x: x[:, 0] + x[:, 1] * x[:, 2], POINTS).summary()
    lines = repr(found).splitlines()
    assert lines[0].split() == ["statement", "verdict", "violation", "threshold"]
    assert len(lines) == len(found) + 1
    rows = found.rows()
    assert {row["kind"] for row in rows} >= {"irrelevant", "additive", "multiplicative"}
    assert all(math.isfinite(row["violation"]) for row in rows)
    assert isinstance(found[:2], Findings)
    assert len(found[:2]) == 2
    assert repr(found[:0]) == "no findings"
    assert "to within 1e-06" in repr(found.holding[0])


def test_arrays_of_numpy_are_points():
    assert verdicts(examine(lambda x: x[:, 0], np.asarray(POINTS)).irrelevant()) == ["fails", "holds", "holds"]


def test_the_global_random_state_is_left_alone():
    state = torch.random.get_rng_state()
    examine(lambda x: x[:, 0] * x[:, 1], POINTS).summary()
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize("subject", [lambda x: x[:, 0], KAN([3, 1]), (POINTS, POINTS[:, 0])])
def test_a_target_is_that_of_a_frame(subject):
    with pytest.raises(
        ValueError, match="the `target` argument of examine must be left out where the subject is no frame"
    ):
        examine(subject, None if isinstance(subject, tuple) else POINTS, target="nope")


def test_a_module_in_float32_is_examined_as_a_copy_in_float64():
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    state = {name: value.clone() for name, value in module.state_dict().items()}
    found = examine(module, POINTS)
    assert found.irrelevant()[0].floor < 1e-12
    assert all(torch.equal(value, module.state_dict()[name]) for name, value in state.items())


def test_an_error_of_the_function_says_what_it_was_given():
    module = torch.nn.Linear(3, 1)
    with pytest.raises(ValueError, match=r"a function of a float64 tensor of shape \(60, 3\); got .*dtype") as caught:
        examine(lambda x: module(x), POINTS)
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.parametrize("names", [[], (), "x_1", 3])
def test_a_section_is_of_a_list_of_columns(names):
    found = examine(lambda x: x[:, 0] * x[:, 1] + x[:, 2], POINTS)
    with pytest.raises(ValueError, match="the `names` argument of section must be a list of one column or more"):
        found.section(names)
    assert found.section(["x_1", "x_1"]).names == ("x_1",)
