"""One layer of edges: every input node to every subnode, each edge in one of five states.

`spline`: φ(x) = w·b(x) + Σ cᵢ·Bᵢ(x). `symbolic`: φ(x) = c·f(a·x + b) + d. `both`: their sum. `pruned`: 0.

`levels`: of an input of words, where x is the number of a level. Bᵢ(x) is then 1 for i = x and 0 else, there is no base function, and cᵢ
is the value of level i. Any other number, such as one half, is a level that nobody has met, and has the mean of the values.

Axis order: values `(batch, out, in)`, parameters `(out, in, …)`. An edge's flat index is `target * in + source`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from kanwidget.core import fused, splines
from kanwidget.core.primitives import base_functions, primitive

EdgeState = Literal["spline", "symbolic", "both", "pruned", "levels"]
#: Parameters and buffers of a layer; the rest of its state is `get_extra_state`.
LAYER_TENSORS = ("coef", "base", "affine", "knots", "spline_on", "frozen")


class Edges:
    """Edges of a layer, evaluated for one network or for several of one structure side by side.

    `…` in a shape is the number of networks, if there are several side by side.
    """

    k: int
    base_fun: str
    knots: Tensor
    """`(…, in, G + 1 + 2k)`"""
    coef: Tensor
    """`(…, out, in, B)`, B = G + k, or the largest number of levels where that is more"""
    base: Tensor
    """`(…, out, in)`"""
    affine: Tensor
    """`(…, out, in, 4)`"""
    spline_on: Tensor
    """`(out, in)`"""
    symbols: dict[str, list[int]]
    """Flat indices of symbolic edges, by primitive: the edges of one primitive are evaluated together."""
    ties: list[list[int]]
    """Groups of flat indices that share the parameters of their first member."""
    levels: tuple[int, ...]
    """The number of levels of each input; 0 for an input of numbers."""
    merged: dict[int, tuple[int, ...]]
    """Of inputs with levels that have one value: for each level the first that has it."""

    @property
    def in_dim(self) -> int:
        """Number of input nodes."""
        return self.coef.shape[-2]

    @property
    def out_dim(self) -> int:
        """Number of output subnodes."""
        return self.coef.shape[-3]

    @property
    def grid_size(self) -> int:
        """Number of intervals G."""
        return self.knots.shape[-1] - 1 - 2 * self.k

    @property
    def spline_coef(self) -> Tensor:
        """The coefficients of splines, `(…, out, in, G + k)`: `coef` is longer where a column of words has more words than that."""
        return self.coef[..., : self.grid_size + self.k]

    def sums(self, x: Tensor, design: Tensor) -> Tensor:
        """The sums of the edges into each subnode, `(…, batch, out)`, at the inputs x, `(…, batch, in)`.

        `design` has the values of the basis functions and of the base function at x, `(…, batch, in, B + 1)`.
        """
        weight = self.weight()
        if design.stride(-1) != 1:  # where rows are many, inputs lie side by side in memory
            design, weight = design.mT, weight.mT
        bases, weight = design.flatten(-2), weight.flatten(-2).mT
        if self.symbols:
            # A symbolic edge has a value at infinity, exp(-∞) = 0; 0 times a basis function there would make the sum NaN.
            bases = torch.where(self.spline_on.any(), bases, bases.nan_to_num(0.0, 0.0, 0.0))
        # For several networks `@` would do the same by some ten operations.
        out = torch.bmm(bases, weight) if bases.ndim == weight.ndim == 3 else bases @ weight
        for target, _, value in self._symbolic_values(x, 0):
            out = out.index_add(-1, target, value)
        return out

    def design(self, x: Tensor, order: int = 0) -> Tensor:
        """Basis functions and, last, the base function of inputs x, `(…, batch, in)`, or derivatives of an order: `(…, batch, in, B + 1)`.

        Of an input of words (categories, by their numbers: its levels) they are 1 at the level of the row and 0 elsewhere.
        """
        base = base_functions(self.base_fun)[order](x)
        if splines.are_many(x) and not base.requires_grad:
            design = splines.basis(x, self.knots, self.k, order, room=1)
            design[..., -1] = base  # a copy of all would take as long as the basis functions
        else:
            bases = splines.basis(x, self.knots, self.k, order)
            if bases.stride(-1) == 1:  # else inputs lie side by side in memory: joined so that they stay there
                design = torch.cat([bases, base[..., None]], dim=-1)
            else:
                design = torch.cat([bases.mT, base[..., None, :]], dim=-2).mT
        return self._with_levels(design, x, order) if any(self.levels) else design

    def _with_levels(self, design: Tensor, x: Tensor, order: int) -> Tensor:
        """A design in which inputs of words have one basis function a level: 1 at the level of the row, 0 elsewhere, and no base function.

        Levels are the words (categories) of an input by their numbers; `self.levels` counts them, 0 for an input of numbers. A value that
        is none counts as each of them alike; levels that were merged, to have one value, are the first of their group. Derivatives are 0.

        Args:
            design: The design as if all inputs were numbers, `(…, batch, in, G + k + 1)`.
            x: The inputs, `(…, batch, in)`: of words the numbers of levels.
            order: The order of the derivative in `design`.

        Returns:
            `(…, batch, in, B + 1)`.
        """
        count = torch.tensor(self.levels, device=x.device)
        level = torch.arange(self.coef.shape[-1], device=x.device)
        code, is_met = x.detach().round()[..., None], self.is_met(x.detach())[..., None]
        # The part that each basis function has in the mean of the values of all levels: of merged ones the first stands for all.
        share = level < count[:, None]
        if self.merged:
            first = self.firsts()
            picked = code.nan_to_num(0.0).clamp(0, len(level) - 1).long()  # where it is no number, is_met is False
            code = first.expand(*picked.shape[:-1], -1).gather(-1, picked).to(x.dtype)
            share = (functional.one_hot(first, len(level)) * share[..., None]).sum(1)
        mean = share.to(x.dtype) / count.clamp(min=1)[:, None]
        met = torch.where(is_met, (code == level).to(x.dtype), mean) if order == 0 else torch.zeros_like(mean)
        padded = functional.pad(design[..., :-1], (0, len(level) - design.shape[-1] + 1))
        met, base = met.expand_as(padded), torch.where(count > 0, 0.0, design[..., -1])
        return torch.cat([torch.where(count[:, None] > 0, met, padded), base[..., None]], dim=-1)

    def is_met(self, x: Tensor) -> Tensor:
        """Whether inputs x, `(…, batch, in)`, are numbers of levels (words) that training had; False for all inputs of numbers.

        A level that training didn't have comes as ½. `self.levels` has the number of levels of each input, 0 for one of numbers.
        """
        code, count = x.round(), torch.tensor(self.levels, device=x.device)
        return (code >= 0) & (code < count) & ((x - code).abs() < 0.5)

    def firsts(self) -> Tensor:
        """For each input, and each of its basis functions, the index of the one whose coefficient counts, `(in, B)`.

        It is the function itself, but for merged levels (words with one value): these have the coefficient of the first of their group.
        """
        slots = torch.arange(self.coef.shape[-1], device=self.coef.device).repeat(self.in_dim, 1)
        for source, firsts in self.merged.items():
            slots[source, : len(firsts)] = torch.tensor(firsts, device=slots.device)
        return slots

    def designs(self, x: Tensor, highest: int) -> tuple[Tensor, ...]:
        """Basis functions and, last, the base function at x, `(…, batch, in)`, and their derivatives of orders 1 to `highest`, at most 3.

        Each is `(…, batch, in, B + 1)`, the `design` of its order.
        """
        orders = range(highest + 1)
        if torch.is_grad_enabled() or any(self.levels):
            return tuple(self.design(x, order) for order in orders)
        # Without a graph, and without inputs of words (categories), all orders at once cost little more than one.
        found = splines.basis_to_order(x, self.knots, self.k, highest, room=1)
        for design, base in zip(found, base_functions(self.base_fun), strict=False):
            design[..., -1] = base(x)
        return tuple(found)

    def weight(self) -> Tensor:
        """The factors of `design`, `(…, out, in, B + 1)`: coefficients of the B basis functions and, last, base weights.

        Edges that are tied (share one function) have those of the first of them, edges without a spline have 0.
        """
        weight = torch.cat([self.coef, self.base[..., None]], dim=-1)
        if self.ties:
            weight = weight.flatten(-3, -2)[..., self.tie_index(), :].view_as(weight)
        return torch.where(self.spline_on[..., None], weight, 0.0)

    def tie_index(self) -> Tensor:
        """The flat index, target * in + source, of the edge whose parameters each edge uses, `(out * in,)`: of a tie the first one's."""
        index = torch.arange(self.out_dim * self.in_dim, device=self.coef.device)
        for group in self.ties:
            index[group] = group[0]
        return index

    def tie_leads(self) -> Tensor:
        """Mask of the edges that own their parameters, `(out, in)`: all but the later ones of each tie (edges that share one function)."""
        index = self.tie_index()
        return (index == torch.arange(len(index), device=index.device)).view(self.out_dim, self.in_dim)

    def numeric_edges(self, x: Tensor) -> Tensor:
        """The numeric part, spline and base function, of every edge at x, `(…, batch, in)`: `(…, batch, out, in)`."""
        return torch.einsum("...nib,...oib->...noi", self.design(x), self.weight())

    def symbolic_edges(self, x: Tensor, order: int = 0) -> Tensor:
        """The symbolic part of every edge at x, `(…, batch, in)`, or its derivative of an `order`, `(…, batch, out, in)`; 0 for splines."""
        full = torch.zeros(*x.shape[:-1], self.out_dim * self.in_dim, dtype=x.dtype, device=x.device)
        for target, source, value in self._symbolic_values(x, order):
            full = full.index_copy(-1, target * self.in_dim + source, value)
        return full.unflatten(-1, (self.out_dim, self.in_dim))

    def edges(self, x: Tensor, order: int = 0) -> Tensor:
        """The value of every edge at x, `(…, batch, in)`, or its derivative of an `order` up to 3, `(…, batch, out, in)`."""
        return self.edges_of(x, self.design(x, order), order)

    def edges_of(self, x: Tensor, design: Tensor, order: int = 0) -> Tensor:
        """The value of every edge at x, or a derivative, `(…, batch, out, in)`; `design` has that of basis functions and, last, base."""
        numeric = torch.einsum("...nib,...oib->...noi", design, self.weight())
        return numeric + self.symbolic_edges(x, order) if self.symbols else numeric

    def symbolic_groups(self) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
        """For each primitive f its name and its edges, c·f(a·x + b) + d: targets, sources, `(edges,)`, and a, b, c, d, `(…, edges, 4)`.

        Edges that share their parameters, a tie, have those of the first of them.
        """
        for name, members in self.symbols.items():
            flat = torch.tensor(members, device=self.affine.device)
            affine = self.affine.flatten(-3, -2)[..., self.tie_index()[flat] if self.ties else flat, :]
            yield name, flat // self.in_dim, flat % self.in_dim, affine

    def _symbolic_values(self, x: Tensor, order: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield for each primitive the targets and sources of its edges, `(edges,)` each, and their values at x, `(…, batch, edges)`.

        With an `order` of 1 to 3 the values are derivatives by x of c·f(a·x + b) + d.
        """
        for name, target, source, affine in self.symbolic_groups():
            row = primitive(name)
            a, b, c, d = affine[..., None, :, :].unbind(-1)
            u = a * x[..., source] + b
            if order == 0:
                yield target, source, c * row.fn(u) + d
            else:
                yield target, source, c * a**order * row.derivatives[order](u)


def row_bytes(layers: Iterable[Edges]) -> int:
    """Bytes that the basis functions of one row take in memory, in all layers of a network."""
    return sum(layer.in_dim * (layer.coef.shape[-1] + 1) * layer.coef.element_size() for layer in layers)


class Layer(Edges, nn.Module):
    """The edges between two levels of nodes.

    Args:
        grid: Grid points of each input, shape `(in, G + 1)`, increasing.
        k: Order of the splines, ≥ 0.
        coef: Spline coefficients, shape `(out, in, G + k)`.
        base: Weights w of the base function, shape `(out, in)`.
        base_fun: Name of b: `silu`, `identity`, `zero` or a primitive's name.
    """

    frozen: Tensor

    def __init__(self, grid: Tensor, k: int, coef: Tensor, base: Tensor, base_fun: str = "silu") -> None:
        """Make a layer of splines of order k, on the points `grid`, `(in, G + 1)`, with coefficients, `(out, in, G + k)`.

        `base` has the weights, `(out, in)`, of the base function, whose name is `base_fun`.
        """
        super().__init__()
        out, inputs = base.shape
        self.k = k
        self.base_fun = base_fun
        self.coef = nn.Parameter(coef)
        self.base = nn.Parameter(base)
        # a, b, c, d of each edge's symbolic part, c·f(a·x + b) + d.
        self.affine = nn.Parameter(base.new_tensor([1.0, 0.0, 1.0, 0.0]).repeat(out, inputs, 1))
        self.register_buffer("knots", splines.extend_knots(grid, k))
        # Masks of the edges with a spline, and of those that no training changes.
        self.register_buffer("spline_on", torch.ones(out, inputs, dtype=torch.bool))
        self.register_buffer("frozen", torch.zeros(out, inputs, dtype=torch.bool))
        self.symbols = {}  # by primitive, the flat indices of its edges, target * inputs + source
        self.ties = []  # groups of flat indices of edges that share one function
        self.levels, self.merged = (0,) * inputs, {}  # no input of words (categories): see `set_levels`

    # ---- structure

    def set_levels(self, levels: tuple[int, ...], merged: dict[int, tuple[int, ...]] | None = None) -> None:
        """Set the number of levels (words) of each input, 0 for one of numbers. In place, before a training.

        Inputs of words (categories) lose their base weights, and the coefficients that have no level: each level has one coefficient.

        Args:
            levels: For each input its number of levels.
            merged: Of inputs whose levels are merged, for each level the first one with the same value; None for no such input.
        """
        self.levels, self.merged = levels, dict(merged or {})
        self.take_room()  # makes `coef` long enough for the longest input
        slot, count = (one.to(self.coef.device) for one in (torch.arange(self.coef.shape[-1]), torch.tensor(levels)))
        words = count > 0
        with torch.no_grad():
            self.coef.mul_(~words[:, None] | (slot < count[:, None]))
            self.base.mul_(~words)
            # Levels are 0 to count - 1: a grid that has half a step more at each end holds them all.
            ends = count[words].to(self.knots.dtype) - 0.5
            grid = splines.uniform_grid(torch.full_like(ends, -0.5), ends, self.grid_size)
            self.knots[words] = splines.extend_knots(grid, self.k)

    def take_room(self) -> None:
        """Make `coef` as long as the inputs need it, by zeros at its end, or without the last ones. In place.

        An input of numbers needs a coefficient for each of its G + k basis functions, one of words for each of its levels (words).
        """
        longer = max(self.grid_size + self.k, *self.levels) - self.coef.shape[-1]
        if longer:
            self.coef = nn.Parameter(functional.pad(self.coef.detach(), (0, longer)), self.coef.requires_grad)

    def used(self) -> Tensor:
        """Mask of the basis functions, and last the base function, that each input needs, `(in, B + 1)`.

        Inputs of numbers need those of splines. Inputs of words need one for each level (word), but of merged levels, which have one value,
        that of the first alone.
        """
        slot = torch.arange(self.coef.shape[-1] + 1, device=self.coef.device)  # indices of the functions
        count = torch.tensor(self.levels, device=self.coef.device)[:, None]
        base = slot == self.coef.shape[-1]
        used = torch.where(count > 0, slot < count, (slot < self.grid_size + self.k) | base)
        if self.merged:
            used[:, :-1] &= self.firsts() == slot[:-1]
        return used

    @property
    def grid(self) -> Tensor:
        """Grid points of each input, `(in, G + 1)`."""
        return splines.interior(self.knots, self.k)

    def symbol(self, source: int, target: int) -> str | None:
        """Name of the edge's primitive, None without a symbolic part."""
        flat = target * self.in_dim + source
        return next((name for name, members in self.symbols.items() if flat in members), None)

    def state(self, source: int, target: int) -> EdgeState:
        """The state of an edge: `spline`, `levels` (a value for each word of a column of words), `symbolic`, `both` or `pruned`."""
        numeric = bool(self.spline_on[target, source])
        if self.symbol(source, target) is None:
            curve: EdgeState = "levels" if self.levels[source] else "spline"
            return curve if numeric else "pruned"
        return "both" if numeric else "symbolic"

    def curved(self) -> Tensor:
        """Mask of the edges with a spline, `(out, in)`: those with levels have none, only a value for each."""
        return self.spline_on & (torch.tensor(self.levels, device=self.coef.device) == 0)

    def symbolic_on(self) -> Tensor:
        """Mask of the edges with a symbolic function, `(out, in)`."""
        mask = torch.zeros(self.out_dim * self.in_dim, dtype=torch.bool, device=self.coef.device)
        mask[[flat for members in self.symbols.values() for flat in members]] = True
        return mask.view(self.out_dim, self.in_dim)

    def active(self) -> Tensor:
        """Mask of the edges that aren't pruned, `(out, in)`."""
        return self.spline_on | self.symbolic_on()

    def free_numeric(self) -> Tensor:
        """Mask of the coefficients and, last, base weights that an optimizer may move, `(out, in, B + 1)`; none of frozen edges."""
        edges = self.spline_on & ~self._frozen_ties()
        # The base function 0 leaves nothing to train.
        coef = edges & self.coef.requires_grad
        base = edges & (self.base.requires_grad and self.base_fun not in ("zero", "0"))
        spline = coef[..., None].expand(*coef.shape, self.coef.shape[-1])
        free = torch.cat([spline, base[..., None]], dim=-1)
        return free & self.used() if any(self.levels) else free  # inputs of words don't use all

    def free_affine(self) -> Tensor:
        """Mask of the constants a, b, c, d of c·f(a·x + b) + d that an optimizer may move, `(out, in, 4)`; none of frozen edges."""
        free = torch.zeros(self.out_dim * self.in_dim, 4, dtype=torch.bool, device=self.coef.device)
        if self.affine.requires_grad:
            for name, members in self.symbols.items():
                # Where f has no free a or b, c and d do the same (c scales x² as a does); c has no effect on the function 0.
                a, b = primitive(name).free
                free[members] = torch.tensor([a, b, name != "0", True], device=free.device)
        return free.view(self.out_dim, self.in_dim, 4) & ~self._frozen_ties()[..., None]

    @property
    def n_parameters(self) -> int:
        """Number of parameters that an optimizer may move; shared parameters count once."""
        leads = self.tie_leads()[..., None]
        return int((self.free_numeric() & leads).sum() + (self.free_affine() & leads).sum())

    def _frozen_ties(self) -> Tensor:
        """Mask of the edges that are frozen, or share their function (`ties`) with a frozen edge, `(out, in)`."""
        frozen = self.frozen.flatten().clone()
        for group in self.ties:
            frozen[group] = frozen[group].any()
        return frozen.view_as(self.frozen)

    def set_symbol(self, source: int, target: int, name: str | None, params: tuple[float, ...] | None = None) -> None:
        """Give an edge a primitive by its name, with a, b, c, d in scaled numbers; None removes it. In place; the spline stays as it is.

        Without `params` they are 1, 0, 1, 0: the function itself.
        """
        flat = target * self.in_dim + source
        symbols = {key: [m for m in members if m != flat] for key, members in self.symbols.items()}
        if name is not None:
            symbols[name] = sorted([*symbols.get(name, []), flat])
        self.symbols = {key: members for key, members in sorted(symbols.items()) if members}
        with torch.no_grad():
            self.affine[target, source] = self.affine.new_tensor(params or (1.0, 0.0, 1.0, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        """Sums of the edges into each subnode, `(batch, in)` → `(batch, out)`."""
        grid = None
        if not (self.symbols or self.ties or any(self.levels)):
            grid = fused.grid_of_loops(x, self.coef, self.knots, self.k)
        if grid is None:
            return self.sums(x, self.design(x))
        coef, base = self.coef, self.base
        if not bool(self.spline_on.all()):  # else nothing is copied
            coef, base = torch.where(self.spline_on[..., None], coef, 0.0), torch.where(self.spline_on, base, 0.0)
        of_base = base_functions(self.base_fun)[0](x) @ base.T
        return of_base + fused.sums(x, coef, grid, self._sums_of_splines)

    def _sums_of_splines(self, x: Tensor, coef: Tensor) -> Tensor:
        """The sums of splines with coefficients `coef`, `(out, in, G + k)`, alone, by way of basis functions: `(batch, out)`."""
        return torch.einsum("nib,oib->no", splines.basis(x, self.knots, self.k), coef)

    # ---- symbols and ties in the state dict

    def get_extra_state(self) -> dict[str, Any]:
        """What a state holds beside tensors: symbols, ties, levels and merged levels, as lists that `set_extra_state` reads."""
        symbols = {name: list(members) for name, members in self.symbols.items()}
        return {
            "symbols": symbols,
            "ties": [list(group) for group in self.ties],
            "levels": list(self.levels),
            "merged": [[source, *firsts] for source, firsts in self.merged.items()],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take symbols, ties, levels and merged levels as `get_extra_state` made them; states of earlier versions have no levels."""
        self.symbols = {primitive(name).name: list(members) for name, members in state["symbols"].items()}
        self.ties = [list(group) for group in state["ties"]]
        self.levels = tuple(state.get("levels", (0,) * self.in_dim))
        self.merged = {source: tuple(firsts) for source, *firsts in state.get("merged", [])}
