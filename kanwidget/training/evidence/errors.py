"""What follows from a network's posterior: standard errors of its outputs and of the curves on its edges, and how far curves go on.

References:
    Marra and Wood, "Coverage properties of confidence intervals for generalized additive model components", Scandinavian Journal of
    Statistics 39 (2012): a band of ± 2 standard errors holds the curve on the average over its range.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, Posterior
from kanwidget.training.jacobian.forward import forward_pass
from kanwidget.training.jacobian.jacobian import jacobian
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack

#: Numbers in a part of the Jacobian.
_CHUNK = 1 << 22
#: Singular values below this part of the largest are round-off.
_RANK = 1e-9
#: Standard errors of a slope below which it isn't known.
_UNKNOWN = 2.0


def valid_posterior(network: Network) -> Posterior | None:
    """The network's posterior, if it belongs to the parameters that the network has now.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> model = KAN([1, 1])
        >>> valid_posterior(model) is None
        True
        >>> history = model.fit(create_dataset(lambda x: x**2, n_var=1, train_num=100), progress=False)
        >>> valid_posterior(model) is model.posterior
        True
        >>> valid_posterior(model.refine(6)) is None
        True
    """
    posterior = network.posterior
    if posterior is None:
        return None
    parameters, vector = ParameterVector.of(network), posterior.vector
    same = parameters.size == len(vector) and torch.equal(parameters.read(Stack([network]))[0], vector)
    return posterior if same else None


def output_errors(network: Network, posterior: Posterior, x: Tensor) -> Tensor:
    """Standard errors of the outputs, in the target's unit, `(batch, n_out)`; of classes those of the scores.

    A word (of a column of texts) that no row of training had has no value of its own: its error is the spread of those that it had.

    Args:
        network: The network.
        posterior: Its posterior.
        x: Inputs, `(batch, n_features)`, in own units.
    """
    parameters, stack, root = ParameterVector.of(network), Stack([network]), posterior.root.to(x.device)
    words = [source for source, levels in enumerate(network.layer(0).levels) if levels]
    spreads = [(source, edge) for source in words for edge in level_values(network, posterior, source)]
    parts = []
    with torch.no_grad():
        for rows in x.split(max(1, _CHUNK // (parameters.size * network.n_out))):
            trace = forward_pass(stack, stack.select([rows]), derivatives=True)
            # Derivatives of the scaled outputs in the parameters, `(rows, n_out, size)`. The covariance is root @ rootᵀ.
            slopes = jacobian(stack, parameters, trace)[0].double()
            variance = (slopes @ root).square().sum(-1)
            unmet = ~network.layer(0).is_met(network.select(rows))  # words that training hadn't, `(rows, n_in)`
            for source, edge in spreads:
                # For such a word the edge has the mean of its n values, with 1/n of the variance of a single one, from which the word's
                # own value differs. The derivative in what the edge adds is the sum of those in its values.
                open_part = edge.spread.square() * (1 + 1 / len(edge.columns))
                variance += unmet[:, source, None] * open_part * slopes[..., edge.columns].sum(-1) ** 2
            parts.append(_own_errors(network, trace.output[0], variance.sqrt()))
    return torch.cat(parts) if parts else x.new_zeros(0, network.n_out)


def leverages(network: Network, x: Tensor) -> Tensor:
    """How far the fit follows each of the rows that it was fitted to, `(rows, n_out)`: 0 not at all, 1 wherever the row goes.

    A residual r with the leverage h is r / (1 - h) from a fit without the row. h is the derivative of a fitted label in the label, by the
    network's posterior (parameters given the data) where it has one with a noise, else of a fit by least squares.

    Args:
        network: The network.
        x: The rows, `(rows, n_features)`, in own units.

    References:
        Allen, "The relationship between variable selection and data augmentation and a method for prediction", Technometrics 16
        (1974).

    Examples:
        >>> from kanwidget import KAN
        >>> x = torch.linspace(0, 1, 10, dtype=torch.float64)[:, None]
        >>> model = KAN([1, 1])
        >>> history = model.fit((x, 2 * x + torch.cos(40 * x)), progress=False)
        >>> 1 < leverages(model, x).sum() < 10
        tensor(True)
    """
    parameters, stack, posterior = ParameterVector.of(network), Stack([network]), valid_posterior(network)
    with torch.no_grad():
        trace = forward_pass(stack, stack.select([x]), derivatives=True)
        slopes = jacobian(stack, parameters, trace)[0].double().flatten(0, 1)
        # The diagonal of the matrix that makes fitted labels from labels: J·V·Jᵀ/noise² with the covariance
        # V = root @ rootᵀ of the parameters, or the projection on the columns of J.
        if posterior is not None and posterior.noise:
            values = (slopes @ posterior.root.to(slopes) / posterior.noise).square().sum(-1)
        else:
            left, sizes, _ = torch.linalg.svd(slopes, full_matrices=False)
            values = left[:, sizes > _RANK * sizes[0]].square().sum(-1) if len(sizes) else slopes.new_zeros(len(slopes))
    return values.clamp(0, 1).view(len(x), network.n_out).to(x.dtype)


class LevelValues(NamedTuple):
    """The values of the levels of words on one edge, in scaled numbers."""

    columns: Tensor
    """Their places among the parameters, one for each value, `(values,)`."""
    spread: Tensor
    """Standard deviation of the levels that such words have: that of the values, and what is open of them."""


def level_values(network: Network, posterior: Posterior, source: int) -> list[LevelValues]:
    """The values that the words of input `source` (a column of texts) have on each of its edges, an item an edge: indices and spread.

    Edges that aren't trained or have a single value are left out, and of edges that share their values all but the first. There are none
    for an input of numbers.
    """
    layer, found = network.layer(0), []
    # Indices of the edges' parameters in the vector, -1 if not free; and which edges own theirs.
    numeric, leads = ParameterVector.of(network).layers[0].numeric, layer.tie_leads()
    for target in range(layer.out_dim):
        columns = numeric[target, source]
        columns = columns[columns >= 0]
        if not layer.levels[source] or len(columns) < 2 or not bool(leads[target, source]):
            continue
        values, root = posterior.vector[columns].double(), posterior.root[columns].double()
        # The expected squares around the mean: those of the values, and the variances that the data leave (covariance root @ rootᵀ).
        squares = (values - values.mean()).square().sum() + (root - root.mean(0)).square().sum()
        spread = (squares / (len(columns) - 1)).sqrt()
        found.append(LevelValues(columns, spread))
    return found


def noise_errors(network: Network, posterior: Posterior, x: Tensor) -> Tensor:
    """Standard deviation of new rows' labels around the outputs, in the target's unit, `(batch, n_out)`; 0 for classes.

    It is the noise alone, without the error of the outputs. `x` are inputs in own units, `(batch, n_features)`.
    """
    with torch.no_grad():
        output = network(x)
        scaled = network.scaling.scaled_outputs(output) if posterior.noise is not None else output
        return _own_errors(network, scaled, torch.full_like(scaled, posterior.noise or 0.0))


def curve_errors(network: Network, posterior: Posterior, edge: EdgeRef, x: Tensor) -> Tensor | None:
    """Standard errors of an edge's curve as `Network.curve` has it, `(n,)`, in own units; None for an edge that isn't a spline.

    They are those of the curve less its mean over the reference data.

    Args:
        network: The network.
        posterior: Its posterior.
        edge: The edge.
        x: Values of its input node, `(n,)`, in own units.

    Examples:
        >>> from kanwidget import KAN, Dataset
        >>> x = torch.linspace(200, 300, 50, dtype=torch.float64)[:, None]
        >>> model = KAN([1, 1])
        >>> history = model.fit(Dataset(x, 1e5 * x + 1e5 * torch.cos(20 * x)), progress=False)
        >>> errors = curve_errors(model, model.posterior, EdgeRef(0, 0, 0), x[:, 0])
        >>> 1e4 < errors.mean() < 1e5
        tensor(True)
    """
    layer, units = network.layer(edge.layer), network.edge_units(edge)
    if layer.state(edge.source, edge.target) not in ("spline", "levels"):
        return None
    # Where the edge's coefficients and base weight stand in the vector of parameters; -1 for those that aren't free.
    columns = ParameterVector.of(network).layers[edge.layer].numeric[edge.target, edge.source]
    free = columns >= 0
    if not bool(free.any()):
        return None
    with torch.no_grad():
        # The curve at x and at the reference data in one call: other columns of the layer don't matter and are 0.
        inputs = _inputs_of(network, edge)
        everywhere = x.new_zeros(len(x) + len(inputs), layer.in_dim)
        everywhere[:, edge.source] = torch.cat([(x - units.x_centre) / units.x_size, inputs])
        values = layer.design(everywhere)[:, edge.source]
        # A constant can move from one edge of a sum to the next: it is left out.
        design = values[: len(x)] - values[len(x) :].mean(0) if len(inputs) else values
        root = posterior.root[columns[free]].to(x.device)  # root @ rootᵀ is the covariance of the edge's parameters
        return units.y_size * (design[:, free].double() @ root).square().sum(-1).sqrt()


def _inputs_of(network: Network, edge: EdgeRef) -> Tensor:
    """Scaled values of an edge's input node at the reference data, `(rows,)`."""
    nodes = network.select(network.reference)
    for index in range(edge.layer):
        nodes = network.combine(index + 1, network.layer(index)(nodes))
    return nodes[:, edge.source]


