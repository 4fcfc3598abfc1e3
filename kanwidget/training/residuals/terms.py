"""One named residual at its points: evaluated, and linearized in the network's jet and in the unknown constants."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.jets import DerivativeSet, Jet, in_own_units
from kanwidget.core.scales import Scaling
from kanwidget.training.residuals.field import Field

_WHERE = "fit_residual"
#: A residual of as many columns as rows, and of more than these, comes from a vector where a column was meant.
_MOST_COLUMNS = 16


class ResidualError(ValueError):
    """A residual function failed, or its result is no residual."""


@dataclass(frozen=True, slots=True)
class Linearization:
    """A residual and its derivatives."""

    residual: Tensor
    """`(rows, columns)`"""
    adjoint: Jet
    """In the outputs' jet at all points, see `jet_jacobian`; its leading axis has length 1."""
    constants: Tensor
    """In the unknown constants, `(rows, columns, constants)`."""

    def along(self, weight: Tensor) -> Linearization:
        """The derivatives of Σ weight·residual, added up over the columns, as those of a single column.

        They are those in the outputs' jet (`adjoint`: values and derivatives of the outputs at the points) and in the unknown constants.

        Args:
            weight: A constant for each row and column, `(rows, columns)`.

        Returns:
            A linearization of one column, of which only the derivatives mean something: `residual` has the sum of the weights.
        """
        sets = self.adjoint.value.shape[1] // len(weight)  # a row has a point in each set, all with its weight
        by_column = weight.repeat(sets, 1)[None, ..., None]
        parts = [
            (part * by_column.view(*by_column.shape[:3], *[1] * (part.ndim - 3))).sum(2, keepdim=True)
            for part in (self.adjoint.value, self.adjoint.first, self.adjoint.second)
        ]
        constants = (self.constants * weight[..., None]).sum(1, keepdim=True)
        return Linearization(weight.sum(1, keepdim=True), Jet(self.adjoint.derivatives, *parts), constants)


@dataclass(frozen=True, slots=True)
class ResidualTerm:
    """One named residual.

    Several sets of points (both sides of a periodic boundary, say) are concatenated, and the function gets a field for each.
    """

    name: str
    function: Callable[..., Tensor]
    x: Tensor
    """All points, `(sets * rows, features)`."""
    sets: int
    arguments: tuple[str, ...]
    """The unknown constants that the function has as arguments."""
    derivatives: DerivativeSet
    """The derivatives that the function reads."""
    scaling: Scaling
    """The network's scales."""
    columns: int = 1
    """Number of columns of the residual."""
    weight: float = 1.0

    @property
    def rows(self) -> int:
        """Number of rows of the residual."""
        return len(self.x) // self.sets

    def residual(self, jet: Jet, constants: dict[str, Tensor]) -> Tensor:
        """The residuals `(rows, columns)` from the scaled outputs' jet at all points, without a leading axis.

        Points of several sets follow one another: the function gets a `Field` for each set.
        """
        jet = in_own_units(jet, self.scaling, self.x)  # outputs with the derivatives that the function reads
        carried = jet.derivatives
        # What a field reads: () is the value, (a,) a first derivative, (a, b) a second one.
        keys: list[tuple[int, ...]] = [(), *((a,) for a in carried.firsts), *carried.seconds]
        values = torch.cat([jet.value[:, None], jet.first, jet.second], dim=1)
        sets = zip(self.x.chunk(self.sets), values.chunk(self.sets), strict=True)
        return self.of_fields([Field(x, dict(zip(keys, part.unbind(1), strict=True))) for x, part in sets], constants)

    def of_fields(self, fields: Sequence[Field], constants: dict[str, Tensor]) -> Tensor:
        """The residuals `(rows, columns)`, checked, from a field (value and derivatives of the outputs) for each set of points.

        `constants` are the unknown constants by name; the function gets those that it has as arguments.
        """
        arguments = {name: constants[name] for name in self.arguments}
        try:
            residual = self.function(*fields, **arguments)
        except Exception as error:
            expected = f"a function of {'one field' if self.sets == 1 else f'{self.sets} fields'} that can be evaluated"
            text = str(error).rstrip(".")
            raise _error(self.name, expected, f"{type(error).__name__}: {text}", _advice(error)) from error
        return _checked(residual, self)

    def linear(self, jet: Jet, constants: dict[str, Tensor]) -> Linearization:
        """The residual and its derivatives in the outputs' jet and in the unknown constants, by one backward pass a column.

        The jet has the outputs and their derivatives in the inputs, at all points. A pass gives those of all rows at once, since each row
        depends on its own point alone.
        """
        leaves = [part.detach().requires_grad_(True) for part in (jet.value, jet.first, jet.second)]
        leaf = {name: value.detach().requires_grad_(True) for name, value in constants.items()}
        with torch.enable_grad():
            residual = self.residual(Jet(jet.derivatives, *leaves), leaf)
            columns = [_gradients(residual[:, [column]].sum(), leaves) for column in range(residual.shape[1])]
            in_constants = _in_constants(residual, [leaf[name] for name in constants])
        parts = [torch.stack(parts, dim=1)[None] for parts in zip(*columns, strict=True)]
        return Linearization(residual.detach(), Jet(jet.derivatives, *parts), in_constants)

    def check_rows(self, jet: Jet, constants: dict[str, Tensor]) -> None:
        """An error if a row's residual depends on another row's point, or has no finite derivative.

        `jet` has the outputs and their derivatives in the inputs, at all points; `constants` are the unknown constants by name.
        """
        # `sets`: how many sets of points the function takes, one after the other in the jet; a row has a point in each.
        leaves = [part.detach().requires_grad_(True) for part in (jet.value, jet.first, jet.second)]
        with torch.enable_grad():
            residual = self.residual(Jet(jet.derivatives, *leaves), constants)
            # Each row's residual is multiplied by a factor: the derivatives at a row's own point must change by just this factor.
            # Powers of 2: derivatives that are small differences of large numbers are scaled without a rounding, too.
            powers = torch.randint(0, 8, (self.rows,), generator=torch.Generator().manual_seed(0))
            scales = (2.0**powers).to(residual)
            plain = _gradients(residual.sum(), leaves)
            scaled = _gradients((residual * scales[:, None]).sum(), leaves)
        if not all(bool(torch.isfinite(part).all()) for part in plain):
            advice = "A root has none at 0, nor has the length of a vector."
            raise _error(self.name, "a function with finite derivatives at the start", "some that aren't", advice)
        for gradient, scaled_gradient in zip(plain, scaled, strict=True):
            expected = gradient * scales.repeat(self.sets).view(-1, *[1] * (gradient.ndim - 1))
            tolerance = 1e-9 * float(expected.abs().max()) if expected.numel() else 0.0
            if not torch.allclose(scaled_gradient, expected, rtol=1e-6, atol=tolerance):
                advice = (
                    "Give points that belong together as a tuple of sets: the function then gets one field for each."
                )
                needed = "a function whose rows depend on their own points only"
                raise _error(self.name, needed, "rows that depend on others", advice)


