"""Every row of the tables of functions is complete: torch, sympy, NumPy source, text, LaTeX and MathML give the same numbers."""

import math
import re

import numpy as np
import pytest
import scipy.special
import sympy
import torch

from kanwidget.core.primitives import PRIMITIVES, Primitive
from kanwidget.symbolic import math_tree, to_latex, to_numpy, to_python
from kanwidget.symbolic.functions import FUNCTIONS, Function, function_of
from kanwidget.symbolic.writing.sympy_forms import from_sympy, to_sympy
from kanwidget.symbolic.writing.text import PLAIN

SYMBOLS = sympy.symbols("x y")
#: Operations of forms that are no functions.
STRUCTURE = {"add", "mul", "pow", "neg", "call", "var"}
#: Names in print whose function is another one in NumPy and scipy, or has another name there.
NAMES = {
    "sgn": np.sign,
    "J0": scipy.special.j0,
    "J1": scipy.special.j1,
    "sinc": lambda u: np.sin(u) / u,
    "Heaviside": lambda u: np.heaviside(u, 0.5),
    "ceiling": np.ceil,
    "max": np.maximum,
    "min": np.minimum,
}
#: Names of functions that LaTeX knows.
LATEX = [
    "exp", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "cot", "sec", "csc", "max", "min",
]  # fmt: skip

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.head)
each_primitive = pytest.mark.parametrize("primitive", PRIMITIVES, ids=lambda primitive: primitive.name)


def form_of(function: Function):
    return (function.head, *(("var", str(symbol)) for symbol in SYMBOLS[: 2 if function.binary else 1]))


def points(function: Function) -> np.ndarray:
    """Points (x, y) at which the function is defined."""
    low = 1.1 if function.head == "acosh" else -0.9 if function.primitive is not None else 0.1
    if function.head in ("log", "sqrt"):
        low = 0.1
    return np.random.default_rng(1).uniform(low, low + 0.8, (9, 2))


def expected(function: Function) -> np.ndarray:
    """The values by torch."""
    columns = torch.from_numpy(points(function)).unbind(1)
    return function.values(*columns[: 2 if function.binary else 1]).numpy()


def by_name(name: str, arity: int):
    """The function that a reader understands by a name, from other packages than this one."""
    if name in NAMES:
        return NAMES[name]
    for module in (np, scipy.special):
        if hasattr(module, name):
            return getattr(module, name)
    symbols = SYMBOLS[:arity]
    return np.vectorize(sympy.lambdify(symbols, getattr(sympy, name)(*symbols), "mpmath"), otypes=[float])


def check(function: Function, written: str) -> None:
    """A writing, brought to the form `name(x)`, means the function."""
    match = re.fullmatch(r"(\w+)\((x|x, ?y)\)", written)
    assert match, written
    arity = 2 if function.binary else 1
    values = by_name(match[1], arity)(*points(function).T[:arity])
    np.testing.assert_allclose(values, expected(function), rtol=1e-12, atol=1e-13)


@each_function
def test_sympy_has_the_same_function(function):
    expr = to_sympy(form_of(function))
    values = [
        float(expr.subs(dict(zip(SYMBOLS, map(sympy.Float, point), strict=True))).evalf()) for point in points(function)
    ]
    np.testing.assert_allclose(values, expected(function), rtol=1e-12, atol=1e-13)
    assert from_sympy(expr)[0] == function.head
    assert to_sympy(from_sympy(expr)) == expr
    np.testing.assert_allclose(to_numpy(expr, SYMBOLS)(points(function)), expected(function), rtol=1e-12, atol=1e-13)


@each_function
def test_the_source_text_computes_it_wherever_it_stands(function):
    expr, variables = to_sympy(form_of(function)), list(SYMBOLS)
    for whole, change in (
        (expr, lambda f: f),
        (3 / (expr + 2) ** 2 - expr, lambda f: 3 / (f + 2) ** 2 - f),
        (-(expr**2) / 4, lambda f: -(f**2) / 4),
    ):
        space: dict = {}
        exec(to_python(whole, variables), space)
        values = space["formula"](*points(function).T)
        np.testing.assert_allclose(values, change(expected(function)), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if not f.binary], ids=lambda function: function.head)
def test_its_operand_may_be_a_sum_in_the_source_text(function):
    x, y = SYMBOLS
    space: dict = {}
    exec(to_python(to_sympy(form_of(function)).subs(x, x + y), [x, y]), space)
    np.testing.assert_allclose(
        space["formula"](points(function)[:, 0], np.zeros(9)), expected(function), rtol=1e-11, atol=1e-12
    )


@each_function
def test_text_means_it(function):
    check(function, PLAIN.write(form_of(function)))


@each_function
def test_latex_means_it(function):
    latex = to_latex(form_of(function)).replace(r"\left", "").replace(r"\right", "")
    for pattern, name in (
        (r"\|x\|", "abs(x)"),
        (r"\\sqrt\[3\]\{x\}", "cbrt(x)"),
        (r"\\sqrt\{x\}", "sqrt(x)"),
        (r"e\^\{x\}", "exp(x)"),
        (r"J_\{(\d)\}", r"J\1"),
        (r"\\operatorname\{(\w+)\}", r"\1"),
        (rf"\\({'|'.join(LATEX)})\(", r"\1("),
    ):
        latex = re.sub(pattern, name, latex)
    check(function, latex)


