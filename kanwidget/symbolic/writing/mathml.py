"""Formulas as trees for MathML: `[tag, attributes, children]`, children are trees or plain text.

The browser builds the nodes from the tree, so text is never markup: a variable may be called anything. sympy's own MathML
printer escapes nothing, and writes 15 digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanwidget.core.primitives import Form, Primitive, primitive
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.symbolic.functions import Function, function_of, text_name
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.naming import DIGITS, Digits, edge_key, edge_name, parse_name, parse_number
from kanwidget.symbolic.writing.sympy_forms import form_of
from kanwidget.symbolic.writing.text import equation

#: A tree, as in the explorer's protocol.
MathNode = list[Any]

#: A sum of more terms is one `<math>` a term: a single one never breaks over lines.
LONG_SUM = 8
_TALL = frozenset(["mfrac", "mtable", "msqrt", "mroot"])
MINUS, APPLY, TIMES, NO_BREAK, _ZERO_WIDTH = "\u2212", "\u2061", "\u2062", "\u00a0", "\u200b"
#: The class of names that aren't a letter.
WHOLE_NAME = "kw-name"
_RELATIONS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠", "<": "<", ">": ">"}
#: The attribute with the keys of the edges, `0-1-0`, of a node and its children; several are separated by spaces.
EDGE = "data-kw-edge"
_CONSTANTS: dict[str, MathNode] = {"pi": ["mi", {}, ["π"]], "e": ["mi", {"mathvariant": "normal"}, ["e"]]}
_DOT: MathNode = ["mo", {}, ["·"]]
_THIN: MathNode = ["mspace", {"width": "0.17em"}, []]
#: Signs that nobody can point at: function application and a product without a dot.
_INVISIBLE = (["\u2061"], ["\u2062"])


def math_tree(
    expr: Any,
    names: Mapping[str, str] | None = None,
    *,
    functions: Mapping[str, str] | None = None,
    parts: Mapping[EdgeRef, Any] | None = None,
    left: str | None = None,
    digits: Digits = DIGITS,
    wrap: bool = True,
) -> MathNode:
    """A sympy expression (or a form) as a tree `[tag, attributes, children]` for MathML.

    Args:
        expr: The expression.
        names: The names to show, by those of the symbols.
        functions: The names to show for undefined functions, from `function_names(network)`.
        parts: The expression of each edge, from `edge_parts(network)`: what is found of it in `expr` is marked with the edge's key,
            as the attribute `data-kw-edge` of its nodes. Numeric edges are marked anyway.
        left: A name in front, with an equals sign.
        digits: Significant digits of the constants, or of some of them by their size.
        wrap: Whether a long sum may be a `span` of several `math`, which can break over lines.

    Returns:
        A `math` node, or that span.

    Examples:
        >>> import sympy
        >>> math_tree(sympy.Symbol("x_1") ** 2)
        ['math', {'displaystyle': 'true'}, [['msubsup', {}, [['mi', {}, ['x']], ['mn', {}, ['1']], ['mn', {}, ['2']]]]]]
    """
    form = forms.without_ones(form_of(expr, names), digits)
    writer = Writer(digits, functions or {}, _marks_of(parts or {}, names, digits))
    prefix = [] if left is None else [writer.name(left), ["mo", {}, ["="]]]
    terms = forms.parts_of(form, "add")
    if not wrap or len(terms) <= LONG_SUM:
        return _math([*prefix, *writer.write(form)])
    pieces: list[Any] = [_math([*prefix, *writer.term(terms[0])])]
    for term in terms[1:]:
        pieces += [_ZERO_WIDTH, _math(writer.term(term, first=False))]
    return ["span", {}, pieces]


def candidate_tree(fit: SymbolicFit, variable: str = "x", *, digits: int = DIGITS) -> MathNode:
    """A fitted function of `variable` as a tree `[tag, attributes, children]`; without sympy, in well under a millisecond.

    Examples:
        >>> fit = SymbolicFit("x", (1.0, 0.0, 2.0, 0.0), 1.0, 1, 0.0, (-1.0, 1.0), "2*x")
        >>> candidate_tree(fit)[2]
        [['mn', {}, ['2']], ['mo', {}, ['\u2062']], ['mi', {}, ['x']]]
    """
    definition = primitive(fit.name)
    a, b, c, d = (float(f"{value:.{digits}g}") for value in _written_params(definition, fit))
    form = forms.form_of_fit(definition, (a, b, c, d), ("var", variable))
    return _math(Writer(digits).write(form))


def _written_params(function: Primitive, fit: SymbolicFit) -> forms.Params:
    """The constants in the fit's text, in which a b or d that is negligible on the data may be missing."""
    a, b, c, d = fit.params
    options = ((a, b, c, d), (a, 0.0, c, d), (a, b, c, 0.0), (a, 0.0, c, 0.0))
    return next((params for params in options if equation(function, params) == fit.equation), fit.params)


