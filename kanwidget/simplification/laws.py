"""The law of a table as a network: the search for formulas, asked for the columns that a network reads, in stages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import rows_of
from kanwidget.datasets.validation import sampled_data
from kanwidget.discovery.arguments import operations
from kanwidget.discovery.discovery import rival_sentence
from kanwidget.discovery.engine.search import Limits, search
from kanwidget.discovery.engine.strategies import Stage
from kanwidget.discovery.engine.trees import OPERATIONS, Tree, from_expression, nodes
from kanwidget.discovery.fronts.finishing import Finishing
from kanwidget.discovery.fronts.front import Front, Member
from kanwidget.discovery.fronts.rivals import find_rivals
from kanwidget.discovery.fronts.table import OwnRows, simple_trees, tables
from kanwidget.insight.noise import noise_of
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.simplification.shapes import reshaped
from kanwidget.simplification.word_numbers import WordNumbers
from kanwidget.symbolic.formulas.compile import plan
from kanwidget.symbolic.formulas.formula import variables
from kanwidget.symbolic.formulas.regression.noise import GrowingNoise, growing_noise
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.training.evidence.errors import valid_posterior

#: Tables of more columns aren't searched, and tables of fewer rows tell too little.
_MOST_COLUMNS, _FEWEST_ROWS = 12, 12
#: Rows that are searched with; all of a table of some thousand rows tell no more.
_MOST_ROWS = 1000
#: Complexity of a formula that can be read.
_COMPLEXITY = 60.0


class LawNetwork(NamedTuple):
    """A law, and the network that computes it."""

    member: Member
    """As the search ranks it."""
    network: Network
    words: WordNumbers
    """What words count as in it."""

    @property
    def text(self) -> str:
        """The law for a person."""
        return self.words.text(self.member.equation.text, columns_read(self.network))

    @property
    def constants(self) -> int:
        """Number of constants of the law, values of words among them. Its network has more: a scale and an offset on every edge."""
        return self.member.constants + sum(self.words.free.get(column, 0) for column in columns_read(self.network))

    @property
    def functions(self) -> float:
        """Complexity of the operations of the law, a bit a unit; of a network's functions `description_length` counts 7/3 bits a unit.

        Its network has more of them: x·y is a sum of logarithms, or a product of two edges.
        """
        expression = self.member.equation.sympy
        tree = from_expression(expression, sorted(expression.free_symbols, key=str))
        heads = [node[0] for node in nodes(tree)] if tree is not None else []
        return sum(OPERATIONS[head].complexity for head in heads if head in OPERATIONS)


@dataclass(frozen=True, slots=True)
class Rival:
    """A formula that the rows can't tell from a law."""

    text: str
    sentence: str
    """That the rows allow it, with its error and that of the law on the training rows."""


