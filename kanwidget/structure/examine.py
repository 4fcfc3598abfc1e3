"""`examine`, and the questions that take one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.core.threads import limit_threads
from kanwidget.structure import ensembles
from kanwidget.structure.findings import Finding, Findings
from kanwidget.structure.structure import Structure
from kanwidget.structure.subjects import subject_of
from kanwidget.structure.tree import Tree

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName

#: Fewest points that a verdict can rest on.
_FEWEST_POINTS = 10


@short_refusals
@limit_threads
def examine(
    subject: Any,
    data: Any = None,
    *,
    target: str | None = None,
    output: str | int | None = None,
    tolerance: float | None = None,
    members: int = ensembles.MEMBERS,
    steps: int = 60,
    seed: int = 0,
) -> Structure:
    """Find the structure of a function, a trained network or a table: columns that don't matter, sums, products, groups, symmetries.

    Each structure is a polynomial in value, gradient and Hessian that vanishes where it holds; for y = f(x_1, …) + g(x_2, …) it is
    ∂²y/∂x_1∂x_2. How far it is from 0, relative to the size of its terms, is the *violation*. It is compared with a *threshold* that
    follows from the error of the derivatives: rounding for a function, the spread of an ensemble for what is learned from data.
    What holds for an exact function is confirmed by values: derivatives of |x - y|, or of steps, don't tell its form.

    Args:
        subject: A function of float64 tensors, `(n, columns)` → `(n,)` or `(n, outputs)`, row by row, or a torch module, of which a
            float64 copy is examined; or a network; or a table: a `Dataset`, a pair (inputs, labels), a pykan dict, or a frame with
            `target`. For a table an ensemble of networks is trained; rows of weight 0 are left out.
        data: Of a function: the points, an array or frame of at least 10 rows. Of a network: nothing or points, and it is taken as an exact
            function; or the labelled data that it has learned, and copies refitted to rows drawn again show its error.
        target: The column of a frame that is to be explained; the others are inputs.
        output: Name or number of the output, where there are several.
        tolerance: The violation that counts as none, 0 to 1: by default 1e-6 for what is known exactly, and 0.05 for what is learned.
        members: Networks of an ensemble, ≥ 3.
        steps: Most steps of each training.
        seed: Of the ensemble; the same seed gives the same result, and the global random state isn't used.

    Returns:
        A `Structure`, which answers all questions from this one fit, in the names and units of the columns.

    Raises:
        ValueError: For data that don't fit, too few rows or points, and derivatives that are nowhere finite.
        TypeError: For what is neither a function nor a network nor a table.

    Examples:
        >>> import torch
        >>> points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> structure = examine(lambda x: x[:, 0] * torch.exp(-x[:, 1]), points)
        >>> structure.irrelevant().holding
        statement               verdict  violation  threshold
        y doesn't depend on x_3  holds    0 ± 0      1e-06
        >>> structure.multiplicative().statement
        'y = f(x_1)·g(x_2)'

    References:
        Udrescu, Tegmark, "AI Feynman: a physics-inspired method for symbolic regression", arXiv:1905.11481;
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205.
    """
    _check.integer(members, "members", "examine", low=3, advice="The spread of fewer says little.")
    _check.integer(steps, "steps", "examine", low=1)
    _check.integer(seed, "seed", "examine", low=0)
    if tolerance is not None:
        _check.real(tolerance, "tolerance", "examine", low=0, high=1, open_low=True)
    structure = Structure(subject_of(subject, data, target, output, members, steps, seed), tolerance)
    count = len(structure.field.x)
    if count < _FEWEST_POINTS:
        total = len(structure.subject.points)
        advice = "Give more points, or narrow their ranges to where the function and its derivatives are finite."
        expected = f"with at least {_FEWEST_POINTS} points of finite derivatives"
        _check.fail("data", "examine", expected, f"{count} of {total} points", advice)
    return structure


def detect_irrelevant(subject: Any, data: Any = None, **options: Any) -> Findings:
    """The columns that a function doesn't depend on; arguments as of `examine`.

    Examples:
        >>> import torch
        >>> points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> [finding.verdict for finding in detect_irrelevant(lambda x: x[:, 1] ** 2, points)]
        ['holds', 'fails']
    """
    return examine(subject, data, **options).irrelevant()


@short_refusals
def detect_separability(subject: Any, data: Any = None, mode: Literal["add", "mul"] = "add", **options: Any) -> Finding:
    """The finest partition of the columns into terms of a sum (`add`) or factors of a product (`mul`); arguments as of `examine`.

    Examples:
        >>> import torch
        >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> detect_separability(lambda x: x[:, 0] * x[:, 1] + x[:, 2], points).groups
        (('x_1', 'x_2'), ('x_3',))
    """
    _check.choice(mode, "mode", "detect_separability", ("add", "mul"))
    structure = examine(subject, data, **options)
    return structure.additive() if mode == "add" else structure.multiplicative()


def detect_symmetries(subject: Any, data: Any = None, **options: Any) -> Findings:
    """The forms of two columns through which a function depends on them; arguments as of `examine`.

    Examples:
        >>> import torch
        >>> points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> [finding.form for finding in detect_symmetries(lambda x: torch.exp(x[:, 0] - x[:, 1]), points)]
        ['x-y']
    """
    return examine(subject, data, **options).symmetries()


def build_tree(subject: Any, data: Any = None, **options: Any) -> Tree:
    """The function taken apart, part by part; arguments as of `examine`.

    Examples:
        >>> import torch
        >>> points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> build_tree(lambda x: torch.sin(x[:, 0] + x[:, 1]) * x[:, 2], points)
        y = f(x_1 + x_2)·g(x_3)
    """
    return examine(subject, data, **options).tree()


@short_refusals
def plot_tree(
    subject: Any, data: Any = None, *, theme: ThemeName = "auto", title: Any = None, **options: Any
) -> Figure:
    """Draw the tree of a function: columns below, the target above; a `Tree`, a `Structure`, or what `examine` takes.

    Args:
        subject: A `Tree`, a `Structure`, or as in `examine`.
        data: As in `examine`; of a tree or a structure there is none.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing; by default the formula.
        **options: As in `examine`; of a tree or a structure there are none.

    Returns:
        A figure, which shows itself in a notebook.

    Raises:
        ValueError: For data or options beside a tree or a structure, which would have no effect.

    Examples:
        >>> import torch
        >>> points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> figure = plot_tree(lambda x: x[:, 0] + torch.exp(x[:, 1]), points, theme="light")
    """
    if isinstance(subject, (Structure, Tree)):
        ignored = {"data": data} if data is not None else options
        for name, value in ignored.items():
            advice = "Say it in examine, which made it."
            _check.fail(name, "plot_tree", f"left out for a {type(subject).__name__}", value, advice)
    if isinstance(subject, Structure):
        subject = subject.tree()
    tree = subject if isinstance(subject, Tree) else build_tree(subject, data, **options)
    return tree.plot(theme=theme, title=title)
