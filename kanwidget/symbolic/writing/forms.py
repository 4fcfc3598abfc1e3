"""Formulas as plain data, from which text, LaTeX, MathML and NumPy source are written.

A form is a number, a name, or a tuple `(operation, operand, …)`:

- `("var", text)`: a variable, whose text is shown and never parsed;
- `("add", …)`, `("mul", …)`, `("pow", base, exponent)`, `("neg", f)`;
- `("sin", f)` and its like, the functions of `kanwidget/symbolic/functions.py`;
- `("call", name, f)`: an undefined function: a numeric edge, or a registered function without a form;
- `"pi"`, `"e"`; and `"u"`, the argument in a primitive's own form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeGuard

from kanwidget.core.primitives import Form, Primitive
from kanwidget.symbolic.writing.naming import DIGITS, Digits, parse_number

#: a, b, c and d of c·f(a·x + b) + d.
Params: TypeAlias = tuple[float, float, float, float]


def add(*terms: Form) -> Form:
    """A sum of forms without its zeros; the terms of a sum among them become terms of the whole.

    Examples:
        >>> add(0.0, ("var", "x"), 1.0)
        ('add', ('var', 'x'), 1.0)
    """
    flat = [part for term in terms for part in parts_of(term, "add")]
    nonzero = [term for term in flat if not is_number(term, 0)]
    return _joined("add", nonzero) if nonzero else 0


def mul(*factors: Form) -> Form:
    """A product of forms without its ones; 0 if it has a zero. The factors of a product among them become factors of the whole.

    Examples:
        >>> mul(1.0, ("var", "x")), mul(0.0, ("var", "x"))
        (('var', 'x'), 0)
    """
    flat = [part for factor in factors for part in parts_of(factor, "mul")]
    if any(is_number(factor, 0) for factor in flat):
        return 0
    remaining = [factor for factor in flat if not is_number(factor, 1)]
    return _joined("mul", remaining) if remaining else 1


def _joined(head: str, operands: list[Form]) -> Form:
    """The form `(head, operand, …)`; of a single operand this operand alone."""
    return operands[0] if len(operands) == 1 else (head, *operands)


def is_made_by(form: Form, *heads: str) -> TypeGuard[tuple[Any, ...]]:
    """Whether a form is one of these operations.

    Examples:
        >>> is_made_by(("neg", ("var", "x")), "neg", "mul"), is_made_by(1.5, "neg", "mul")
        (True, False)
    """
    return isinstance(form, tuple) and form[0] in heads


def parts_of(form: Form, head: str) -> list[Form]:
    """The operands of a sum or a product, as `head` says; a form that is none alone.

    Examples:
        >>> parts_of(("add", ("var", "x"), 1), "add"), parts_of(("var", "x"), "add")
        ([('var', 'x'), 1], [('var', 'x')])
    """
    return list(form[1:]) if is_made_by(form, head) else [form]


def is_number(form: Form, value: float | None = None) -> bool:
    """Whether a form is a number; with `value`, whether it is this number."""
    return isinstance(form, (int, float)) and (value is None or form == value)


def parts(form: Form) -> Iterator[Form]:
    """A form, its operands, and all that is in these; names of variables and of undefined functions aren't.

    Examples:
        >>> list(parts(("add", ("var", "x"), 1)))
        [('add', ('var', 'x'), 1), ('var', 'x'), 1]
    """
    yield form
    for operand in operands(form):
        yield from parts(operand)


def operands(form: Form) -> tuple[Form, ...]:
    """The forms that a form is made of; those of a call without its name.

    Examples:
        >>> operands(("call", "f", ("var", "x"))), operands(("var", "x"))
        ((('var', 'x'),), ())
    """
    if not isinstance(form, tuple) or form[0] == "var":
        return ()
    return form[2:] if form[0] == "call" else form[1:]


def with_operands(form: Form, change: Callable[[Form], Form]) -> Form:
    """A form with each operand changed.

    Examples:
        >>> with_operands(("add", 1, 2), lambda operand: ("var", f"x_{operand}"))
        ('add', ('var', 'x_1'), ('var', 'x_2'))
    """
    if not isinstance(form, tuple):
        return form
    changed = operands(form)
    return (*form[: len(form) - len(changed)], *map(change, changed))


def substitute(form: Form, argument: Form) -> Form:
    """A primitive's form, nested tuples in which "u" stands for the argument, with the form `argument` in the place of each "u"."""
    return argument if form == "u" else with_operands(form, lambda operand: substitute(operand, argument))


def rename_variables(form: Form, names: Mapping[str, str]) -> Form:
    """A form with other names for variables: `names` maps present names to new ones, and a variable that it lacks keeps its name."""
    if is_made_by(form, "var"):
        return ("var", names.get(str(form[1]), str(form[1])))
    return with_operands(form, lambda operand: rename_variables(operand, names))