class LawSearch:
    """A search for the law of a table, without networks, on the rows that a simplification may see.

    Args:
        network: Its columns are searched in, and the law's network has its scales and settings.
        held: The rows.
        curves: A network that is near the rows; what it leaves says how large the noise of each row is.
    """

    def __init__(self, network: Network, held: HeldOutRows, curves: Network | None = None) -> None:
        self._held = held  # the rows that fits and checks see
        self._network = network
        self._columns = columns_read(network)  # numbers of the data's columns
        self._data = _sample(held.data)  # at most 1,000 rows of each part
        #: What words count as in the search.
        self._words = WordNumbers.of(network, self._data.train_input, held.data.in_vars)
        self._symbols = variables(network, self._words.names)
        data = _numbers(self._data, self._columns, self._words)
        # Rows that are searched with, too, would count twice. Others are held out as the validation part of the search's table.
        checks: dict[str, Any] = rows_of(data, "test", name="val") if held.are_others else {}
        plain = replace(data, test_input=None, test_label=None, test_weight=None, **checks)
        (self._table,) = tables(plain, 0)
        # Formulas so far that no simpler one equals, of all operations.
        self._front = Front(self._table, operations(None), _COMPLEXITY, robust=False)
        # All training rows, to which constants are fitted in the end.
        self._whole = _sample(held.whole)
        #: What says how large the noise of each row is, where it grows with the target, and how it does.
        self._noise_model: tuple[Network, GrowingNoise] | None = None
        if curves is not None:  # a network that is near the rows
            posterior = valid_posterior(curves)
            self._measure_noise(
                curves, None if posterior is None else sum(part.total for part in posterior.freedom.values())
            )
        # Of the squared residuals of training rows, `(rows,)`; None where all rows count alike.
        self._weights = self.weights(self._data, "train")
        # Formulas about as likely as the best one, each with the strategy that found it: its rivals may be among them.
        self._contenders: dict[Tree, str] = {}
        for tree in simple_trees(self._table):
            self._front.offer(tree, "simple")

    @staticmethod
    def is_possible(network: Network, held: HeldOutRows) -> bool:
        """Whether a law can be searched for: one target and few columns, of which the network takes no logarithms."""
        data = held.data
        if data.is_classification or network.n_out != 1 or any(network.scaling.has_logs):
            return False
        return 0 < len(columns_read(network)) <= _MOST_COLUMNS and len(data.train_input) >= _FEWEST_ROWS

    def _measure_noise(self, network: Network, freedom: float | None) -> None:
        """See whether the noise of the rows grows with a network's predictions, and how.

        Args:
            network: A network that is near the rows.
            freedom: Its degrees of freedom; None where they can't be said.
        """
        with torch.no_grad():
            values = network(self._data.train_input)[:, 0].double()
        noise = growing_noise(values, self._data.train_label[:, 0].double() - values, freedom)
        self._noise_model = None if noise is None else (network, noise)

    def weights(self, data: Dataset, part: str) -> Tensor | None:
        """Weights of the squared residuals of rows, `(rows,)`, by the noise of each; None where it is the same for all.

        Args:
            data: Where the rows are.
            part: Which of them: `train` or `test`.
        """
        if self._noise_model is None:
            return None
        network, noise = self._noise_model  # the noise of a row by the network's value there
        with torch.no_grad():
            return noise.weights(network(data[f"{part}_input"])[:, 0].double()).square().cpu()

    @property
    def has_growing_noise(self) -> bool:
        """Whether the noise grows with the target."""
        return self._noise_model is not None

    def in_noise(self, losses: Tensor) -> Tensor:
        """Losses (squared errors) of the held-out rows, `(rows,)`, over the squared noise of each, where it grows with the target."""
        weights = self.weights(self._held.data, "test")
        return losses if weights is None else weights.to(losses) * losses

    def allows(self, before: Tensor, after: Tensor) -> bool:
        """Whether losses of the held-out rows after a change are as good as before, but for chance, in units of the noise of each row."""
        return self._held.allows(self.in_noise(before), self.in_noise(after))

    def leaves_noise(self, network: Network) -> bool:
        """Whether what a network leaves looks like noise: rows with similar columns don't have similar residuals.

        Of noiseless data they have, however small these are. True where the rows are too few to say.
        """
        data, weights = self._held.data, self.weights(self._held.data, "train")
        with torch.no_grad():
            residual = (data.train_label - network(data.train_input))[:, 0]
        if weights is not None:
            residual = weights.sqrt().to(residual) * residual
        noise = noise_of(data.train_input[:, network.columns], residual)
        return noise is None or noise.is_noise

    def steps(self, stage: Stage) -> Iterator[str]:
        """Run a stage of the search, yielding what it tries; again, weighted, if only then noise turns out to grow with the target."""
        if not self._table.spread or not self._table.columns:
            return
        yield from self._searched(stage, self._weights)
        if self._weights is None:
            self._weights = self._front.noise_weights()
            if self._weights is not None:
                yield from self._searched(stage, self._weights)
        # The curves didn't show that the noise grows: the likeliest law says how it does.
        law = self.best if self._noise_model is None and self._front.noise is not None else None
        if law is not None:
            self._measure_noise(law.network, law.constants)

    def _searched(self, stage: Stage, weights: Tensor | None) -> Iterator[str]:
        """Run one stage of the search with these weights of the rows (None: all alike); yields what it tries.

        The formulas that it finds go to the front, and those about as likely as the best one to `_contenders`.
        """
        # All operations, up to the complexity that the front takes by now; the search trains no networks of its own.
        limits = Limits(operations(None), self._front.reach, stages=(stage,), networks=False)
        for report in search(self._table.rows(weights), limits):
            if report.tree is not None:
                self._front.offer(report.tree, report.text)
            elif report.kind == "trying":
                self._contenders |= dict(report.contenders)
                yield report.text.removeprefix("trying ")

    @property
    def best(self) -> LawNetwork | None:
        """The likeliest law that a network computes; None where there is none, or the mean is likelier."""
        for member in filter(self._front.is_short, self._front.by_length):  # the shortest description first
            found = self._law(member)
            if found is not None or not member.equation.sympy.free_symbols:
                return found
        return None

    def finished(self, law: LawNetwork) -> tuple[LawNetwork, tuple[Rival, ...]]:
        """The law, its constants fitted to all rows or exact numbers where the rows agree; and rivals, which rows can't tell from it."""
        front, whole = self._front, self._whole
        # Constants are fitted to all training rows now, for as long as it takes.
        numbers = _numbers(whole, self._columns, law.words)
        every = OwnRows(numbers.train_input, numbers.train_label[:, 0], numbers.train_weight)
        front.table = replace(self._table, every=every)
        finishing = Finishing(front, None, lambda: math.inf)  # None: no weights of a robust loss
        member = finishing.finish(law.member)
        if member is not None:
            front.put(member, law.member)  # in the law's place
        for _ in find_rivals(finishing, self._contenders):
            pass  # they are `front.rivals` then
        last = self._law(front.best, whole) or (None if member is None else self._law(member, whole)) or law
        best, others = last.member.equation, [rival.equation for rival in front.rivals if rival is not last.member]
        options: dict[str, Any] = {"relative": front.has_relative_noise, "rows": " on the training rows"}
        texts = [(rival, last.words.text(rival.text, columns_read(last.network))) for rival in others]
        return last, tuple(Rival(text, rival_sentence(rival, best, text=text, **options)) for rival, text in texts)

    def _law(self, member: Member, data: Dataset | None = None) -> LawNetwork | None:
        """A formula of the search with the network that computes it; None for a constant, and where no network can.

        Where it reads words, their values and its constants are fitted to the rows of `data`, by default those of the search.
        """
        expression = member.equation.sympy
        if not expression.free_symbols:
            return None
        words, rows = self._words, self._data if data is None else data
        expression += sum(self._symbols[column] for column in sorted(words.added))
        if words.numbers:
            x, own = rows.train_input, (self.weights(rows, "train"), rows.train_weight)
            weights = [each.double() for each in own if each is not None]
            root = torch.stack(weights).prod(0).sqrt() if weights else None
            problem = Problem(self._symbols, words.in_numbers(x), rows.train_label[:, 0], None, root, "simplify")
            expression, words = words.fitted(expression, problem, x)
            for column in sorted(words.added):
                # Words that say nothing go: by Schwarz's criterion their values must gain more than they cost.
                plain, others = words.fitted(expression - self._symbols[column], problem, x)
                deviances = [
                    problem.at_numbers(each.in_numbers(x)).deviance(law)
                    for law, each in ((expression, words), (plain, others))
                ]
                least = max(problem.rows * problem.noise_floor, 1e-300)  # exact data leave nothing
                ratio = max(deviances[1], least) / max(deviances[0], least)
                if ratio < problem.rows ** (words.free[column] / problem.rows):
                    expression, words = plain, others
        try:
            return LawNetwork(member, _compiled(self._network, expression, self._symbols, words), words)
        except ValueError:  # no network of the library's functions computes it
            return None


