"""The edges that evidence prices, in the coordinates of their modes, and the parameters given the data there.

The prior is diagonal in these coordinates. The wiggle of a spline is the integral of its squared second derivative, a quadratic form of its
coefficients. It is measured on the grid stretched to length 1, so that it means the same on every grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core import splines
from kanwidget.core.records import EdgeRef
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import LayerStack, Stack

#: Rounding of a matrix's entries in parts of the largest.
_ROUNDING = 1e-14


def wiggle_modes(layer: LayerStack, with_base: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The modes of each input's splines, which its outgoing edges share: coordinates in which their wiggle is a sum of squares.

    The first coordinate is the rise of the edge's straight part from one end of the grid to the other, the second a constant; the
    others are wiggles, the smoothest first.

    Args:
        layer: A layer of networks side by side.
        with_base: Whether the base weight is a coordinate too; it is the last parameter.

    Returns:
        The basis, with which coefficients are basis @ coordinates, `(networks, in, width, width)`, width = G + k, and 1 more with a base
        function; its inverse; and the factors by which squares count, `(networks, in, width)`, 0 for the first two.

    Examples:
        >>> from kanwidget import KAN
        >>> from kanwidget.training.jacobian.stack import Stack
        >>> basis, _, roughness = wiggle_modes(Stack([KAN([1, 1], grid=3)]).layers[0], with_base=False)
        >>> basis[0, 0, :, 0].diff().round(decimals=3).tolist()  # a line that rises by 1 over three intervals
        [0.333, 0.333, 0.333, 0.333, 0.333]
    """
    matrix = wiggle(layer)
    if not with_base:
        matrix = matrix[..., :-1, :-1]
    sites, length = _sites(layer)
    line = (sites - sites.mean(-1, keepdim=True)) / length
    constant = torch.ones_like(line)
    null = [torch.nn.functional.pad(part, (0, int(with_base))) for part in (line, constant)]
    units = [part / part.norm(dim=-1, keepdim=True).clamp_min(torch.finfo(part.dtype).tiny) for part in null]
    # Lines and constants have no wiggle, both the eigenvalue 0: marked with different negative ones they come first, and apart.
    scale = matrix.diagonal(dim1=-2, dim2=-1).amax(-1).clamp_min(1.0)
    for mark, unit in zip((2, 1), units, strict=True):
        matrix = matrix - (mark * scale)[..., None, None] * unit[..., :, None] * unit[..., None, :]
    roughness, basis = torch.linalg.eigh(matrix)
    basis = torch.cat([null[0][..., None], units[1][..., None], basis[..., 2:]], -1)
    inverse = basis.mT / basis.square().sum(-2)[..., None]
    if with_base:
        # The base function's own rise belongs to the straight part: a wiggle has none.
        base = layer.design(sites.mT.to(layer.knots.dtype))[..., -1].double().mT
        rises = ((line * base).sum(-1) / line.square().sum(-1))[..., None] * basis[..., -1, :]
        inverse = torch.cat([inverse[..., :1, :] + rises[..., None, :] @ inverse, inverse[..., 1:, :]], -2)
        basis = basis - basis[..., :1] * rises[..., None, :]
    return basis, inverse, torch.cat([torch.zeros_like(roughness[..., :2]), roughness[..., 2:].clamp_min(0)], -1)


def level_modes(layer: LayerStack, levels: int) -> tuple[Tensor, Tensor, Tensor]:
    """The modes of inputs of words with so many values (one a word): a constant, and differences from it, all of which cost the same.

    Returns what `wiggle_modes` does: basis, inverse and factors, with `levels` for the width; nothing differs between inputs and networks.

    With a price, the precision of the prior, the values are draws from one normal distribution (random effects): those of few rows say
    little and move little.

    Examples:
        >>> from kanwidget import KAN
        >>> from kanwidget.training.jacobian.stack import Stack
        >>> basis, _, roughness = level_modes(Stack([KAN([1, 1])]).layers[0], 3)
        >>> basis.shape, roughness.tolist()
        (torch.Size([1, 1, 3, 3]), [[[0.0, 1.0, 1.0]]])
    """
    # The constant, and orthonormal differences: the Q of a matrix whose first column is constant.
    start = torch.eye(levels, dtype=torch.float64, device=layer.knots.device)
    start[:, 0] = 1.0
    basis = torch.linalg.qr(start).Q
    roughness = torch.ones_like(basis[0])
    roughness[0] = 0.0
    shape = layer.knots.shape[:2]
    basis, inverse = basis.expand(*shape, -1, -1), basis.mT.expand(*shape, -1, -1)
    return basis, inverse, roughness.expand(*shape, -1).contiguous()