def _own_errors(network: Network, output: Tensor, spread: Tensor) -> Tensor:
    """Standard errors of outputs in the target's unit, `(batch, outputs)`.

    Args:
        network: The network, whose scales are used.
        output: Its scaled outputs, `(batch, outputs)`. They matter where an output is a logarithm: its error is multiplied by exp's
            derivative, which is exp itself.
        spread: Standard errors of the scaled outputs, of that shape.
    """
    scaling = network.scaling
    if not scaling.scales_output:
        return spread
    errors = spread * scaling.output_size
    return torch.where(scaling.output_log, errors * scaling.own_outputs(output), errors)


# ---- beyond the rows of training a spline goes on as a straight line. A few rows at the end of a skewed column hardly determine its slope,
# and further out it would be believed more and more: a curve goes on as far as these rows know where to.


def brought_nearer(network: Network, posterior: Posterior | None, nodes: Tensor) -> Tensor:
    """Inputs beyond the grids nearer to them, by as much as the slopes there are open; others as they are.

    Beyond its grid a spline goes on as a straight line. The part max(0, 1 - 4e²/s²) of its slope s counts, with e the standard error: all
    where the rows leave nothing open, none where it is smaller than two errors. Columns with a function, of which a formula says how it
    goes on, stay as they are, and so do those of networks with hidden nodes: what one edge multiplies another may divide, so that a slope
    has no error of its own.

    Args:
        network: The network.
        posterior: Its posterior; without one inputs stay as they are.
        nodes: Scaled inputs of the first layer, `(batch, n_in)`.

    Examples:
        >>> from kanwidget import KAN
        >>> random = torch.Generator().manual_seed(0)
        >>> x = torch.rand(80, 1, dtype=torch.float64, generator=random)
        >>> noise = torch.randn(80, 1, dtype=torch.float64, generator=random)
        >>> flat, steep = KAN([1, 1], grid=5), KAN([1, 1], grid=5)
        >>> for model, slope in ((flat, 0), (steep, 30)):
        ...     history = model.fit((x, slope * x + noise), progress=False)
        >>> far, end = [[9.0]], [[1.0]]
        >>> bool((flat.predict(far) - flat.predict(end)).abs() < 0.1), bool((steep.predict(far) - steep.predict(end)).abs() > 200)
        (True, True)
    """
    if posterior is None or network.depth > 1:
        return nodes
    low, high = _ends(network)
    within = nodes.maximum(low).minimum(high)
    if torch.equal(within, nodes):
        return nodes
    _, _, below, above = _reach(network, posterior)  # the parts that count of the way beyond each end
    return within + (nodes - within) * torch.where(nodes < within, below, above)


