"""Parts of a formula and their edges: marks in MathML, and the names of functions that are still splines."""

import pytest
import sympy

from kanwidget import KAN
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic import edge_parts, function_names, math_tree, numeric_functions, tidy, to_latex, to_text
from kanwidget.symbolic.writing.mathml import EDGE

A, B = sympy.symbols("a b")


def marks(tree):
    """The visible text under each mark, in the order in which it is read; the innermost mark counts."""
    found = {}

    def visit(node, mark):
        if isinstance(node, str):
            if mark and node not in "\u2061\u2062":
                found[mark] = found.get(mark, "") + node
            return
        for child in node[2]:
            visit(child, node[1].get(EDGE, mark))

    visit(tree, "")
    return found


def marked_formula(formula):
    model = KAN.from_formula(formula)
    (expression,), _ = model.symbolic_formula(["a", "b"])
    parts = {edge: tidy(part) for edge, part in edge_parts(model, ["a", "b"]).items()}
    return model, marks(math_tree(tidy(expression), parts=parts))


def test_each_term_is_marked_with_its_edge_within_the_part_that_reads_it():
    model, found = marked_formula(sympy.exp(2 * sympy.sin(3 * A) + B**2) + 0.3 * A)
    by_function = {model.layer(edge.layer).symbol(edge.source, edge.target): edge for edge in model.edge_refs()}
    key = {name: "-".join(map(str, edge)) for name, edge in by_function.items()}
    assert found[key["sin"]] == "2sin(3a)"
    assert found[key["x^2"]] == "b2"
    assert found[key["exp"]] == "exp(+)"
    assert found["1-0-0"] == "0.3a"


def test_factors_of_a_product_node_are_found_though_their_constants_merge():
    _, found = marked_formula(2 * sympy.sin(A) * 3 * sympy.exp(B))
    assert {"sin(a)", "eb"} <= set(found.values())


def test_a_constant_and_a_variable_inside_another_function_belong_to_no_edge():
    _, found = marked_formula(A + sympy.sin(A) + B**2 + 7.5)
    assert sorted(found.values()) == ["a", "b2", "sin(a)"]


def test_equal_edges_share_their_part():
    parts = {EdgeRef(0, 0, 0): sympy.sin(A), EdgeRef(0, 0, 1): sympy.sin(A)}
    assert marks(math_tree(sympy.sin(A) ** 2 + 1, parts=parts)) == {}
    assert marks(math_tree(sympy.sin(A) + 1, parts=parts)) == {"0-0-0 0-0-1": "sin(a)"}


def test_splines_are_marked_by_their_names_in_every_form():
    model = KAN([2, 1])
    (expression,), _ = model.symbolic_formula()
    found = marks(math_tree(sympy.expand(2 * expression), functions=function_names(model)))
    assert found == {"0-0-0": "f(x1)", "0-1-0": "g(x2)"}


def test_up_to_three_splines_are_letters_and_more_are_counted_from_one():
    model = KAN([2, 1])
    names = function_names(model)
    assert names == {"phi_0_0_0": "f", "phi_0_1_0": "g"}
    assert set(names) == set(numeric_functions(model))
    many = KAN([2, 2, 1])
    (expression,), _ = many.symbolic_formula(["p", "q"])
    text = "f_5(f_1(p) + f_2(q)) + f_6(f_3(p) + f_4(q))"
    assert to_text(expression, functions=function_names(many)) == text
    assert to_latex(expression, functions=function_names(many)).startswith(r"f_{5}\left(f_{1}\left(p\right)")


def test_fixed_and_pruned_edges_have_no_name():
    model = KAN([3, 1])
    model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 1, 0), data=[[0.0, 0, 0], [1, 1, 1]])
    assert function_names(model) == {"phi_0_1_0": "f", "phi_0_2_0": "g"}


def test_names_of_columns_are_no_functions():
    model = KAN([1, 1])
    (expression,), _ = model.symbolic_formula(["phi_0_0_0"])
    assert to_text(expression, functions=function_names(model)) == "f(phi_0_0_0)"


@pytest.mark.parametrize("names", [["a"], "ab", [1, 2]])
def test_wrong_names_say_who_refuses_them(names):
    with pytest.raises((ValueError, TypeError), match="`var` argument of edge_parts"):
        edge_parts(KAN([2, 1]), names)