def columns_read(network: Network) -> list[int]:
    """Indices of the data's columns that a network reads, in order."""
    return sorted({*network.columns[network.layer(0).active().any(0)].tolist()})


def _sample(data: Dataset) -> Dataset:
    """The data, of a large table at most 1,000 rows of each part, evenly picked."""
    return sampled_data(data, _MOST_ROWS, lambda rows: torch.linspace(0, rows - 1, _MOST_ROWS).round().long())


def _numbers(data: Dataset, columns: Sequence[int], words: WordNumbers) -> Dataset:
    """The data of some columns, in float64 on the processor: the search for formulas takes numbers alone.

    Columns of words count as `words` has it; without those that are added to the target, which is less by them. `HeldOutRows` has no
    validation rows, so the other two parts are all.
    """
    chosen = [column for column in columns if column not in words.added]
    changed: dict[str, Any] = {"in_vars": tuple(words.names[column] for column in chosen), "encoding": None}
    for part in (part for part in ("train", "test") if f"{part}_input" in data):
        x, label = data[f"{part}_input"], data[f"{part}_label"]
        changed[f"{part}_input"] = words.in_numbers(x)[:, chosen]
        changed[f"{part}_label"] = label - words.sum(x).to(label)[:, None]
    return replace(data, **changed).to(torch.float64, "cpu")


def _compiled(network: Network, expression: Any, symbols: Sequence[Any], words: WordNumbers) -> Network:
    """The network that computes an expression, with the scales and settings of another network.

    Args:
        network: The network whose settings and columns it has.
        expression: A sympy expression of at least one column.
        symbols: The symbol of each column of the data.
        words: What words count as in the expression.

    Raises:
        ValueError: Where no network of the library's functions computes it.
    """
    used = [column for column, symbol in enumerate(symbols) if symbol in expression.free_symbols]
    made = plan(expression, [symbols[column] for column in used])  # the network's shape, and the functions of its edges
    new = reshaped(network, made.width, made.arities, noise_scale=0.0)
    new.columns = torch.tensor(used)
    # Edges of sums can be in units of the target's size; a product of outputs has its own.
    size = network.output_scale.size if new.width[-1][1] == 0 else torch.ones(network.n_out)
    new.output_scale = (torch.zeros(network.n_out), size)
    made.write(new)
    words.write(new)
    return new.to(network.device)
