"""The order of the strategies, and the smaller tables that they lead to."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from kanwidget.discovery.engine.coefficients import coefficient_forms, curves_of_coefficients
from kanwidget.discovery.engine.curves import curves
from kanwidget.discovery.engine.fractions.inner import rationals_with_function
from kanwidget.discovery.engine.fractions.links import linked_rationals
from kanwidget.discovery.engine.fractions.noisy import (
    noisy_fractions,
    noisy_polynomials,
    noisy_sums,
    sums_with_function,
)
from kanwidget.discovery.engine.fractions.polynomials import rational_functions
from kanwidget.discovery.engine.parts import compounds_of, curves_of_parts, curves_of_terms
from kanwidget.discovery.engine.pool import Reported
from kanwidget.discovery.engine.reductions import Reduction, reductions, sample_of
from kanwidget.discovery.engine.scans.atoms import Atoms
from kanwidget.discovery.engine.scans.strategies import (
    functions_of,
    monomials,
    offer_powers,
    products_with_functions,
    scan_products,
    scan_residuals,
    scan_sums,
    small_trees,
)
from kanwidget.discovery.engine.separation import Separation, near_enough, separations
from kanwidget.discovery.engine.shortening import share_constants, simplify_stepwise
from kanwidget.discovery.engine.similarity.dimensions import Dimensions, products_by_symmetries, products_by_units
from kanwidget.discovery.engine.similarity.laws import similarity_laws
from kanwidget.discovery.engine.surrogates import Surrogate, formula_surrogate, network_surrogates
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import COMMON
from kanwidget.discovery.engine.trees import Tree, columns_of, complexity, number

#: Most atoms in memory, of 256 numbers each, most functions of products, and most products with a function.
_ATOMS, _FUNCTIONS, _PRODUCTS = 120_000, 12_000, 8000
#: Smaller tables are searched where a formula has at most this error, at most so many, and so many reductions deep.
_ROUGH, _REDUCTIONS, _DEEPEST = 0.05, 4, 3
#: The same for networks, whose error of noisy rows is that of the noise.
_NOISY = 0.1
#: Complexity of terms that share columns, above which a shorter function is looked for.
_LONG_COMPOUND = 12.0
#: Steps of the search for curves that count as quick.
_CURVES = 50
#: Fewer columns also come in products.
_FEW_COLUMNS = 4
#: Steps in a table that only units suggest, until a rough formula must be there.
_FIRST_STEPS = 40
#: Rows that a network needs.
_FEWEST_ROWS = 50
#: Atoms up to which a smaller table is searched to the end.
_FEW_ATOMS = 15_000
#: What is tried in the first second or two, in some seconds more, and in tens of seconds.
Stage = Literal["first", "quick", "slow"]
STAGES: tuple[Stage, ...] = ("first", "quick", "slow")


class FindingText(str):
    """A text that says what is known of the target."""

    __slots__ = ()


class Strategies:
    """The order of the strategies: what is quick and often right comes first, in the table and in the smaller ones.

    Args:
        table: The table.
        names: Of its columns, for words.
        target: What y is called.
        depth: How many reductions lead to this table.
        dimensions: Of columns and target, where units are known.
        networks: Whether networks may be trained.
    """

    def __init__(
        self,
        table: EngineTable,
        names: Sequence[str],
        target: str,
        depth: int = 0,
        dimensions: Dimensions | None = None,
        *,
        networks: bool = True,
    ) -> None:
        """Begin with no smaller tables, and with the generators of atoms and of curves at their start.

        The table's pool takes the formulas; `names` are its columns', `target` is what y is called; `depth` reductions led to this table.
        """
        self.table, self.names, self.target, self.depth = table, names, target, depth
        # Units of columns and target; whether networks may be trained.
        self.dimensions, self.networks = dimensions, networks
        # Whether y was searched as a form of functions of columns, and whether the smallest atoms were scanned.
        self.is_separated = self.is_scanned = False
        # By the key of the reduction that led to a smaller table: it, the search there, and which of its formulas came here.
        self.smaller: dict[tuple[Tree, ...], tuple[Reduction, Strategies, Reported]] = {}
        self.levels = small_trees(table, _ATOMS)  # yields atoms, small formulas that scans combine, of rising size
        self.curves = self._curves()

    @functools.cached_property
    def _forms(self) -> list[Separation]:
        """Y as a sum, as a product, and as a sum of products of functions of one column each, as splines fit them."""
        return separations(self.table)

    def run(self, stages: Iterable[Stage]) -> Iterator[str]:
        """The strategies of some stages, one after the other: each yields in words what it tries; its formulas go into the pool."""
        if "first" in stages:
            yield from self._by_units()
            yield from self.first()
            share_constants(self.table)
            yield from curves_of_terms(self.table)
            yield from self._by_compounds()
            share_constants(self.table)
        if "quick" in stages:
            yield from self.quick()
            yield from simplify_stepwise(self.table)
        if "slow" in stages:
            yield from self.slow()
            yield from simplify_stepwise(self.table)

    def first(self) -> Iterator[str]:
        """A second or two of strategies: functions as laws have them, fractions, sums of products, and products of powers.

        Their formulas go into the table's pool; it yields in words what is tried.
        """
        table = self.table
        offer_powers(table)
        yield from self._natural()
        yield from rational_functions(table)
        yield from linked_rationals(table)
        yield from noisy_polynomials(table)
        yield from noisy_fractions(table)
        yield from noisy_sums(table)
        if not self.depth:  # no reduction led here: this is the whole table
            yield from sums_with_function(table)
        yield from self._by_similarity()

    def quick(self) -> Iterator[str]:
        """Some seconds of strategies: in tables of fewer columns, scans of atoms (small formulas), networks, fractions and curves.

        It yields in words what it tries.
        """
        table = self.table
        for key in list(self.smaller):  # of each smaller table its own `Strategies`, in place 1
            yield from self._brought(key, self.smaller[key][1].quick())
        for label, atoms in itertools.islice(self.levels, 2):  # the atoms of the two smallest sizes
            yield from scan_products(table, atoms, label)
            yield from scan_sums(table, atoms, label)
            if not self.is_scanned:  # once, after the smallest atoms
                yield from self._by_parts()
                yield from self._by_network()
                yield from scan_residuals(table, atoms, label)
                yield from rationals_with_function(table)
                if not self.depth:  # only in the whole table, which no reduction led to; in smaller ones `slow` does it
                    yield from self._monomials()
            self.is_scanned = True
        yield from itertools.islice(self.curves, _CURVES)  # the first steps of a generator that `slow` exhausts
        if self.depth and len(table.indices) < 3:  # few columns have few atoms: those of the next size, too
            yield from self._level(next(self.levels))
        yield from self._by_formula()

    def slow(self) -> Iterator[str]:
        """Tens of seconds: tables of fewer columns again, all curves, scans of larger atoms (formulas); nothing before `quick` was done.

        It yields in words what it tries.
        """
        if not self.is_scanned:
            return
        # Tables of the fewest columns first; in place 1 is the `Strategies` of a smaller table.
        for key in sorted(self.smaller, key=len):
            yield from self._brought(key, self.smaller[key][1].slow())
        if self.depth:  # reductions led here; in the whole table `quick` did it
            yield from self._monomials()
        yield from self.curves
        yield from self._by_formula()
        for level in self.levels:  # a label, and atoms up to one size more each time
            if self.depth and len(level[1]) > _FEW_ATOMS:
                return
            yield from self._level(level)
            yield from self._by_formula()

    def _level(self, level: tuple[str, Atoms]) -> Iterator[str]:
        """Search for y as a product, and for common functions of y as sums, of one or two atoms: small formulas, with a label in words."""
        label, atoms = level
        yield from scan_products(self.table, atoms, label)
        yield from scan_sums(self.table, atoms, label, COMMON)

    def _monomials(self) -> Iterator[str]:
        """Try formulas of functions of products of powers of the columns, and of such products times a function; yields what is tried."""
        table = self.table
        # The largest exponent: of many columns there are too many products.
        largest = 2 if len(table.indices) <= _FEW_COLUMNS else 1
        yield from self._level(("functions of products", functions_of(table, monomials(table, largest), _FUNCTIONS)))
        atoms = products_with_functions(table, monomials(table, largest), _PRODUCTS)
        yield from scan_sums(table, atoms, "products with a function", COMMON)

    def _natural(self) -> Iterator[str]:
        """Search y as a product or sum of functions of one column each, such as laws have: the first family of curves only.

        It yields in words what is tried.
        """
        table = self.table
        if len(table.indices) > 1:
            # Sums and products of splines of each column that fit y best.
            for form in near_enough(self._forms, math.inf):
                yield from curves_of_parts(table, form, stages=1)
        yield from self._curves(stages=1)

    def _curves(self, stages: int | None = None) -> Iterator[str]:
        """Offer formulas of one variable, curves, where there is one column; yields what is tried.

        `stages` says how many families of curves are tried, all by default.
        """
        table = self.table
        if len(table.indices) > 1:
            return
        for curve in curves(table.columns[0], table.y, table.weights, operations=table.operations, stages=stages):
            if curve is not None:
                table.offer([curve.tree], f"a curve of {self.names[0]}")
            if curve is None or stages is None:  # None is a sign of life; of a few families only that ends a step
                yield f"trying curves of {self.names[0]}"

    # ---- smaller tables

    def _by_formula(self) -> Iterator[str]:
        """Search the tables of fewer columns that the best formula's derivatives suggest, if it is nearly right; yields what is tried."""
        best = self.table.pool.best
        if best is not None and best.error < _ROUGH and self._may_reduce():
            # The pool's error is a part of y's spread, a surrogate's a part of y's size.
            relative = best.error * self.table.pool.spread / float(self.table.y.abs().median() or 1.0)
            yield from self._reduced(formula_surrogate(self.table, best.tree, relative))

    def _by_network(self) -> Iterator[str]:
        """Search y as functions of one column each that are as near as a trained network, then tables of fewer columns that it suggests.

        It yields in words what is tried.
        """
        if not self._may_reduce():
            return
        surrogate: Surrogate | None = None
        if self.networks and len(self.table) >= _FEWEST_ROWS:
            for step in network_surrogates(self.table):
                if isinstance(step, str):
                    yield step
                else:
                    surrogate = step
        yield from self._by_parts(surrogate.error if surrogate is not None else math.inf)
        # A network's error of noisy rows is that of the noise: it may be larger than a formula's.
        if surrogate is not None and surrogate.error < _NOISY:
            yield from self._reduced(surrogate)

    def _by_parts(self, near: float | None = None) -> Iterator[str]:
        """Search y as a sum or product of functions of one column each; where no such form is near enough, as y = T·f(x) + w·g(x).

        Args:
            near: Relative error of a trained network, inf where there is none; None before that is tried: forms must then leave
                nothing but noise.

        Yields:
            In words, what is tried, and the forms as findings.
        """
        table = self.table
        if self.is_separated or table.pool.is_exact or not self._may_reduce():
            return
        best = table.pool.best.error if table.pool.best is not None else math.inf
        # From a part of y's size to a part of its spread.
        size = math.inf if near is None else near * float(table.y.abs().median()) / table.pool.spread
        forms = near_enough(self._forms, min(best, size))
        if near is None:
            forms = [form for form in forms if form.leaves_noise(table)]
        self.is_separated = bool(forms)
        for place, form in enumerate(forms):
            text = form.text(self.names, self.target)
            # A sum and a product are never both the law: noise hides which of them it is.
            yield FindingText(f"or, hardly worse, {text}" if place else text)
            yield from curves_of_parts(table, form)
        if forms:
            return
        # Coefficients of columns, where these are functions of one argument.
        linear = coefficient_forms(table, min(best, size))
        if near is None:
            linear = [form for form in linear if form.leaves_noise(table)]
        self.is_separated = bool(linear)
        for sum_ in linear:
            yield FindingText(sum_.text(self.names, self.target))
            yield from curves_of_coefficients(table, sum_)

    def _may_reduce(self) -> bool:
        """Whether smaller tables may be searched: there is more than one column, and few reductions have led to this table."""
        return len(self.table.indices) > 1 and self.depth < _DEEPEST

    def _by_similarity(self) -> Iterator[str]:
        """Search tables of fewer columns, products of powers of these, by which y = M·f(G) fits; yields findings and what is tried.

        They are at most `_REDUCTIONS`.
        """
        if not self._may_reduce() or self.table.pool.is_exact:
            return
        found = 0
        for reduction in similarity_laws(self.table, self.names):
            if reduction is None:
                yield f"fitting products of powers for {self.target}"
                continue
            yield from self._searched(reduction, FindingText(f"{self.target}: {reduction.text}"))
            found += 1
            if found == _REDUCTIONS:
                return

    def _by_units(self) -> Iterator[str]:
        """Search a table of products of columns without unit; as units suggest it only, it is left soon if no formula in it is near.

        It yields in words what is tried.
        """
        if self.dimensions is None or not self._may_reduce():
            return
        for reduction in products_by_units(self.dimensions, self.table.columns, self.names):
            steps = self._searched(reduction, f"trying what units suggest: {reduction.text}")
            yield from itertools.islice(steps, _FIRST_STEPS)
            if self.table.pool.best is not None and self.table.pool.best.error < _ROUGH:
                yield from steps
                return
            # A constant may have a unit: derivatives will say, so that the table may come again.
            self.smaller.pop(reduction.key, None)

    def _by_compounds(self) -> Iterator[str]:
        """Search for a shorter function in place of a long sum of terms of the best formula that shares no column with the other terms.

        That sum is the target of a table of its own columns. Yields what is tried.
        """
        best = self.table.pool.best
        if best is None or self.table.pool.is_exact or not self._may_reduce():
            return
        for compound, others in compounds_of(best.tree):
            columns = tuple(("x", index) for index in sorted(columns_of(compound)))
            if len(columns) > 1 and complexity(compound) > _LONG_COMPOUND and not self.table.pool.is_exact:
                names = ", ".join(self.names[index] for _, index in columns)
                reduction = Reduction(columns, number(1), f"a function of {names} beside others", others)
                yield from self._searched(reduction, f"trying functions of {names} beside what is found")

    def _reduced(self, surrogate: Surrogate) -> Iterator[str]:
        """Search the tables of fewer columns that a surrogate's derivatives suggest; yields findings and what is tried.

        A surrogate is a formula or network that is nearly y. The tables are at most `_REDUCTIONS`, and up to two more by units, which come
        first.
        """
        sample = sample_of(surrogate)
        if sample is None:
            return
        smaller = reductions(sample, self.names)[:_REDUCTIONS]
        if self.dimensions is not None:
            smaller = [*products_by_symmetries(self.dimensions, self.table.columns, sample, self.names)[:2], *smaller]
        for reduction in smaller:
            yield from self._searched(reduction, FindingText(f"{self.target}: {reduction.text}"))

    def _searched(self, reduction: Reduction, text: str) -> Iterator[str]:
        """Make a table of fewer columns and do the first strategies of its search, unless that was done; yields what is tried.

        Args:
            reduction: How the table follows from this one. Without columns it is a formula itself, but for a factor.
            text: What is yielded before the search: a finding, or what is tried.
        """
        key = reduction.key
        if key in self.smaller:
            return
        if not reduction.columns:
            yield text
            self.table.offer([("mul", ("c", 1.0), reduction.factor)], reduction.text)
            return
        table = reduction.table(self.table)
        if table is None:
            return
        yield text
        names = [f"({name})" if " " in name or "/" in name else name for name in reduction.names(self.names)]
        is_whole = reduction.factor == ("n", 1) and reduction.beside == ("n", 0)
        rest = self.target if is_whole else "what is left"
        strategies = Strategies(table, names, rest, self.depth + 1, networks=self.networks)
        strategies.is_separated = self.is_separated  # whether a sum or product of functions was found here
        self.smaller[key] = reduction, strategies, Reported()  # which formulas came here: none yet
        yield from self._brought(key, strategies.first())

    def _brought(self, key: tuple[Tree, ...], steps: Iterator[str]) -> Iterator[str]:
        """Do steps of a smaller table's search, and offer its formulas, in the columns of this table, to this table's pool.

        The steps end once a formula of the smaller table is exact and short.

        Args:
            key: Of the reduction that led to the smaller table.
            steps: Of the smaller table's strategies.
        """
        reduction, strategies, reported = self.smaller[key]  # `reported`: which of its formulas came here
        for text in steps:
            formulas = [reduction.outside(candidate.tree) for candidate in reported.entrants(strategies.table.pool)]
            self.table.offer(formulas, reduction.text, fits=6)  # the constants of at most 6 are fitted again
            yield text
            if strategies.table.pool.is_settled:
                return