def _math(children: Sequence[Any]) -> MathNode:
    """A `<math>` of these nodes, as large as on a line of its own."""
    return ["math", {"displaystyle": "true"}, list(children)]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes forms as lists of trees, to be put in a row."""

    digits: Digits
    """Significant digits of the constants, or of some of them by their size."""
    functions: Mapping[str, str] = field(default_factory=dict)
    """The names to show for undefined functions."""
    marks: Mapping[Form, str] = field(default_factory=dict)
    """The keys of the edges of which a form is a part."""

    def write(self, form: Form) -> list[Any]:
        """The nodes of a form, without parentheses around it; marked with the keys of edges if it is what edges add to the formula."""
        nodes = self.unmarked(form)
        # A variable alone may stand anywhere: only as a term of a sum is it what an edge adds, and `term` marks it.
        return nodes if forms.is_made_by(form, "var") else marked(nodes, self.marks.get(form))

    def unmarked(self, form: Form) -> list[Any]:
        """A form whose own nodes have no mark; those of its operands may have one."""
        if isinstance(form, str):
            return [_CONSTANTS.get(form, ["mtext", {}, [form]])]
        if isinstance(form, (int, float)):
            negative, size = forms.split_sign(form)
            return [*_minus(negative), *self.number(float(size) if isinstance(size, (int, float)) else 0.0)]
        head = str(form[0])
        if head == "var":
            return [self.name(str(form[1]))]
        if head == "add":
            return [node for i, term in enumerate(form[1:]) for node in self.term(term, first=i == 0)]
        if head in ("mul", "neg"):
            return self.term(form)
        if head == "pow":
            return self.fraction(form) if forms.split_fraction(form)[1] else self.power(form[1], form[2])
        return self.special(head, list(form[1:]))

    def term(self, form: Form, *, first: bool = True) -> list[Any]:
        """The nodes of a term of a sum, with its sign; the first term of a sum has no plus."""
        negative, rest = forms.split_sign(form)
        if forms.is_made_by(rest, "add"):
            body = self.parenthesised(rest)
        else:
            body = self.fraction(rest) if forms.is_made_by(rest, "mul", "pow") else self.write(rest)
        body = marked(body, self.marks.get(form))  # with the keys of the edges that add this form to the formula
        if first:
            return [*_minus(negative), *body]
        return [["mo", {"form": "infix"}, [MINUS if negative else "+"]], *body]

    def fraction(self, form: Form) -> list[Any]:
        """The nodes of a product or power, as a fraction where it has exponents below 0. A decimal number stays before the fraction."""
        above, below = forms.split_fraction(form)
        if not below:
            return self.product(above)
        in_front: list[Any] = []
        if len(above) > 1 and isinstance(above[0], float) and not above[0].is_integer():
            in_front, above = [*self.write(above[0]), _THIN], above[1:]
        numerator = self.product(above) or self.number(1.0)
        return [*in_front, ["mfrac", {}, [_grouped(numerator), _grouped(self.product(below))]]]

    def product(self, factors: Sequence[Form]) -> list[Any]:
        """The nodes of a product: its factors side by side, with a sign or a space between two."""
        if len(factors) == 1:
            return self.write(factors[0])
        row: list[Any] = []
        for i, factor in enumerate(factors):
            row += [*([_sign_between(factors[i - 1], factor)] if i else []), *self.factor(factor)]
        return row

    def factor(self, form: Form) -> list[Any]:
        """A factor of a product: sums and negative numbers in parentheses."""
        is_loose = forms.is_made_by(form, "add", "neg", "mul") or (isinstance(form, (int, float)) and form < 0)
        return self.parenthesised(form) if is_loose else self.write(form)

    def power(self, base: Form, exponent: Form) -> list[Any]:
        """base^exponent; a subscript and an exponent stand above each other, and functions are raised by name."""
        top = _grouped(self.raised(exponent))
        if forms.is_made_by(base, "var"):
            node = self.name(str(base[1]))
            return [["msubsup", node[1], [*node[2], top]] if node[0] == "msub" else ["msup", {}, [node, top]]]
        if isinstance(base, tuple) and _is_raised(base) and isinstance(exponent, int) and exponent > 1:
            return self.applied(["msup", {}, [self.function_name(str(base[0])), top]], list(base[1:]))
        # Numbers without a sign or a power of ten, constants and |u| need no parentheses.
        if isinstance(base, (int, float)):
            is_closed = base >= 0 and parse_number(base, self.digits).exponent is None
        else:
            is_closed = isinstance(base, str) or base[0] == "abs"
        return [["msup", {}, [_grouped(self.write(base) if is_closed else self.parenthesised(base)), top]]]

    def raised(self, exponent: Form) -> list[Any]:
        """An exponent; a fraction of numbers stays on one line."""
        negative, size = forms.split_sign(exponent)
        above, below = forms.split_fraction(size)
        if below and all(forms.is_number(part) for part in (*above, *below)):
            numerator = self.product(above) or self.number(1.0)
            return [*_minus(negative), *numerator, ["mo", {}, ["/"]], *self.product(below)]
        return self.write(exponent)

    def special(self, head: str, operands: list[Any]) -> list[Any]:
        """Functions, relations and cases, and undefined functions, which are marked with their edge's key.

        Args:
            head: The form's operation.
            operands: What follows it in the form; the first one of a `call` is its name, that of a `relation` its sign.
        """
        if head == "call":
            name = str(operands[0])
            call = self.applied(self.name(self.functions.get(name, name), function=True), operands[1:])
            return marked(call, edge_key(name))
        if head == "relation":
            sign = ["mo", {}, [_RELATIONS.get(str(operands[0]), str(operands[0]))]]
            return [*self.write(operands[1]), sign, *self.write(operands[2])]
        if head == "piecewise":
            return [self.cases(operands)]
        function = _nameless(head, operands[0])
        if function is None:
            return self.applied(self.function_name(head), operands)
        inner = self.write(operands[0])
        if function.bars:
            return [_fenced("|", inner, "|")]
        if function.power_of_e:
            return [["msup", {}, [_CONSTANTS["e"], _grouped(inner)]]]
        root = ["mroot", {}, [_grouped(inner), ["mn", {}, [str(function.root)]]]]
        return [["msqrt", {}, inner] if function.root == 2 else root]

    def cases(self, cases: list[Any]) -> MathNode:
        """A function by cases `("case", value, condition)`; the line at their left is drawn by the style sheet."""
        rows = []
        for _, value, when in cases:
            condition = [["mtext", {}, ["if" + NO_BREAK]], *self.write(when)]
            if when == "true":
                condition = [["mtext", {}, ["else"]]]
            rows.append(["mtr", {}, [["mtd", {}, self.write(value)], ["mtd", {}, condition]]])
        return ["mtable", {"class": "kw-cases", "columnalign": "left left", "displaystyle": "true"}, rows]

    def applied(self, name: MathNode, operands: Sequence[Form]) -> list[Any]:
        """The nodes of a function: its name, which is a node, and its operands in parentheses."""
        return [name, ["mo", {}, [APPLY]], _fenced("(", _listed(map(self.write, operands)), ")")]

    def parenthesised(self, form: Form) -> list[Any]:
        return [_fenced("(", self.write(form), ")")]

    def number(self, size: float) -> list[Any]:
        """The nodes of a number ≥ 0: its digits, and a power of ten where it is very small or large."""
        mantissa, exponent = parse_number(size, self.digits)
        if exponent is None:
            return [["mn", {}, [mantissa]]]
        raised = [*_minus(exponent < 0), ["mn", {}, [str(abs(exponent))]]]
        ten = ["msup", {}, [["mn", {}, ["10"]], _grouped(raised)]]
        return [ten] if mantissa == "1" else [["mn", {}, [mantissa]], _DOT, ten]

    def function_name(self, head: str) -> MathNode:
        """The name of a function of the library: a word, or a letter with a subscript, J₀."""
        return self.name(head) if parse_name(head).subscripts else ["mi", {}, [text_name(head)]]

    def name(self, text: str, *, function: bool = False) -> MathNode:
        """A name with its subscripts; one that isn't a letter is upright and whole. `function`: whether it names an undefined function."""
        base, subscripts, letter = parse_name(text)
        if not letter:
            return ["mi", {"mathvariant": "normal", "class": WHOLE_NAME}, [base]]
        if not subscripts:
            return ["mi", {"class": "kw-edge"} if function else {}, [base]]
        below = _listed([["mn" if part.isdigit() else "mi", {}, [part]]] for part in subscripts)
        return ["msub", {"class": "kw-edge"} if function else {}, [["mi", {}, [base]], _grouped(below)]]