def _gradients(total: Tensor, leaves: Sequence[Tensor]) -> list[Tensor]:
    """The derivatives of a single number by each leaf, of the leaf's shape; 0 where it doesn't depend on the leaf."""
    if not total.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    gradients = torch.autograd.grad(total, leaves, retain_graph=True, allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(leaves, gradients, strict=True)]


def _in_constants(residual: Tensor, constants: Sequence[Tensor]) -> Tensor:
    """Derivatives with respect to constants, `(rows, columns, constants)`: derivatives of (∂r/∂c)ᵀw with respect to w."""
    derivatives = [torch.zeros_like(residual) for _ in constants]
    # A backward pass gives a sum over all rows with weights w. It is linear in w, so that its derivative by w has each row's by itself.
    if residual.requires_grad and constants:
        weight = torch.zeros_like(residual).requires_grad_(True)
        products = torch.autograd.grad(residual, constants, weight, create_graph=True, allow_unused=True)
        for index, gradient in enumerate(products):
            if gradient is not None and gradient.requires_grad:
                derivatives[index] = torch.autograd.grad(gradient, weight, retain_graph=True)[0]
    return torch.stack(derivatives, dim=-1) if derivatives else residual.new_zeros(*residual.shape, 0)


def _checked(residual: Any, term: ResidualTerm) -> Tensor:
    """What a residual function has returned, if it is a real tensor `(rows, columns)`, one row a point; else an error."""
    if not isinstance(residual, Tensor) or residual.ndim != 2 or residual.shape[0] != term.rows:
        expected = f"a function that returns a tensor of shape ({term.rows}, columns)"
        advice = "One row a point; u.value[:, [0]] keeps the column that u.value[:, 0] drops."
        raise _error(term.name, expected, _check.describe(residual), advice)
    if not residual.is_floating_point():
        raise _error(term.name, "a function that returns real numbers", residual.dtype, "Use .to(u.value.dtype).")
    if residual.shape[1] == term.rows > _MOST_COLUMNS:
        advice = "A vector of one number a point makes a square of a column: use y[:, None]."
        expected = f"a function that returns fewer columns than its {term.rows} rows"
        raise _error(term.name, expected, _check.describe(residual), advice)
    return residual


def _advice(error: Exception) -> str:
    """Advice for an error that a residual raised."""
    if isinstance(error, TypeError) and "Field" in str(error):
        return "A field isn't a number: take u.value, a derivative u.d(0), u.d(0, 1), or the points u.x."
    if isinstance(error, TypeError) and "missing" in str(error):
        return "Arguments behind the fields are unknown constants and need a start each: unknowns={'k': 1.0}."
    return "See the error above."


def _error(name: str, expected: str, got: object, advice: str) -> ResidualError:
    """The error for a residual by its name: what its function must be, what there is instead, and advice."""
    return ResidualError(f"the `residuals[{name!r}]` argument of {_WHERE} must be {expected}; got {got}. {advice}")


def constants_of(function: Callable[..., Any], unknowns: Sequence[str]) -> tuple[str, ...]:
    """Those of the names `unknowns` that a function has as arguments; all where it takes any (`**`), none where nobody can tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return ()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return tuple(unknowns)
    return tuple(name for name in unknowns if any(p.name == name for p in parameters))