class Reach(NamedTuple):
    """How far curves go on, see `brought_nearer`; each `(n_in,)`."""

    low: Tensor
    """First and last scaled number that stay as they are."""
    high: Tensor
    below: Tensor
    """What part of the way beyond them counts."""
    above: Tensor


def reach(network: Network) -> Reach | None:
    """How far `predict` lets curves go on beyond their grids: the ends, and the factors, 0 to 1, of an input's distance beyond them.

    None where they simply go on: without a posterior, or with hidden nodes.

    Examples:
        >>> from kanwidget import KAN
        >>> reach(KAN([1, 1])) is None
        True
    """
    posterior = valid_posterior(network)
    return None if posterior is None or network.depth > 1 else _reach(network, posterior)


def _reach(network: Network, posterior: Posterior) -> Reach:
    """By how much inputs beyond grids and data are moved nearer, in a network without hidden nodes, see `brought_nearer`.

    Returns:
        For each input, `(n_in,)` each, the ends between which scaled values stay, and the factors, 0 to 1, of the distance below and above.
    """
    low, high = _ends(network)
    # Beyond the ends curves are straight lines, so that their slopes can be taken over any distance: over the range's length.
    length = high - low
    below, above = (
        _part_beyond(network, posterior, low, low - length),
        _part_beyond(network, posterior, high, high + length),
    )
    return Reach(low, high, below, above)