def _is_raised(form: Form) -> bool:
    """Whether a power of this form stands at its function's name: sin²(x), but (erf(x))²."""
    function = function_of(form[0]) if isinstance(form, tuple) else None
    return function is not None and function.raised


def _nameless(head: Any, operand: Any) -> Function | None:
    """The function of a head where it is written as bars, a root or a power of e; None where its name is."""
    function = function_of(head)
    if function is None or not (function.bars or function.root or function.power_of_e):
        return None
    return None if function.power_of_e and not _is_small_exponent(operand) else function


def _is_small_exponent(exponent: Form) -> bool:
    """Whether exp of this form is written as a power of e, not by its name: it isn't deep, and nothing in it is divided."""
    return forms.depth(exponent) <= 3 and not any(forms.split_fraction(part)[1] for part in forms.parts(exponent))


def _minus(negative: bool) -> list[Any]:
    """A minus sign, to be put before other nodes; an empty list if nothing is negative."""
    return [["mo", {"form": "prefix"}, [MINUS]]] if negative else []


def _listed(groups: Iterable[list[Any]]) -> list[Any]:
    """Groups of nodes in a row, with commas between them."""
    comma = ["mo", {"separator": "true"}, [","]]
    return [node for i, group in enumerate(groups) for node in ([comma, *group] if i else group)]