def wiggle(layer: LayerStack) -> Tensor:
    """Matrices S with cᵀSc = ∫φ″² over a grid of length 1, `(networks, in, G + k + 1, G + k + 1)`; c has the base weight last.

    The base function's own share counts twice, or a spline could take back what a base function costs. Splines of order 0 and 1 have
    no second derivative: for them it is the squared change of slope between Greville abscissae.
    """
    knots, k = layer.knots.double(), layer.k
    if k < 2:
        sites, length = _sites(layer)
        values = _of_splines(layer, layer.design(sites.mT.to(layer.knots.dtype))).double().movedim(-2, -3)
        steps = sites.diff() / length
        slopes = values.diff(dim=-2) / steps[..., None]
        change = slopes.diff(dim=-2) / ((steps[..., 1:] + steps[..., :-1]) / 2).sqrt()[..., None]
        matrix = change.mT @ change
    else:
        # Second derivatives of splines are polynomials of degree k - 2 between two knots; those of base functions are close to one.
        grid = knots[..., k : knots.shape[-1] - k]
        nodes, weights = _gauss_legendre(k + 1)
        half = grid.diff() / 2
        # On a grid of length L stretched to 1, φ″² is L⁴ times as large and dx 1/L of itself.
        points = (grid[..., :-1] + half)[..., None] + half[..., None] * nodes.to(grid)
        weight = (half[..., None] * weights.to(grid)).flatten(-2) * (grid[..., -1:] - grid[..., :1]) ** 3
        design = layer.design(points.flatten(-2).mT.to(layer.knots.dtype), 2)
        second = _of_splines(layer, design).double().movedim(-2, -3)
        matrix = (second * weight[..., None]).mT @ second
    matrix[..., -1, -1] *= 2
    return matrix


def _of_splines(layer: LayerStack, design: Tensor) -> Tensor:
    """The splines' columns of a design `(…, columns)`: G + k basis functions and, last, the base function, `(…, G + k + 1)`.

    Where an input of words (texts) has more of them than G + k, a design has more columns, which are left out.
    """
    count = layer.grid_size + layer.k
    return design if design.shape[-1] == count + 1 else torch.cat([design[..., :count], design[..., -1:]], -1)


def _sites(layer: LayerStack) -> tuple[Tensor, Tensor]:
    """Greville abscissae `(networks, in, G + k)`, and the length of the grid `(networks, in, 1)`.

    With the Greville abscissae as coefficients a spline of order 1 or more is the straight line φ(x) = x.
    """
    knots, k = layer.knots.double(), layer.k
    sites = splines.greville(knots.flatten(0, 1), k).view(*knots.shape[:2], -1)
    return sites, (knots[..., knots.shape[-1] - 1 - k] - knots[..., k])[..., None]


def _gauss_legendre(count: int) -> tuple[Tensor, Tensor]:
    """Nodes on (-1, 1) and weights of Gauss's quadrature, `(count,)` each, by eigenvalues of its Jacobi matrix (Golub and Welsch, 1969)."""
    # The weights are the interval's length, 2, times the squared first components of the eigenvectors.
    order = torch.arange(1, count, dtype=torch.float64)
    off = order / torch.sqrt(4 * order**2 - 1)
    nodes, vectors = torch.linalg.eigh(torch.diag(off, 1) + torch.diag(off, -1))
    return nodes, 2 * vectors[0] ** 2


# ---- edges of one kind side by side


