"""Words in a search for laws, which knows numbers only: a column of words counts as f(words), a number for each of its levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.symbolic.formulas.regression.problem import Problem


@dataclass(frozen=True, slots=True)
class WordNumbers:
    """A number for each level (word) of the columns of words that a network reads.

    They come from a network's outputs with each level in turn in all rows, and are fitted with a law.
    """

    numbers: Mapping[int, Tensor]
    """By the index of the data's column, `(levels,)`, float64."""
    added: frozenset[int]
    """The columns whose words are added to the target: a search does without them. Others are factors, or stand anywhere in a law."""
    names: tuple[str, ...]
    """What all columns of the data are called in laws: `f(town)` one of words."""

    @classmethod
    def of(cls, network: Network, x: Tensor, names: Sequence[str]) -> WordNumbers:
        """The numbers by a trained network of one output; x, `(rows, all columns)`, are rows of its data, whose columns have `names`."""
        numbers, added = {}, set()
        for column, levels in zip(network.columns.tolist(), network.layer(0).levels, strict=True):
            if levels:
                with torch.no_grad():
                    outputs = [
                        network(x.index_fill(1, torch.tensor(column, device=x.device), level))[:, 0]
                        for level in range(levels)
                    ]
                terms, factors, are_terms = _terms_or_factors(torch.stack(outputs).double().cpu())
                numbers[column] = terms if are_terms else factors
                added |= {column} if are_terms else set()
        called = (f"f({name})" if column in numbers else name for column, name in enumerate(names))
        return cls(numbers, frozenset(added), tuple(called))

    @property
    def free(self) -> dict[int, int]:
        """How many constants the numbers of each column are: one fewer than levels, since their mean, or size, stands in a law."""
        return {column: len(numbers) - 1 for column, numbers in self.numbers.items()}

    def text(self, law: str, columns: Sequence[int]) -> str:
        """A law of the search in print, with what words of these columns add."""
        return " + ".join([law, *(self.names[column] for column in columns if column in self.added)])

    def in_numbers(self, x: Tensor) -> Tensor:
        """Rows, `(rows, all columns)`, with these numbers in place of levels; a level that training hadn't has the mean of all."""
        changed = x.clone()
        for column in self.numbers:
            changed[:, column] = self._at(column, x).to(x)
        return changed

    def sum(self, x: Tensor) -> Tensor:
        """What words add to the target in rows, `(rows, all columns)`: `(rows,)`, float64, 0 where there are none."""
        total = torch.zeros(len(x), dtype=torch.float64)
        for column in self.added:
            total += self._at(column, x)
        return total

    def _at(self, column: int, x: Tensor) -> Tensor:
        """The numbers of a column's words in rows, `(rows,)`, float64."""
        return self._shares(column, x) @ self.numbers[column]

    def _shares(self, column: int, x: Tensor) -> Tensor:
        """For each row 1 at the level of its word, `(rows, levels)`, float64; all levels alike where training hadn't the word."""
        count, code = len(self.numbers[column]), x[:, column].cpu().double()
        exact = code[:, None] == torch.arange(count)
        return torch.where(exact.any(1, keepdim=True), exact.double(), 1 / count)

    def fitted(self, expression: Any, problem: Problem, x: Tensor) -> tuple[Any, WordNumbers]:
        """A law with its constants, and the numbers, fitted to rows by least squares.

        Args:
            expression: The law, in the problem's variables, with what words add.
            problem: The rows in numbers, by these ones; a variable for each column of x.
            x: The same rows with the numbers of levels, `(rows, all columns)`.

        Returns:
            The law with new constants, and the new numbers.
        """
        symbols = {column: problem.variables[column] for column in self.numbers}
        levels = {
            symbol: (self._shares(column, x), self.numbers[column])
            for column, symbol in symbols.items()
            if symbol in expression.free_symbols
        }
        law, fitted = problem.fit_levels(expression, levels)
        numbers = {column: fitted.get(symbol, self.numbers[column]) for column, symbol in symbols.items()}
        return law, replace(self, numbers=numbers)

    def write(self, network: Network) -> None:
        """Give edges of words a value for each level, in place of the functions by which a law's network reads these numbers. In place."""
        layer, columns = network.layer(0), network.columns.tolist()
        curves = {}  # by input node, the value of each of its edges at each level, `(out, levels)`
        for source in (source for source, column in enumerate(columns) if column in self.numbers):
            numbers = self.numbers[columns[source]].to(layer.coef)
            x = numbers.new_zeros(len(numbers), layer.in_dim)
            x[:, source] = numbers
            with torch.no_grad():
                curves[source] = layer.symbolic_edges(x)[:, :, source].T
        layer.set_levels(tuple(curves[source].shape[1] if source in curves else 0 for source in range(layer.in_dim)))
        for source, values in curves.items():
            for target in range(layer.out_dim):
                if layer.symbol(source, target) is not None:
                    layer.set_symbol(source, target, None)
                    layer.spline_on[target, source] = True
                    with torch.no_grad():
                        layer.coef[target, source, : values.shape[1]] = values[target]


def _terms_or_factors(outputs: Tensor) -> tuple[Tensor, Tensor, bool]:
    """What levels add to a network's output, and what they multiply it by; and whether they rather add.

    Args:
        outputs: `(levels, rows)`, float64: those of the same rows with each of the levels.

    Returns:
        Terms, `(levels,)`, of mean 0; factors around a fixed point, `(levels,)`, of mean 1; and which of both leaves less of the outputs.
    """
    mean = outputs.mean(0)
    terms = outputs.mean(1) - mean.mean()
    centred = mean - mean.mean()
    squares = centred.square().sum()
    factors = (outputs @ centred) / squares if squares > 0 else torch.ones_like(terms)
    # fixed + factor·(mean - fixed), the point that no level moves: terms are (factor - 1)·(mean of mean - fixed).
    change = factors - 1
    arm = (change @ terms) / change.square().sum().clamp(min=1e-300)
    scaled = mean.mean() + change[:, None] * arm + factors[:, None] * centred
    missed = [(outputs - guess).square().mean() for guess in (mean + terms[:, None], scaled)]
    return terms, factors, bool(missed[0] <= missed[1])
