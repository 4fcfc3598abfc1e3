import math

import pytest

from kanwidget.datasets import dimensionless, dimensionless_equations, feynman, feynman_equations

BOTH = [*feynman_equations(), *dimensionless_equations()]


@pytest.mark.parametrize(
    ("equations", "find", "count"),
    [(feynman_equations(), feynman, 120), (dimensionless_equations(), dimensionless, 27)],
)
def test_names_and_numbers_find_the_same_equation(equations, find, count):
    assert len({equation.name for equation in equations}) == count
    assert [equation.number for equation in equations] == list(range(1, count + 1))
    for equation in equations:
        assert find(equation.name) is find(equation.number) is equation


@pytest.mark.parametrize("equation", BOTH, ids=repr)
def test_rows_are_complete(equation):
    assert equation.title
    assert equation.title[0].isupper()
    names = (*equation.variables, equation.target)
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not name.startswith("dummy") for name in names)
    assert all(math.isfinite(low) and math.isfinite(high) and low < high for low, high in equation.ranges)


def test_titles_say_which_equation():
    titles = [equation.title for equation in feynman_equations()]
    assert len(set(titles)) == len(titles)


def test_names_that_pykan_has_twice():
    assert feynman("I.18.4").target == "r"
    assert feynman(22) is feynman("I.18.12")
    assert feynman("I.18.12")([[2.0, 3.0, math.pi / 2]]).tolist() == [6.0]
    assert feynman(60) is feynman("II.10.9")
    assert feynman("II.10.9")([[6.0, 2.0, 0.5]]).tolist() == [2.0]


@pytest.mark.parametrize(
    ("number", "row", "value"),
    [
        (20, [0.5, 0.5, 1.0], 0.8),  # the sum of the velocities, not their product
        (113, [1.0, 0.0, 1.0, 2.0, 3.0, 4.0], 5.0),  # 4 (1 + 3·2/4) / 2
        (114, [1.0, 1 / (4 * math.pi), 2.0, 1.0, 1.0], 0.25 * (1 - 8 / 9)),
        (32, [1.0, 1.0, 1 / (6 * math.pi), 1.0], 1.0),
    ],
)
def test_formulas_that_pykan_has_otherwise(number, row, value):
    assert feynman(number)([row]).tolist() == pytest.approx([value])


@pytest.mark.parametrize(
    ("alias", "name"), [("I.6.2a", "I.6.20a"), ("I.48.2", "I.48.20"), ("Goldstein 3.74", "Goldstein 3.74 (Kepler)")]
)
def test_names_of_the_database(alias, name):
    assert feynman(alias).name == name


@pytest.mark.parametrize(("alias", "name"), [("I.6.2", "I.6.20"), ("I.6.2b", "I.6.20b"), ("II.11.7", "II.11.17")])
def test_names_of_the_paper(alias, name):
    assert dimensionless(alias).name == feynman(alias).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("I.12.3", "`name` argument of feynman must be one of .*'I.12.2' or 116 others; got 'I.12.3'. Did you mean"),
        ("I.10.9", "Did you mean 'II.10.9'"),
        ("Rutherforld scattering", "Did you mean 'Rutherford scattering'"),
        ("", "`name`"),
        (0, "an integer from 1 to 120; got 0"),
        (121, "an integer from 1 to 120; got 121"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        feynman(name)


@pytest.mark.parametrize("name", [None, 1.0, True, ["I.12.2"]])
def test_what_is_no_name(name):
    with pytest.raises(TypeError, match=r"a name or a number from 1 to 27; got .* dimensionless_equations"):
        dimensionless(name)
