"""Functions in place of splines, and the formula: methods that hand over to `symbolic`."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any, cast

from typing_extensions import Self

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.core.records import EdgeRef, History, SymbolicFit
from kanwidget.core.reference_data import as_inputs, has_labels
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.datasets import as_dataset
from kanwidget.kan.editing import EditableKAN
from kanwidget.kan.words import MergedLevels, words_of
from kanwidget.surgery._record import listed, record
from kanwidget.training.evidence.errors import valid_posterior
from kanwidget.training.evidence.merges import is_judged, partitions

_log = logging.getLogger(__name__)


@_check.methods_of("KAN")
@limit_threads_of_methods()
class SymbolicKAN(EditableKAN):
    """A network whose edges can become symbolic functions."""

    history: History

    @short_refusals
    def suggest_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        *,
        lib: Iterable[str] | None = None,
        topk: int | None = 5,
        data: Any = None,
        **options: Any,
    ) -> list[SymbolicFit]:
        """The functions that could replace the edge of layer l from node i to subnode j, best first. Changes nothing.

        Functions that differ by less than the network's error count as equal, and the simplest of them comes first: its error on the
        labels of `data`, or without data at the end of the last training. `noise=0` compares the curve alone. With labels an edge that
        has a function is judged by the values that make the outputs right while the other edges stay, and that function is among the
        candidates. `lib` names the functions to try (by default all), `topk` is the most that are returned.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> fits = KAN([2, 1]).suggest_symbolic(0, 0, 0, lib=["x", "x^2", "sin"], topk=2, data=rows)
            >>> len(fits), fits[0].score < fits[1].score
            (2, True)
        """
        from kanwidget import symbolic
        from kanwidget.symbolic.fits.spaces import curve_noise

        if has_labels(data):
            dataset = as_dataset(data, "suggest_symbolic", self.in_vars, self.encoding)
            return symbolic.suggest_symbolic(self, l, i, j, dataset, lib=lib, topk=topk, **options)
        x = as_inputs(self, data, "suggest_symbolic")
        if data is None and self.history.records and "noise" not in options:
            self.check_edge(l, i, j, "suggest_symbolic")
            last = self.history.last
            error = (last.train_loss if last.test_loss is None else last.test_loss) / self.scaling.error_unit
            # The reference data are a sample of the training rows; the posterior has their number, times outputs.
            rows = len(x) if self.posterior is None else max(len(x), self.posterior.rows // self.n_out)
            # How far candidates may miss the curve, as a part of its variance, and count as equal.
            options["noise"] = curve_noise(self, [EdgeRef(l, i, j)], x, error, rows)[0]
        return symbolic.suggest_symbolic(self, l, i, j, x, lib=lib, topk=topk, **options)

    @short_refusals
    def suggest_merges(self, column: str | int) -> list[MergedLevels]:
        """Levels (words) of a column of words, categories, that may have one value, the likeliest grouping first. Changes nothing.

        `merge_levels` takes such a grouping. The levels that differ least are joined, then the next, down to two values. The odds are those
        of the grouping against a value for each level, given the data of the last `fit`.

        Args:
            column: A column of words, by its name or number.

        Raises:
            ValueError: For a column of numbers, where the last training has left no posterior (see `predict`), and where that doesn't
                tell levels apart: with frozen edges, and several that lead to hidden nodes.

        Examples:
            >>> import numpy as np
            >>> from kanwidget import KAN
            >>> town = ["east", "west", "north"] * 20
            >>> noise = np.random.default_rng(0).normal(size=60)
            >>> flats = {"town": town, "rent": [{"east": 8, "west": 8, "north": 12}[one] for one in town] + noise}
            >>> model = KAN.for_data(flats, "rent")
            >>> history = model.fit((flats, "rent"), progress=False)
            >>> model.suggest_merges("town")
            [east or west | north (odds 12 : 1, R² 1)]
        """
        source, names = words_of(self, column, "suggest_merges")
        posterior = valid_posterior(self)
        if posterior is None:
            advice = "Call fit, with opt='LM', without lamb and for 30 steps or more: it leaves the posterior that says what may be one."
            _check.fail("model", "suggest_merges", "a network that was just trained", self, advice)
        if not is_judged(self, source):
            advice = "With frozen edges, or several that lead to hidden nodes, the posterior doesn't tell levels apart."
            _check.fail("column", "suggest_merges", "one whose levels the posterior tells apart", column, advice)
        return [MergedLevels.of(partition, names) for partition in partitions(self, posterior, source)]

    @short_refusals
    def fix_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        name: str,
        *,
        params: Sequence[float] | None = None,
        keep_spline: bool = False,
        data: Any = None,
    ) -> SymbolicFit:
        """Replace the edge of layer l from node i to subnode j by c·f(a·x + b) + d, with the primitive f of a `name`. In place.

        `params` are a, b, c and d in the units of the data; without them they are fitted to the edge. With `params` it needs no data: a
        network that wasn't fitted gets the function, and R² is nan. `keep_spline` leaves a spline beside the function, as a correction.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "sin", params=(2, 0, 3, 0)).equation
            '3*sin(2*x)'
        """
        from kanwidget import symbolic

        # With constants nothing is fitted: data would only tell how well these do, and where the function must be defined.
        unseen = params is not None and data is None and not len(self.reference)
        x = None if unseen else as_inputs(self, data, "fix_symbolic")
        fit = symbolic.fix_symbolic(self, l, i, j, name, x, params=params, keep_spline=keep_spline)
        record(self, "fix", f"fixed edge {(l, i, j)} to {fit.name}")
        return fit

    def unfix_symbolic(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Bring back the spline that a function replaced, on the edge of layer l from node i to subnode j. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([1, 1])
            >>> fit = model.fix_symbolic(0, 0, 0, "sin", data=[[0.0], [0.5], [1.0]])
            >>> model.unfix_symbolic(0, 0, 0)
            >>> model.layer(0).state(0, 0)
            'spline'
        """
        from kanwidget import symbolic

        name = self.check_edge(l, i, j, "unfix_symbolic").symbol(i, j)
        symbolic.unfix_symbolic(self, l, i, j)
        if name is not None:
            record(self, "unfix", f"edge {(l, i, j)} is no longer {name}")

    @short_refusals
    def auto_symbolic(
        self, *, lib: Iterable[str] | None = None, data: Any = None, **options: Any
    ) -> list[tuple[EdgeRef, SymbolicFit]]:
        """Replace splines by functions, the surest first, with a refit and a check after each. In place; see `simplification`.

        `lib` names the functions to try, by default all. With labels in `data` what makes the error on rows that the fit hasn't seen
        worse is taken back. `fit_formula` then gives the formula with its standard errors.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> model = KAN([2, 1])
            >>> [edge for edge, fit in model.auto_symbolic(lib=["x", "sin"], r2_threshold=0, data=rows)]
            [EdgeRef(layer=0, source=0, target=0), EdgeRef(layer=0, source=1, target=0)]
        """
        from kanwidget import simplification

        done = simplification.auto_symbolic(self, data, lib=lib, **options)
        if done:
            record(self, "fix", f"fixed {listed('edge', [edge for edge, _ in done])}")
        self._tell_curves()
        return done

    def _tell_curves(self) -> None:
        """Log which edges stay splines after `auto_symbolic`, if any: a formula would have functions named phi in their places."""
        curves = [edge for edge in self.edge_refs(active=True) if self.layer(edge.layer).state(*edge[1:]) == "spline"]
        if curves:
            advice = (
                "r2_threshold=-1 takes the nearest function of each; suggest_symbolic(l, i, j) shows the candidates."
            )
            kind, edges = "a curve" if len(curves) == 1 else "curves", listed("edge", curves)
            _log.warning("auto_symbolic leaves %s as %s: no function fits well enough. %s", edges, kind, advice)

    def simplify(self, data: Any, **options: Any) -> Self:
        """A new network of functions in place of splines that says the same about the data, as far as their noise can tell.

        Of a sum of curves that `fit` has trained with evidence, straight ones become lines at once. Others are trained with a penalty and
        pruned, and smaller networks are tried, also of the columns' logarithms. Everything is checked on rows that the fit hasn't seen;
        `kanwidget.simplification.simplify_steps` does it in steps that can be watched and stopped, and has the `options`.

        Examples:
            >>> from kanwidget import KAN, create_dataset
            >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], train_num=100, test_num=50)
            >>> small = KAN([2, 3, 1]).simplify(data)
            >>> small.width, small.layer(0).symbol(0, 0), small.layer(0).symbol(1, 0)
            ([[2, 0], [1, 0]], 'x^2', 'x')
        """
        from kanwidget import simplification

        return cast("Self", simplification.simplify(self, data, **options))

    def symbolic_formula(self, var: Sequence[Any] | None = None, **options: Any) -> tuple[list[Any], list[Any]]:
        """The outputs as sympy expressions, and the symbols of the columns; edges with a spline stand in as named functions.

        `var` has names of the columns; by default those of the last `fit`, or x_1, x_2, … `options` are those of
        `kanwidget.symbolic.symbolic_formula`, such as `round` and `simplify`.

        Examples:
            >>> from kanwidget import KAN
            >>> from sympy import symbols, sin
            >>> x, y = symbols("x y")
            >>> KAN.from_formula([sin(2 * x), x + y]).symbolic_formula(["a", "b"])
            ([sin(2.0*a), a + b], [a, b])
        """
        from kanwidget import symbolic

        return symbolic.symbolic_formula(self, self._names(var), **options)

    def _names(self, var: Sequence[Any] | None) -> Sequence[Any] | None:
        """Names of the columns: `var`, or those of the last training; None where there are neither."""
        return var if var is not None or not self.in_vars else self.in_vars

    def formula(self, var: Sequence[Any] | None = None, **options: Any) -> Any:
        """The expression of the output, or a list of several; `fit_formula` tells how sure the constants are.

        Columns have the names in `var`, or those that the network has from `fit`, or x_1, x_2, …; `round=3` leaves constants three
        significant digits, or more where predictions need them. A network has arguments for it (names of the columns, rounding), so this
        is a method; `KANExplorer.formula` is a property, as all that shows the explorer's state.

        Examples:
            >>> from kanwidget import KAN
            >>> from sympy import symbols, sin
            >>> x, y = symbols("x y")
            >>> KAN.from_formula(3 * sin(x) + y).formula(["a", "b"])
            b + 3.0*sin(a)
        """
        from kanwidget import symbolic

        return symbolic.formula(self, self._names(var), **options)

    def fit_formula(self, data: Any, var: Sequence[Any] | None = None, *, exponents: str = "free") -> Any:
        """The formula with its constants fitted to data, without needless ones, with standard errors; see `kanwidget.symbolic`.

        `data` have labels, as in `fit`; `var` has names of the columns. With `exponents="exact"` those of the network's functions stay.

        Examples:
            >>> from kanwidget import KAN
            >>> from sympy import symbols
            >>> x, y = symbols("x y")
            >>> data = ([[0.0, 1.0], [1.0, 2.0], [2.0, 0.0], [3.0, 1.0], [4.0, 3.0]], [1.1, 3.9, 4.1, 6.9, 11.0])
            >>> KAN.from_formula(2 * x + y).fit_formula(data)
            y = 1.993*x_1 + x_2
            constants 1.99 ± 0.02
        """
        from kanwidget import symbolic

        return symbolic.fit_formula(self, data, var, exponents=exponents)

    def formula_forms(self, data: Any, var: Sequence[Any] | None = None, *, seconds: float = 20.0) -> list[Any]:
        """The formula as trained, expanded, factored and rounded, each with its error on the data; see `kanwidget.symbolic`.

        `data` have labels, as in `fit`; `var` has names of the columns; after about so many `seconds` forms that aren't ready are left out.

        Examples:
            >>> from kanwidget import KAN
            >>> from sympy import symbols
            >>> x, y = symbols("x y")
            >>> data = ([[0.0, 1.0], [1.0, 2.0], [2.0, 0.0], [3.0, 1.0], [4.0, 3.0]], [1.1, 3.9, 4.1, 6.9, 11.0])
            >>> [form.name for form in KAN.from_formula(2 * x + y).formula_forms(data)]
            ['as trained', 'rounded']
        """
        from kanwidget import symbolic

        return symbolic.formula_forms(self, data, var, seconds=seconds)
