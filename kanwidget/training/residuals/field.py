"""`Field`, the argument of a residual function: a network's value and derivatives at points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from kanwidget import _check

#: Key of a derivative: `()` the value, `(a,)` the derivative in a feature, `(a, b)` the second derivative in two.
Features = tuple[int, ...]

#: Advice for a third derivative.
_HIGHER = (
    "Make a lower derivative an output of its own: for u‴ end `width` with 2, add the residual u.value[:, [1]] - u.d(0, 0)[:, [0]], "
    "and take u.d(0)[:, [1]] as the third derivative."
)


class Field:
    """A network's value and derivatives at points. Only derivatives that a residual asks for are computed.

    Args:
        x: The points, `(batch, features)`.
        parts: Derivatives `(batch, outputs)` by their features, `()` for the value, `(a,)` and `(a, b)` with a ≤ b.
        ask: Called with the keys that are about to be read, so that they can be computed then.

    Examples:
        >>> x = torch.tensor([[1.0, 2.0]])
        >>> u = Field(x, {(): x[:, [0]] ** 2, (0,): 2 * x[:, [0]], (0, 0): torch.full((1, 1), 2.0)})
        >>> u.value + u.d(0) + u.d(0, 0)
        tensor([[5.]])
    """

    def __init__(
        self, x: Tensor, parts: Mapping[Features, Tensor], ask: Callable[[set[Features]], None] = lambda _: None
    ) -> None:
        self.x = x
        # `_parts`: the value and derivatives that are there, by features; `_compute`, called before a read, computes what isn't yet.
        self._parts, self._compute = parts, ask

    @property
    def value(self) -> Tensor:
        """The outputs, `(batch, outputs)`."""
        self._compute({()})  # the key of the value
        return self._parts[()]

    def d(self, *features: int) -> Tensor:
        """The derivative in one feature, or in two, `(batch, outputs)`: `u.d(0)` is ∂u/∂x₀, `u.d(0, 1)` ∂²u/∂x₀∂x₁.

        It is computed if it isn't there yet. In a fit only those that the residual read at its first call are: others are an error.
        """
        if not 1 <= len(features) <= 2:
            _check.fail("features", "Field.d", "one feature or two", features, _HIGHER)
        last = self.x.shape[1] - 1
        key = tuple(sorted(_check.integer(f, "features", "Field.d", low=0, high=last) for f in features))
        self._compute({key})
        try:
            return self._parts[key]
        except KeyError:
            expected = "a derivative that the residual asked for at its first call"
            advice = "Ask for it before any condition, so that it is seen when the fit begins."
            _check.fail("features", "Field.d", expected, key, advice)

    @property
    def gradient(self) -> Tensor:
        """All first derivatives, `(batch, outputs, features)`."""
        features = range(self.x.shape[1])
        self._compute({(a,) for a in features})
        return torch.stack([self.d(a) for a in features], dim=-1)

    @property
    def hessian(self) -> Tensor:
        """All second derivatives, `(batch, outputs, features, features)`."""
        features = range(self.x.shape[1])
        self._compute({(a, b) for a in features for b in features if a <= b})
        return torch.stack([torch.stack([self.d(a, b) for b in features], dim=-1) for a in features], dim=-2)

    @property
    def laplacian(self) -> Tensor:
        """The sum of ∂²/∂xₐ² over all features, `(batch, outputs)`."""
        features = range(self.x.shape[1])
        self._compute({(a, a) for a in features})
        return torch.stack([self.d(a, a) for a in features]).sum(0)
