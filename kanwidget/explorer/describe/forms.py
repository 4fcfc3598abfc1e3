"""Other forms of the formula for the browser: each with its error and its constants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import torch

from kanwidget.core.chance import is_as_good
from kanwidget.datasets import Dataset
from kanwidget.explorer.describe.formula import distinct
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.protocol.records import MathNode
from kanwidget.explorer.session.samples import judged_rows
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

if TYPE_CHECKING:
    from kanwidget.symbolic import FormulaForm


class FormRow(TypedDict):
    """One form of the formula."""

    name: str
    """`as trained`, `expanded`, `factored` or `rounded`."""
    outputs: list[MathNode]
    """A MathML tree an output."""
    text: str
    latex: str
    python: str
    error: float | None
    """As in the status line: on the held-out rows where there are some, in the target's unit."""
    constants: list[MathNode]
    """MathML trees, each a constant with its standard error."""
    meaning: str
    """What the numbers say, where they are scores of classes; and a line for each column of words in it."""
    verdict: str
    """Whether it is as good as the form as trained, and which form is to be preferred; "" of the one as trained."""


def form_rows(session: Session, model: KAN) -> Iterator[FormRow]:
    """The forms, one after the other as they are worked out; each may take seconds.

    Args:
        session: Gives data and names, which are read at once.
        model: A copy of its network: the session may go on meanwhile.
    """
    loss = session.run.trainer.loss
    # Columns may share a name, symbols may not. Errors can be compared for squares and for classes, not for a loss of the user's own.
    display = dict(zip(distinct(session.in_vars), session.in_vars, strict=True))
    return _rows(model, session.data, display, loss.root or loss.classes)


def fitted_row(session: Session) -> FormRow | None:
    """The form named `rounded`: the formula with the constants that the third step has fitted to the data.

    None where that wasn't done with the network as it is.
    """
    fitted = None if session.formula_result is None else session.formula_result.fitted
    if fitted is None:
        return None
    form, loss = fitted_form(fitted), session.run.trainer.loss
    display = dict(zip((symbol.name for symbol in form.variables), session.in_vars, strict=True))
    return _row(form, session.model, session.data, display, loss.root or loss.classes)


def fitted_form(fitted: Any) -> FormulaForm:
    """A `FittedFormula`, or several of one network, one an output or class, as the form named `rounded`."""
    from kanwidget.symbolic import FittedFormula, FormulaForm

    formulas = (fitted,) if isinstance(fitted, FittedFormula) else tuple(fitted)
    return FormulaForm.of("rounded", formulas, formulas[0].error)


def _rows(model: KAN, data: Dataset, display: dict[str, str], has_error: bool) -> Iterator[FormRow]:
    """The forms of a network's formula (as trained, expanded, factored, rounded), without those that repeat an earlier one.

    Args:
        model: The network.
        data: The rows on which constants are fitted and errors count.
        display: Names in print of the columns by the names of their symbols, in the order of the columns.
        has_error: Whether forms get an error and a verdict: not for a loss of the user's own.
    """
    from kanwidget.symbolic import form_steps

    rows: list[FormRow] = []
    for form in form_steps(model, data, list(display)):
        row = _row(form, model, data, display, has_error)
        if not says_the_same(row, rows):
            rows.append(row)
            yield row


def says_the_same(row: FormRow, others: Sequence[FormRow]) -> bool:
    """Whether one of the other forms has the same text, constants and lines below (`meaning`), such as the values of words."""

    def said(form: FormRow) -> tuple[object, ...]:
        return form["text"], form["constants"], form["meaning"]

    return any(said(row) == said(other) for other in others)


def _row(form: FormulaForm, model: KAN, data: Dataset, display: dict[str, str], has_error: bool) -> FormRow:
    """A form of the formula of `model` as the page gets it.

    `display` has the columns' names in print by the names of their symbols. Without `has_error` there are no error and no verdict.
    """
    from kanwidget.symbolic import math_tree, to_text

    error, as_good = form_figures(form, model, data) if has_error else (None, None)
    form = form.as_read  # of columns of words: 4·f(town) becomes f(town) with values four times as large
    pairs = list(zip(form.outputs, form.expressions, strict=True))
    # A sentence on the constants that the data don't determine; `certain` has value and error of each of the others.
    uncertain: list[MathNode] = [["math", {}, [["mtext", {}, [form.uncertain]]]]] if form.uncertain else []
    return {
        "name": form.name,
        "outputs": [math_tree(expr, display, functions=form.names, left=out) for out, expr in pairs],
        "text": "; ".join(f"{out} = {to_text(expr, functions=form.names)}" for out, expr in pairs),
        "latex": form.latex_of(display),
        "python": form.words.code(form.expressions, form.variables),
        "error": error,
        "constants": [*(value_and_error(*pair) for pair in form.certain), *uncertain],
        "meaning": "\n".join(filter(None, [*form.words.lines(form.expressions, form.names), form.meaning])),
        "verdict": _verdict(form.name, as_good),
    }