def without_ones(form: Form, digits: Digits = DIGITS) -> Form:
    """A form without the factors that would be written as 1 with so many significant digits.

    Examples:
        >>> without_ones(("mul", 1.00003, ("sin", ("mul", -0.99998, ("var", "x")))))
        ('sin', ('neg', ('var', 'x')))
    """
    form = with_operands(form, lambda operand: without_ones(operand, digits))
    if not is_made_by(form, "mul"):
        return form
    # Both 1 and -1: `parse_number` gives the text of a size, without a sign. An odd number of -1 is a minus sign.
    ones = [f for f in form[1:] if isinstance(f, float) and parse_number(f, digits) == ("1", None)]
    product = mul(*(factor for factor in form[1:] if factor not in ones))
    if sum(one < 0 for one in ones) % 2 == 0:
        return product
    return -product if isinstance(product, (int, float)) else ("neg", product)


def form_of_fit(primitive: Primitive, params: Params, argument: Form) -> Form:
    """c·f(a·x + b) + d as a form.

    Examples:
        >>> from kanwidget.core import primitive
        >>> form_of_fit(primitive("sin"), (3.0, 0.0, 2.0, 1.0), ("var", "x"))
        ('add', ('mul', 2.0, ('sin', ('mul', 3.0, ('var', 'x')))), 1.0)
    """
    a, b, c, d = params
    return add(mul(c, substitute(primitive.form, add(mul(a, argument), b))), d)


# ---- the order in which people write: x_2 before x_10, numbers before names before functions in a product


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key for sorting names with their numbers by size: `(number, "")` for digits, and `(-1, text)` for the text between them.

    Examples:
        >>> sorted(["x_10", "x_2", "x_1"], key=natural)
        ['x_1', 'x_2', 'x_10']
    """
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part)


def names(form: Form) -> list[str]:
    """The names of a form's variables in the order in which they stand; a variable that stands twice is listed twice."""
    return [str(part[1]) for part in parts(form) if is_made_by(part, "var")]


def degree(form: Form) -> float:
    """The highest power of a variable in a term, 2 for 3·x²·y; 0 for numbers, sums and functions, whatever is in them."""
    if not isinstance(form, tuple):
        return 0
    if form[0] == "var":
        return 1
    if form[0] == "pow":
        return degree(form[1]) * (float(form[2]) if isinstance(form[2], (int, float)) else 1)
    return max((degree(operand) for operand in form[1:]), default=0) if form[0] in ("mul", "neg") else 0


def order_of_term(form: Form) -> tuple[object, ...]:
    """A sort key for the terms of a sum, as people order them: numbers last; else by first variable, then powers from the highest on.

    Terms without a power of a variable, such as functions, come after these.
    """
    variables = sorted(map(natural, names(form)))
    power = degree(form)
    return (not variables, variables[:1], power == 0, -power, repr(form))


def in_order(terms: Iterable[Form]) -> list[Form]:
    """The terms of a sum in the order in which people write them: a difference of two begins with what isn't subtracted.

    Examples:
        >>> in_order([("neg", ("var", "p_a")), ("var", "p_s")])
        [('var', 'p_s'), ('neg', ('var', 'p_a'))]
        >>> in_order([12.5, ("mul", -0.2, ("var", "depth"))])  # but a fitted constant stays at the end
        [('mul', -0.2, ('var', 'depth')), 12.5]
    """
    ordered = sorted(terms, key=order_of_term)
    if len(ordered) == 2 and split_sign(ordered[0])[0] and not split_sign(ordered[1])[0]:
        return ordered if isinstance(ordered[1], float) else ordered[::-1]
    return ordered


def order_of_factor(form: Form) -> tuple[object, ...]:
    """A sort key for the factors of a product, as people order them.

    Numbers, roots of numbers and π come first (0), then powers of variables by name (1), then sums and functions (2), functions last.
    """
    variables = sorted(map(natural, names(form)))
    base = form[1] if is_made_by(form, "pow") else form
    kind = 0 if not variables else 1 if is_made_by(base, "var") else 2
    compound = isinstance(base, tuple) and base[0] not in ("var", "add")
    return (kind, compound, variables, repr(form))


# ---- how formulas are laid out


def split_sign(form: Form) -> tuple[bool, Form]:
    """Whether a form begins with a minus sign, and the form without it.

    Examples:
        >>> split_sign(("mul", -2.0, ("var", "x")))
        (True, ('mul', 2.0, ('var', 'x')))
    """
    if isinstance(form, (int, float)):
        return (True, -form) if form < 0 else (False, form)
    if is_made_by(form, "neg"):
        negative, rest = split_sign(form[1])
        return not negative, rest
    if is_made_by(form, "mul"):
        negative, head = split_sign(form[1])
        return (True, mul(head, *form[2:])) if negative else (False, form)
    return False, form


def split_fraction(form: Form) -> tuple[list[Form], list[Form]]:
    """The factors above and below the line of a product or a power.

    Examples:
        >>> split_fraction(("mul", 2, ("pow", ("var", "x"), -1)))
        ([2], [('var', 'x')])
    """
    above: list[Form] = []
    below: list[Form] = []
    for factor in parts_of(form, "mul"):
        if is_made_by(factor, "pow") and is_number(factor[2]) and factor[2] < 0:
            below.append(factor[1] if factor[2] == -1 else ("pow", factor[1], -factor[2]))
        else:
            above.append(factor)
    return above, below


def depth(form: Form) -> int:
    """How deep a form is nested; variables and numbers are 0.

    Examples:
        >>> depth(("add", ("mul", 2, ("var", "x")), 1))
        2
    """
    inner = operands(form)
    return 1 + max(map(depth, inner)) if inner else 0