class Block(NamedTuple):
    """Edges with the same number of free parameters, all splines, or all of words."""

    edges: list[EdgeRef]
    is_of_words: bool

    columns: Tensor
    """Index of each edge's parameters in the vector, `(edges, width)`."""
    basis: Tensor
    """`(networks, edges, width, width)`, see `wiggle_modes`."""
    inverse: Tensor
    """Its inverse."""
    roughness: Tensor
    """The factor by which the square of each mode counts as wiggle, `(networks, edges, width)`; 0 for straight part and constant."""
    epsilon: Tensor
    """The prior's precision without any price, `(networks, edges, 1)`: it decides what neither data nor prices do."""

    def coordinates(self, vector: Tensor) -> Tensor:
        """The edges' parameters in the coordinates of their modes, `(networks, edges, width)`, from all parameters `(networks, size)`.

        In these coordinates, see `wiggle_modes`, wiggle is a sum of squares.
        """
        return (self.inverse @ vector[:, self.columns][..., None])[..., 0]

    def rounding(self, matrix: Tensor) -> Tensor:
        """The rounding of the diagonal of a Gauss-Newton matrix `(networks, size, size)` in the modes, `(networks, edges, width)`.

        It is 1e-14 of the largest entry of an edge's parameters, since the change of coordinates mixes them. `columns` has their places.
        """
        largest = matrix.diagonal(dim1=1, dim2=2)[:, self.columns].amax(-1, keepdim=True)
        return (_ROUNDING * largest).expand(-1, -1, self.columns.shape[1])

    def precision(self, prices: Tensor) -> Tensor:
        """The diagonal of the prior's precision P in the modes, coordinates of the edges' parameters, `(networks, edges, width)`.

        `prices` are the precisions of wiggle and straight part, `(networks, edges, 2)`. The straight part is the first mode of a spline,
        and edges of a column of words have none; the others count as wiggle by their `roughness`. `epsilon` is a small precision of all.
        """
        diagonal = prices[..., :1] * self.roughness + self.epsilon
        if not self.is_of_words:  # whose first mode is a constant
            diagonal[..., 0] += prices[..., 1]
        return diagonal


def modes_of(blocks: Sequence[Block], vector: Tensor) -> Tensor:
    """Parameters `(networks, size)` in the coordinates of the modes, of the same shape; parameters outside the blocks stay as they are.

    The modes are coordinates of each edge in which its wiggle is a sum of squares, see `wiggle_modes`.
    """
    modes = vector.double()
    for block in blocks:
        modes = modes.index_copy(1, block.columns.flatten(), block.coordinates(vector.double()).flatten(1))
    return modes


def parameters_of(blocks: Sequence[Block], modes: Tensor) -> Tensor:
    """Parameters `(networks, size)` from coordinates of the modes, of the same shape: the inverse of `modes_of`."""
    vector = modes.clone()
    for block in blocks:
        vector[:, block.columns] = (block.basis @ modes[:, block.columns][..., None])[..., 0]
    return vector


