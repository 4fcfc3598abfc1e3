"""Functions in place of splines by pykan's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from kanwidget import _check, simplification
from kanwidget.pykan.functions import SymbolicRow, symbolic_row
from kanwidget.pykan.network import starts
from kanwidget.pykan.network.structure import EditableNetwork
from kanwidget.pykan.words import say_ignored


class SymbolicNetwork(EditableNetwork):
    """A network whose edges can become functions."""

    # ---- functions

    def fix_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        fun_name: str,
        fit_params_bool: bool = True,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        verbose: bool = True,
        random: bool = False,
        log_history: bool = True,
    ) -> float | None:
        """Replace an edge by c·f(a·x + b) + d. In place.

        Args:
            l: The edge's layer.
            i: Its input.
            j: Its output.
            fun_name: Name of f.
            fit_params_bool: Whether a, b, c and d are fitted to the edge; else they are 1, 0, 1, 0.
            a_range: No effect: the search finds its range.
            b_range: No effect.
            verbose: Whether to print R².
            random: Whether constants that aren't fitted are drawn between -1 and 1.
            log_history: No effect.

        Returns:
            R², or None for constants that weren't fitted.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "tanh", fit_params_bool=False)
            >>> model.symbolic_formula()[0]
            [tanh(x_1)]
        """
        if not isinstance(fun_name, str):
            advice = "add_symbolic(name, fun) gives a function of your own a name."
            _check.fail("fun_name", "fix_symbolic", "the name of a function", fun_name, advice)
        if not fit_params_bool:
            params = (2 * torch.rand(4) - 1).tolist() if random else (1.0, 0.0, 1.0, 0.0)
            self.network.fix_symbolic(l, i, j, fun_name, params=params)
        else:
            fit = self.network.fix_symbolic(l, i, j, fun_name)
            if verbose:
                print(f"r2 is {fit.r2:.10g}")
        self._store(next_version=True)  # keeps a copy as the next version, to go back to
        return fit.r2 if fit_params_bool else None

    def unfix_symbolic(self, l: int, i: int, j: int, log_history: bool = True) -> None:  # noqa: E741
        """Bring back the spline that a function replaced, on the edge of layer l from node i to subnode j. In place.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
            >>> model.unfix_symbolic(0, 0, 0)
            >>> model.symbolic_fun[0].funs_name
            [['0']]
        """
        self.network.unfix_symbolic(l, i, j)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def unfix_symbolic_all(self, log_history: bool = True) -> None:
        """Bring back the splines that functions replaced, on all edges. In place; `log_history` has no effect."""
        for edge in self.network.edge_refs(active=True):
            if self.network.layer(edge.layer).symbol(edge.source, edge.target) is not None:
                self.network.unfix_symbolic(*edge)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def set_mode(self, l: int, i: int, j: int, mode: str, mask_n: float | None = None) -> None:  # noqa: E741
        """Make the edge of layer l from node i to subnode j its function (mode `s`), its spline (`n`), both (`ns`), or nothing (others).

        In place. `mask_n` has no effect.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
            >>> model.set_mode(0, 0, 0, mode="ns")
            >>> model.network.layer(0).state(0, 0)
            'both'
        """
        layer = self.network.check_edge(l, i, j, "set_mode")
        self._notice_own_loops()
        symbol = layer.symbol(i, j)
        if mode == "n" and symbol is not None:
            self.network.unfix_symbolic(l, i, j)
        elif mode == "n":
            self.network.restore_edge(l, i, j)
        elif mode in ("s", "sn", "ns") and symbol is None:
            _check.fail("mode", "set_mode", "'n' for an edge without a function", mode, "fix_symbolic gives it one.")
        elif mode in ("s", "sn", "ns"):
            layer.spline_on[j, i] = mode != "s"
        else:
            self.network.remove_edge(l, i, j)
        # What was written here is no training of a person's own; and a later one keeps what was decided, it tries no other starts.
        self._trace, self._is_random = starts.write_trace(self.network), False

    def suggest_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        lib: Iterable[str] | None = None,
        topk: int = 5,
        verbose: bool = True,
        r2_loss_fun: Any = None,
        c_loss_fun: Any = None,
        weight_simple: float | None = None,
    ) -> tuple[str, SymbolicRow, float, float]:
        """The function that could best replace an edge. Changes nothing.

        Args:
            l: The edge's layer.
            i: Its input.
            j: Its output.
            a_range: No effect: the search finds its range.
            b_range: No effect.
            lib: Names of the functions to try.
            topk: How many are printed.
            verbose: Whether they are printed.
            r2_loss_fun: No effect.
            c_loss_fun: No effect.
            weight_simple: Ranks as pykan does, with this weight of simplicity; by default as kanwidget does.

        Returns:
            Its name, its row of `SYMBOLIC_LIB`, R² and its complexity.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1])
            >>> model.get_act(torch.linspace(-1, 1, 50)[:, None])
            >>> name, row, r2, complexity = model.suggest_symbolic(0, 0, 0, lib=["x", "sin"], verbose=False)
            >>> name in ("x", "sin")
            True
        """
        if r2_loss_fun is not None or c_loss_fun is not None:
            say_ignored(
                "suggest_symbolic", "weight_simple chooses the ranking.", r2_loss_fun=r2_loss_fun, c_loss_fun=c_loss_fun
            )
        options = {} if weight_simple is None else {"weight_simple": weight_simple}
        fits = self.network.suggest_symbolic(l, i, j, lib=lib, topk=topk, **options)
        if not fits:
            raise ValueError(
                f"no function of the library is defined on the values of edge {(l, i, j)}; give another `lib`."
            )
        if verbose:
            print(f"{'function':>12} {'r2':>12} {'complexity':>10}")
            for fit in fits:
                print(f"{fit.name:>12} {fit.r2:12.6f} {fit.complexity:10g}")
        best = fits[0]
        return best.name, symbolic_row(best.name), best.r2, best.complexity

    def auto_symbolic(
        self,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        lib: Iterable[str] | None = None,
        verbose: int = 1,
        weight_simple: float | None = None,
        r2_threshold: float = 0.0,
    ) -> None:
        """Replace the splines by functions. In place.

        Args:
            a_range: No effect: the search finds its range.
            b_range: No effect.
            lib: Names of the functions to try.
            verbose: Whether to print what was done.
            weight_simple: Ranks as pykan does, with this weight of simplicity; by default as kanwidget does.
            r2_threshold: Edges stay splines below this R²; at 0 all become functions.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1])
            >>> model.get_act(torch.linspace(-1, 1, 50)[:, None])
            >>> model.auto_symbolic(lib=["x", "sin"], verbose=0)
            >>> model.symbolic_fun[0].funs_name[0][0] in ("x", "sin")
            True
        """
        options: dict[str, Any] = {"lib": lib} | ({} if weight_simple is None else {"weight_simple": weight_simple})
        if r2_threshold > 0:
            done = self.network.auto_symbolic(**options, r2_threshold=r2_threshold)
        else:  # first the functions that fit, then the nearest one for each spline that is left: in pykan a formula has no splines
            done = simplification.auto_symbolic(self.network, **options)
            done = [*done, *self.network.auto_symbolic(**options, r2_threshold=-1.0)]
        if verbose:
            for edge, fit in done:
                print(f"fixing {tuple(edge)} with {fit.name}, r2={fit.r2:.10g}, c={fit.complexity:g}")
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def symbolic_formula(
        self, var: Sequence[Any] | None = None, normalizer: Any = None, output_normalizer: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """The outputs as sympy expressions, and the variables. Splines stand in as named functions.

        Args:
            var: A name, symbol or expression for each column.
            normalizer: Means and standard deviations of the columns, if the network saw standardized ones.
            output_normalizer: Those of the outputs.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> import sympy
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "exp", fit_params_bool=False)
            >>> model.symbolic_formula(var=[sympy.Symbol("v") / 2])[0]
            [exp(v/2)]
        """
        import sympy

        options = {"input_scaler": normalizer, "output_scaler": output_normalizer}
        expressions = var is not None and any(isinstance(v, sympy.Expr) and not v.is_Symbol for v in var)
        if not expressions:
            return self.network.symbolic_formula(var, **options)
        # First a formula of new symbols, then the expressions in their places: these may hold symbols of other columns.
        places = [sympy.Dummy() for _ in var or ()]
        outputs, _ = self.network.symbolic_formula(places, **options)
        by_place = dict(zip(places, map(sympy.sympify, var or ()), strict=True))
        return [y.subs(by_place) for y in outputs], list(by_place.values())