def _grouped(nodes: Sequence[Any]) -> MathNode:
    """Nodes as a single one: a row, or the node itself where there is only one."""
    return nodes[0] if len(nodes) == 1 else ["mrow", {}, list(nodes)]


def _tags(nodes: Sequence[Any]) -> set[str]:
    """All tags in some trees."""
    return {tag for node in nodes if not isinstance(node, str) for tag in (node[0], *_tags(node[2]))}


def _fenced(opening: str, nodes: Sequence[Any], closing: str) -> MathNode:
    """Nodes within parentheses or bars, which only grow around fractions, roots and cases."""
    stretchy = "true" if _tags(nodes) & _TALL else "false"
    first = ["mo", {"stretchy": stretchy, "form": "prefix"}, [opening]]
    return ["mrow", {}, [first, *nodes, ["mo", {"stretchy": stretchy, "form": "postfix"}, [closing]]]]


def _base_name(form: Form) -> str:
    """The name of a variable, or of one that is raised to a power; empty for all else."""
    base = form[1] if forms.is_made_by(form, "pow") else form
    return str(base[1]) if forms.is_made_by(base, "var") else ""


def _sign_between(left: Form, right: Form) -> MathNode:
    """The sign between two factors: a dot between numbers, and beside names of several words, a thin space before functions and between
    whole words.
    """
    base = right[1] if forms.is_made_by(right, "pow") else None
    if forms.is_number(right if base is None else base):
        return _DOT
    if isinstance(left, (int, float)) and parse_number(left, DIGITS).exponent is not None:
        return _THIN
    if base is not None and _is_raised(base):
        return _THIN
    if isinstance(right, tuple) and right[0] not in ("var", "add", "pow") and _nameless(*right[:2]) is None:
        return _THIN
    names = [_base_name(factor) for factor in (left, right)]
    if any(" " in name for name in names):
        return _DOT
    has_word = any(name and not parse_name(name).letter for name in names)
    return _THIN if has_word else ["mo", {}, [TIMES]]