def spline_blocks(stack: Stack, parameters: ParameterVector, epsilon: Tensor) -> list[Block]:
    """The edges of splines and of words that are trained, in a block for each kind and number of parameters.

    Of edges that share their parameters (a tie) the first one stands for all. A word of a column is a level; the edge has a value for each
    as its parameters. Merged levels have one value, that of the first of them.

    Args:
        stack: The networks.
        parameters: Layout of their free parameters.
        epsilon: The prior's precision of each parameter without any price, `(networks, size)`.
    """
    blocks: dict[tuple[bool, int], list[Block]] = {}
    for number, (layer, index) in enumerate(zip(stack.layers, parameters.layers, strict=True)):
        # All edges of a layer in one row, target by target: `numeric` is `(out·in, n)`, the rest is repeated for each target.
        # `leads`: the edge owns its parameters; `count`: its number of levels, 0 for splines; `merged`: the level that stands for each.
        numeric, leads = index.numeric.flatten(0, 1), layer.tie_leads().flatten()
        count = torch.tensor(layer.levels, device=numeric.device).repeat(layer.out_dim)
        merged = layer.firsts().repeat(layer.out_dim, 1)
        kinds = {(levels, layer.merged.get(source, tuple(range(levels)))) for source, levels in enumerate(layer.levels)}
        for levels, firsts in sorted(kinds):
            # Columns of the parameters that count: of merged levels the first one, of numbers all coefficients.
            slots = sorted({*firsts}) if levels else [*range(layer.grid_size + layer.k)]
            same = (merged[:, :levels] == torch.tensor(firsts, device=merged.device)).all(-1) if levels else True
            flat = (leads & (count == levels) & same & (numeric[:, slots] >= 0).all(-1)).nonzero()[:, 0]
            if not len(flat):
                continue
            with_base = bool(numeric[flat[0], -1] >= 0)
            modes = level_modes(layer, len(slots)) if levels else wiggle_modes(layer, with_base)
            width, sources = modes[0].shape[-1], flat % layer.in_dim
            columns = torch.cat([numeric[flat][:, slots], numeric[flat, -1:]], 1)[:, :width]
            edges = [EdgeRef(number, n % layer.in_dim, n // layer.in_dim) for n in flat.tolist()]
            basis, inverse, roughness = (mode[:, sources] for mode in modes)
            part = Block(edges, levels > 0, columns, basis, inverse, roughness, epsilon[:, columns[:, 0]][..., None])
            blocks.setdefault((part.is_of_words, width), []).append(part)
    joined = []
    for (is_of_words, _), parts in blocks.items():
        edges, columns = [edge for part in parts for edge in part.edges], torch.cat([part.columns for part in parts])
        of_networks = zip(*((part.basis, part.inverse, part.roughness, part.epsilon) for part in parts), strict=True)
        joined.append(Block(edges, is_of_words, columns, *(torch.cat(tensors, 1) for tensors in of_networks)))
    return joined


# ---- the parameters given the data, to second order (Laplace)

#: Added to the diagonal of a matrix of ones on it, until it has a Cholesky factor.
_JITTERS = (1e-14, 1e-12, 1e-10)


@dataclass(frozen=True, slots=True)
class Laplace:
    """The parameters given the data, to second order, in the coordinates of the modes."""

    root: Tensor
    """`(networks, size, size)`, upper triangular: the covariance is root @ rootᵀ."""
    log_determinant: Tensor
    """Of H + P, `(networks,)`."""
    sound: Tensor
    """Whether H + P had a Cholesky factor, `(networks,)`."""


def laplace_of(matrix: Tensor, blocks: Sequence[Block], precision: Tensor, nat: Tensor) -> Laplace:
    """The covariance (H + P)⁻¹ of the parameters given the data: H is the Hessian of minus the log-likelihood, P the prior's precision.

    It is taken in the coordinates of the modes (`wiggle_modes`), where P is diagonal: there large entries of P and what the data leave
    undetermined don't mix, so that both stay exact.

    Args:
        matrix: Gauss-Newton matrices of the mean loss, `(networks, size, size)`.
        blocks: The edges whose parameters have a prior.
        precision: The diagonal of P in the modes, `(networks, size)`.
        nat: The gain in the mean loss by which the log-likelihood grows by 1, `(networks,)`.
    """
    # `whole` becomes nat·(H + P), since nat·H is the matrix of the mean loss. The nat is taken out of root and determinant at the end.
    whole, size = matrix.clone(), matrix.shape[-1]
    for _ in range(2):  # of rows, then of what were columns: the matrix is symmetric
        for block in blocks:
            whole[:, block.columns] = block.basis.mT @ whole[:, block.columns]
        whole = whole.mT
    diagonal = nat[:, None] * precision
    # A node that nothing uses and that has left its grid has so large a part of H that its rounding would decide about the rest: that is
    # why the rounding of each edge is added.
    for block in blocks:
        diagonal[:, block.columns] += block.rounding(matrix)
    whole.diagonal(dim1=1, dim2=2).add_(diagonal)
    # Scaled to ones on the diagonal, so that a jitter means the same for every mode.
    sizes = whole.diagonal(dim1=1, dim2=2).clamp_min(torch.finfo(whole.dtype).tiny).rsqrt()
    whole *= sizes[:, :, None] * sizes[:, None]
    singular = torch.ones_like(nat, dtype=torch.bool)
    for jitter in _JITTERS:
        whole.diagonal(dim1=1, dim2=2).add_(torch.where(singular, jitter, 0.0)[:, None])
        factor, info = torch.linalg.cholesky_ex(whole)
        singular = info > 0
        if not bool(singular.any()):
            break
    identity = torch.eye(size, dtype=factor.dtype, device=factor.device).expand_as(factor)
    if bool(singular.any()):  # indefinite beyond round-off: the identity takes its place, and `sound` is False
        factor = torch.where(singular[:, None, None], identity, factor)
    inverse = torch.linalg.solve_triangular(factor, identity, upper=False)
    root = inverse.mT * (sizes * nat.sqrt()[:, None])[..., None]
    diagonal = factor.diagonal(dim1=1, dim2=2)
    return Laplace(root, 2 * (diagonal.log() - sizes.log()).sum(1) - size * nat.log(), ~singular)