def visible(node) -> str:
    """A MathML tree as text, roots and powers as functions."""
    if isinstance(node, str):
        return node if node not in "\u2061\u2062" else ""
    parts = [visible(child) for child in node[2]]
    if node[0] == "mroot":
        assert parts[1] == "3"
        return f"cbrt({parts[0]})"
    if node[0] == "msup" and parts[0] == "e":
        return f"exp({parts[1]})"
    return f"sqrt({''.join(parts)})" if node[0] == "msqrt" else "".join(parts)


@each_function
def test_mathml_means_it(function):
    check(function, re.sub(r"\|x\|", "abs(x)", visible(math_tree(form_of(function)))))


@each_function
def test_a_power_stands_where_the_row_says(function):
    squared = ("pow", form_of(function), 2)
    latex = to_latex(squared)
    name = latex[: latex.index("^")] if "^" in latex else latex
    assert ("x" not in name) == (function.raised or function.power_of_e)
    assert ("x" in visible(math_tree(squared)).split("2")[0]) != (function.raised or function.power_of_e) or (
        function.power_of_e
    )


def test_no_two_rows_are_written_alike():
    for writing in (
        lambda f: PLAIN.write(form_of(f)),
        lambda f: to_latex(form_of(f)),
        lambda f: f.head,
        lambda f: f.numpy,
    ):
        assert len({writing(function) for function in FUNCTIONS}) == len(FUNCTIONS)


@each_function
def test_it_keeps_types_and_is_differentiable(function):
    columns = [column.clone().requires_grad_(True) for column in torch.from_numpy(points(function)).unbind(1)]
    arity = 2 if function.binary else 1
    value = function.values(*columns[:arity])
    assert value.dtype == torch.float64
    assert function.values(*(column.detach().float() for column in columns[:arity])).dtype == torch.float32
    if value.requires_grad:
        (derivative,) = torch.autograd.grad(value.sum(), columns[0])
        assert torch.isfinite(derivative).all()


# ---- the primitives


def heads(form) -> set[str]:
    return set() if not isinstance(form, tuple) else {form[0]}.union(*(heads(part) for part in form[1:]))


def domain(primitive: Primitive) -> torch.Tensor:
    """Points of the domain."""
    low, high = primitive.intervals[-1]
    return torch.linspace(max(low, -3.0) * 0.97 + 0.011, min(high, 3.0) * 0.97, 40, dtype=torch.float64)


def are_linearly_related(values: torch.Tensor, changed: torch.Tensor) -> bool:
    """Whether `changed` is c·values + d."""
    design = torch.stack([values, torch.ones_like(values)], 1)
    solution = torch.linalg.lstsq(design, changed[:, None]).solution
    return bool((design @ solution - changed[:, None]).abs().max() <= 1e-9 * changed.abs().max())


@each_primitive
def test_the_form_uses_functions_that_have_rows_and_its_source_runs(primitive):
    assert {head for head in heads(primitive.form) if function_of(head) is None} <= STRUCTURE
    x = SYMBOLS[0]
    space: dict = {}
    exec(to_python(to_sympy(primitive.form, x), [x]), space)
    u = domain(primitive)
    values = np.broadcast_to(space["formula"](u.numpy()), u.shape)
    np.testing.assert_allclose(values, primitive.fn(u).numpy(), rtol=1e-12, atol=1e-13)


@each_primitive
def test_constants_that_c_and_d_absorb_are_declared(primitive):
    if primitive.name == "0":
        return
    u = domain(primitive)
    values = primitive.fn(u)
    if all(primitive.free) and primitive.intervals[0][0] == -primitive.intervals[0][1]:
        assert primitive.symmetric == are_linearly_related(values, primitive.fn(-u))
    else:
        assert not primitive.symmetric
    inner = u / 2
    scale = are_linearly_related(primitive.fn(inner), primitive.fn(1.7 * inner))
    assert (primitive.absorbed == "scale") == scale
    assert primitive.free[0] != scale
    if primitive.absorbed == "shift":
        assert are_linearly_related(values, primitive.fn(u + 0.3))
        assert not primitive.free[1]
    if primitive.antiperiod is not None:
        torch.testing.assert_close(primitive.fn(u + primitive.antiperiod), -values)
    if primitive.exponent is not None:
        torch.testing.assert_close(primitive.fn(u), u**primitive.exponent)


@each_primitive
def test_twins_are_one_function(primitive):
    if primitive.twin is None:
        return
    (twin,) = (other for other in PRIMITIVES if other.name == primitive.twin)
    assert twin.twin is None
    assert math.isclose(primitive.complexity, twin.complexity)
    u = domain(primitive)
    related = [
        are_linearly_related(twin.fn(a * u + b), primitive.fn(u))
        for a, b in ((1, 0), (1, -math.pi / 2), (2, 0))
        if twin.interval(*sorted((float(a * u[0] + b), float(a * u[-1] + b)))) is not None
    ]
    assert any(related)


def test_gamma_has_its_sign_below_zero():
    u = torch.tensor([-3.5, -2.5, -1.5, -0.5, 0.5, 3.0], dtype=torch.float64)
    function = function_of("gamma")
    assert function is not None
    assert function.values(u).tolist() == pytest.approx(scipy.special.gamma(u.numpy()).tolist())