def _verdict(name: str, as_good: bool | None) -> str:
    """The words beside the form `name`: whether it is as good as the one as trained, None where there is no error.

    There are none for the form as trained, which the others are compared with, and without an error.
    """
    if as_good is None or name == "as trained":
        return ""
    if not as_good:
        return "worse than as trained by more than the noise"
    preferred = "preferred: " if name == "rounded" else ""
    return f"{preferred}as good as trained within the noise"


def form_figures(form: FormulaForm, model: KAN, data: Dataset) -> tuple[float | None, bool]:
    """The error of a form (the formula of `model` written in one way, such as rounded), and whether it is as good as the network.

    As good is what isn't worse by more than the noise of the rows may do by chance.

    The error is that of the status line: on the test data, without any on the training data; of classes their cross-entropy. None where it
    isn't finite.
    """
    from kanwidget.symbolic.formulas.evaluation import to_numpy

    x, label, weight = judged_rows(data)
    # How much each row counts in the mean, 1 on average.
    share = 1.0 if weight is None else (weight * len(weight) / weight.sum()).detach().cpu()
    values = torch.as_tensor(to_numpy(list(form.expressions), form.variables, model)(x.detach().cpu().numpy()))
    with torch.no_grad():
        trained = model(x).detach().cpu()
    label = label.detach().cpu()
    # `before` and `after` are the losses of each row, of the network and of the form.
    if data.is_classification:  # a form has no score of the first class, against which the others count: it is 0
        scores, target = torch.cat([values.new_zeros(len(values), 1), values], 1), label.long().flatten()
        before, after = (torch.nn.functional.cross_entropy(s, target, reduction="none") for s in (trained, scores))
        return finite(float((share * after).mean())), is_as_good(share * before, share * after)
    scaling = model.scaling
    target = scaling.scaled_outputs(label.to(model.device))
    before, after = (
        share * (scaling.scaled_outputs(value.to(target)) - target).square().mean(1).cpu()
        for value in (trained, values)
    )
    return finite(float(after.mean().sqrt()) * scaling.error_unit), is_as_good(before, after)


def value_and_error(value: float, error: float) -> MathNode:
    """A constant with its standard error as a MathML tree.

    Examples:
        >>> value_and_error(0.12034, 0.00012)[2]
        [['mn', {}, ['0.1203']], ['mo', {}, ['±']], ['mn', {}, ['0.0001']]]
    """
    from kanwidget.symbolic.writing.precision import with_error

    # A power of ten stands once, behind both: (3.04 ± 0.08)·10⁶.
    common = re.fullmatch(r"\((.*)\)e([-+]\d+)", with_error(value, error))
    row: list[MathNode] = []
    for i, part in enumerate((common[1] if common else with_error(value, error)).split(" ± ")):
        row += [["mo", {}, ["±"]]] if i else []
        row += _written_number(part)
    if common is None:
        return ["math", {}, row]
    fence: dict[str, str] = {"stretchy": "false"}
    fenced = [["mo", fence, ["("]], *row, ["mo", fence, [")"]]]
    return ["math", {}, [*fenced, *_power_of_ten(int(common[2]))]]


def _written_number(text: str) -> list[MathNode]:
    """The MathML nodes of a number from its text, such as `-1.20e+05`, with just its digits; any other text as text."""
    match = re.fullmatch(r"(-?)([\d.]+)(?:e([-+]\d+))?", text)
    if match is None:
        return [["mtext", {}, [text]]]
    sign, mantissa, exponent = match.groups()
    row: list[MathNode] = [*([_MINUS] if sign else []), ["mn", {}, [mantissa]]]
    return [*row, *(_power_of_ten(int(exponent)) if exponent else [])]


_MINUS: MathNode = ["mo", {"form": "prefix"}, ["\u2212"]]


def _power_of_ten(exponent: int) -> list[MathNode]:
    """The MathML nodes of a factor behind a number: a dot, and 10 to the `exponent`."""
    power = ["mrow", {}, [*([_MINUS] if exponent < 0 else []), ["mn", {}, [str(abs(exponent))]]]]
    return [["mo", {}, ["·"]], ["msup", {}, [["mn", {}, ["10"]], power]]]