def _ends(network: Network) -> tuple[Tensor, Tensor]:
    """Smallest and largest scaled value of each input that counts as within, `(n_in,)` each.

    These are the ends of the first layer's grids, or of the reference data where they reach further.
    """
    grid = network.layer(0).grid
    low, high = grid[:, 0], grid[:, -1]
    if len(network.reference):  # grids that haven't followed the rows yet may end before them
        rows = network.select(network.reference)
        low, high = low.minimum(rows.amin(0)), high.maximum(rows.amax(0))
    return low, high


def _part_beyond(network: Network, posterior: Posterior, end: Tensor, further: Tensor) -> Tensor:
    """What part of each input's slope beyond an end its curves keep, `(n_in,)`: max(0, 1 - 4e²/s²) for a slope s with the error e.

    An input with an edge that is no free spline has 1: such an edge says by itself how it goes on.

    Args:
        network: The network.
        posterior: Its posterior.
        end: The first or last scaled value of each input that counts as within, see `_ends`, `(n_in,)`.
        further: A value beyond each end, `(n_in,)`.
    """
    layer, index = network.layer(0), ParameterVector.of(network).layers[0]
    with torch.no_grad():
        near, far = layer.design(torch.stack([end, further])).double()
    change = (far - near).to(posterior.root)  # of basis functions and base function, `(n_in, B + 1)`
    # Over the edges of each input: squared changes of their curves, and the variances of these.
    squares, errors = torch.zeros_like(end), torch.zeros_like(end)
    others = torch.zeros_like(end, dtype=torch.bool)
    for edge in network.edge_refs(active=True):
        columns = index.numeric[
            edge.target, edge.source
        ]  # where its parameters stand in the vector; -1 for those that aren't free
        free = columns >= 0
        if layer.state(edge.source, edge.target) != "spline" or not bool(free.any()):
            others[edge.source] = True
            continue
        step, chosen = change[edge.source][free], columns[free]
        squares[edge.source] += (step @ posterior.vector[chosen].to(step)) ** 2
        errors[edge.source] += (step @ posterior.root[chosen]).square().sum()  # the covariance is root @ rootᵀ
    part = (1 - _UNKNOWN**2 * errors / squares.clamp_min(torch.finfo(squares.dtype).tiny)).clamp(0, 1)
    return torch.where(others, 1.0, part)