# ---- parts of a formula and the edges that they come from, so that a page can light an edge under its part and the other way round


def _marks_of(parts: Mapping[EdgeRef, Any], names: Mapping[str, str] | None, digits: Digits) -> dict[Form, str]:
    """The keys of the edges by the forms in which their expressions may be found.

    Within a sum an edge is found as a term, without its constant; within a product or under a factor, as the function that it applies.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> _marks_of({EdgeRef(0, 0, 0): 2 * sympy.sin(x) + 1.5}, None, 4)
        {('mul', 2, ('sin', ('var', 'x'))): '0-0-0', ('sin', ('var', 'x')): '0-0-0'}
    """
    keys: dict[Form, list[str]] = {}
    for ref, expression in parts.items():
        key = edge_key(edge_name(*ref)) or ""
        for form in _markable_forms(forms.without_ones(form_of(expression, names), digits)):
            keys.setdefault(form, []).append(key)
    return {form: " ".join(dict.fromkeys(edges)) for form, edges in keys.items()}


def _markable_forms(whole: Form) -> list[Form]:
    """The forms by which an edge is recognized in a formula, from the form of its expression.

    They are its terms that aren't numbers, the same without their sign, and where all factors but one are numbers this one alone.
    """
    shown: list[Form] = []
    for term in forms.parts_of(whole, "add"):
        _, size = forms.split_sign(term)
        functions = [factor for factor in forms.parts_of(size, "mul") if forms.names(factor)]
        if functions:
            shown += [term, size, *(functions if len(functions) == 1 else [])]
    return list(dict.fromkeys(shown))


def marked(nodes: Sequence[Any], keys: str | None) -> list[Any]:
    """Nodes marked with the keys of edges, so that a page can light the edge when a person points at its part of a formula.

    Nodes that have keys already keep them: the innermost part counts. Rows are marked with their children: a page may take them apart.

    Examples:
        >>> marked([["mi", {}, ["x"]]], "0-0-0")
        [['mi', {'data-kw-edge': '0-0-0'}, ['x']]]
    """
    if not keys:
        return list(nodes)
    return [node if isinstance(node, str) else _marked(node, keys) for node in nodes]


def _marked(node: list[Any], keys: str) -> list[Any]:
    """A node with the keys of edges as an attribute, unless it has keys or can't be seen; of a row (`mrow`) its children have them, too."""
    tag, attributes, children = node
    if tag == "mspace" or children in _INVISIBLE or EDGE in attributes:
        return node
    return [tag, attributes | {EDGE: keys}, marked(children, keys) if tag == "mrow" else children]
