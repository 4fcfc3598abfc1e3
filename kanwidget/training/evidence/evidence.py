"""`Evidence`: the noise, and two prices of every spline edge, set by the data while Levenberg-Marquardt trains.

A price is the precision of a Gaussian prior: λ of an edge's wiggle, μ of its straight part. In the coordinates of `wiggle_modes` the
prior's precision P is diagonal, with a small ε that decides what neither data nor prices do. With H the Gauss-Newton matrix of the
negative log-likelihood, V = (H + P)⁻¹ is the covariance of the parameters given the data (Laplace). Each update takes the generalized
Fellner-Schall step, for every edge, with S the wiggle's roughness, and likewise for the straight part,

    λ ← (tr(P⁻¹λS) - tr(VλS)) / θᵀSθ,    σ² ← RSS / (rows - degrees of freedom).

It raises the evidence: the probability of the labels when the parameters are integrated out. The numerator is the wiggle's degrees of
freedom: 0 for an edge without one.

References:
    Wood and Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization with application to Tweedie location,
    scale and shape models", arXiv:1606.04802.
    MacKay, "Bayesian interpolation", Neural Computation 4 (1992).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.records import Freedom, Posterior
from kanwidget.training.evidence.blocks import Block, Laplace, laplace_of, modes_of, parameters_of, spline_blocks
from kanwidget.training.evidence.prices import averaged_prices, likelier_prices, say_something
from kanwidget.training.jacobian.parameter_vector import ParameterVector
from kanwidget.training.jacobian.stack import Stack, select_networks
from kanwidget.training.objective.batch import Batch

#: ε in parts of the rows' information, as the ridge of a training without evidence.
_EPSILON = 1e-6
#: Prices at the start of wiggle and straight part, with outputs of order one, and the noise in parts of the labels' variance: nothing is
#: flat at first, and nothing runs through every row.
_FIRST_PRICES, _FIRST_NOISE = (1.0, 1.0), 0.1
#: Added to a part's degrees of freedom, of sums less, which predict better so: else every third useless part keeps something for hidden
#: nodes to build on. Only once an update changes the logarithm of the evidence by less than the third: nodes on their way would go, too.
_PRICE_OF_A_PRICE, _PRICE_IN_A_SUM, _NEARLY_SETTLED = 1.0, 0.25, 1.0
#: The first price of wiggle without hidden nodes. All curves are then solved for at once, and a wave of ten turns, whose wiggle is 1e7,
#: must not be flat before evidence has its say: flat, with all of it noise, is a maximum of the evidence, too.
_FIRST_WIGGLE_OF_SUMS = 1e-4
#: An update raises the noise by this factor at most.
_NOISE_FACTOR = 2.0
#: The rows that the noise is estimated from are at least this part of all, however many parameters there are.
_LEAST_ROWS = 0.02
#: The largest price times the noise's part of the variance, in units of what changes along a curve: beyond, what is gone takes the digits
#: of what isn't. And the largest of all: where noise is rounding, larger ones keep curves from following their rows to the last digit.
_LARGEST_PRICE, _LARGEST_OF_ALL = 1e8, 1e15
#: Steps before the first update of evidence: by then the coarse shape is there. A network with hidden nodes that leaves more than the last
#: part of the variance has none yet, and all would count as noise: it gets more of them.
_COARSE_STEPS, _MOST_COARSE_STEPS, _SHAPELESS = 5, 20, 0.3
#: The part of its first price that wiggle has in these steps, of numbers and of classes. Under the whole price nodes become flat before
#: they find a wave, and stay so. Classes of few rows would be told apart by their noise under less.
_COARSE, _COARSE_OF_CLASSES = 1e-2, 1e-1
#: Evidence has settled when an update changes its logarithm by less.
_SETTLED = 1e-2
#: Degrees of freedom are an answer where an update changes it by less.
_STEADY = 0.1
#: The logarithm of the evidence may be so much less than it was for so many updates, as it is while parameters follow new prices. Then
#: prices and noise stay as they are: where edges cancel each other, rounding would make them run away.
_BEHIND, _MOST_BEHIND = 20.0, 10
#: Factors of noise and prices of all wiggles that are looked at where evidence has settled: with the misfit of too smooth a curve as noise
#: it has a maximum, too. There the noise is updated so often; so much more has to be the logarithm of the evidence, each time of a few.
_OTHER_PRICES, _OTHER_UPDATES, _WORTH_A_MOVE, _MOST_MOVES = (1e-2, 1e-4, 1e-6, 1e-8), 3, 1.0, 3
#: Networks of more parameters look at no other prices: that would take as long as several steps.
_LARGEST_LOOK = 500
#: Above so many parameters a posterior, a square matrix of them, isn't kept (8 MB).
_LARGEST_POSTERIOR = 1000
#: Once the likeliest prices of a sum have settled they give way to those that stand for all (`averaged_prices`), but where the noise is
#: a smaller part of the variance: the rows then leave nothing open that could be seen. An update goes the second part of the way,
#: or parts that say the same would overshoot in turn.
_LEAST_NOISE, _TOWARDS_AVERAGES = 1e-6, 0.5
#: What is stored: numbers of each network, and those of its edges.
_NUMBERS = ("log_evidence", "_last", "_change", "_ripe", "_looks", "_most", "_behind", "_stays", "_averages", "_fits")
COUNTS = ("settled", "averages", "stays", "behind", "looks", "most")  # without these other rows begin to count anew
_STORED = ("noise", "freedom", "settled", *_NUMBERS, "_prices", "_likeliest", "_freedoms")


class Evidence:
    """Noise and prices of networks side by side.

    Args:
        batch: The networks and their data.
        parameters: Layout of their free parameters.
        units: 1/unit of each parameter, `(networks, size)`: of its magnitude, and of what changes along a curve, see `Objective.units`.
        variance: Loss of the best constant prediction, `(networks,)`.
        loss: Loss at the start, `(networks,)`.
        averages: Whether prices that have settled give way to those that stand for all.
        coarse: Whether networks with hidden nodes first find their coarse shape: wiggle is cheap until evidence has its say.
    """

    def __init__(
        self,
        batch: Batch,
        parameters: ParameterVector,
        units: tuple[Tensor, Tensor],
        variance: Tensor,
        loss: Tensor,
        *,
        averages: bool = True,
        coarse: bool = True,
    ) -> None:
        # A price is the precision of a Gaussian prior: of an edge's wiggle (∫φ″²), or of its straight part. `variance`: loss of the best
        # constant, `loss`: that at the start, `units`: 1/unit of each parameter; with `averages` settled prices give way to averaged ones.
        self._with_averages, self.classes = averages, batch.loss.classes
        #: The mean loss is this · noise/labels times minus the log-likelihood: a squared error is 2σ² times its part of that.
        self._factor = 1.0 if self.classes else 2.0
        self._n_labels = batch.y[0].numel()
        #: Labels that count, `(networks,)`: those of rows without weight don't.
        self._counted = torch.full_like(variance, self._n_labels)
        if batch.weight is not None:
            self._counted = (batch.weight[..., 0] > 0).sum(1).double() * (self._n_labels // batch.y.shape[1])
        # The least noise is the rounding of the labels, whose digits end at eps times their root mean square.
        largest = batch.y.double().square().mean((1, 2)) if not self.classes else variance
        self._rounding = (torch.finfo(batch.stack.layers[0].coef.dtype).eps ** 2 * largest).clamp_min(1e-300)
        self._variance = variance  # of the labels, `(networks,)`; of classes the loss of the best constant
        self._is_sum = len(batch.stack.layers) == 1  # without hidden nodes: a sum of functions of one column each
        self._is_coarse_first = coarse and not self._is_sum  # whether wiggle is cheap until the first update
        self._own_price = _PRICE_IN_A_SUM if self._is_sum else _PRICE_OF_A_PRICE  # makes prices larger
        self.reload(batch.stack, parameters, units)  # takes the edges, in blocks of as many parameters
        wiggle, straight = _FIRST_PRICES
        of_splines = _FIRST_WIGGLE_OF_SUMS if self._is_sum else wiggle
        #: Prices of wiggle and straight part, `(networks, edges, 2)`, the edges block by block.
        self._prices = variance.new_empty(len(variance), sum(len(block.edges) for block in self._blocks), 2)
        for block, prices in self._by_block(self._prices):
            first = variance.new_tensor((wiggle if block.is_of_words else of_splines, straight))
            prices[:] = first * self._units_of(block)
        #: Their degrees of freedom, and the prices, when these were the likeliest.
        self._freedoms, self._likeliest = torch.zeros_like(self._prices), self._prices
        #: Variance of the noise in scaled numbers, `(networks,)`; 1 for classes, whose chance is in the probabilities.
        self.noise = torch.ones_like(variance)
        #: Whether (1.0) the networks fit already at the start, with the mean losses `loss`, `(networks,)`.
        self._fits = (loss < _FIRST_NOISE * variance).double()
        if not self.classes:
            self.noise = (_FIRST_NOISE * variance).minimum(loss).maximum(self._rounding)
        #: Logarithm of the evidence under the likeliest prices, degrees of freedom, and the former at the last update; 0 before the first.
        self.log_evidence = self.freedom = self._last = torch.zeros_like(variance)
        #: Whether the last update changed next to nothing, `(networks,)`, and whether (1.0) one has changed little yet.
        self.settled, self._ripe = torch.zeros_like(variance, dtype=torch.bool), torch.zeros_like(variance)
        #: By how much the last update changed the logarithm of the evidence, `(networks,)`.
        self._change = torch.full_like(variance, math.inf)

    def reload(self, stack: Stack, parameters: ParameterVector, units: tuple[Tensor, Tensor]) -> None:
        """Take over the grids and parameters as they are now. Prices and noise stay; what earlier updates have counted begins anew.

        `units` are 1/unit of each parameter, of its magnitude and of what changes along a curve, `(networks, size)` each.
        """
        #: The largest logarithm of the evidence on these grids, `(networks,)`.
        self._most = torch.full_like(self._variance, -math.inf)
        #: How many updates it was far below that, how often other prices were looked at, and whether (1.0) prices stay or are averages.
        self._behind = self._looks = self._stays = self._averages = torch.zeros_like(self._variance)
        self._size, self._units = parameters.size, units[1]
        epsilon = _EPSILON * self._n_labels / self._factor * units[0].square()  # precision without any price
        self._blocks = spline_blocks(stack, parameters, epsilon)
        #: For each layer the indices of its free parameters in the vector.
        self._layers = [torch.cat([index.numeric.flatten(), index.affine.flatten()]) for index in parameters.layers]
        self._layers = [places[places >= 0].unique() for places in self._layers]

    def _by_block(self, *parts: Tensor) -> Iterator[Any]:
        """Each block (edges with as many parameters) with its edges' part of every tensor `(networks, edges, …)`: views, to fill these."""
        counts = [len(block.edges) for block in self._blocks]
        return zip(self._blocks, *(part.split(counts, 1) for part in parts), strict=True)

    def _units_of(self, block: Block) -> Tensor:
        """1/unit² of edges' curves, `(networks, edges, 1)`, alike for all parameters of one: 1/variance of the labels in the last layer."""
        return self._units[:, block.columns[:, 0]].square()[..., None]

    @property
    def nat(self) -> Tensor:
        """The gain in the mean loss by which the logarithm of the likelihood grows by 1 (a nat), `(networks,)`."""
        return self._factor * self.noise / self._n_labels

    def matrix(self) -> Tensor:
        """R of the prior, `(networks, size, size)`: the prices of wiggle and straight part add ½·noise·θᵀRθ to the mean loss."""
        size = self._size
        matrix = self.noise.new_zeros(len(self.noise), size * size)
        for block, prices in self._by_block(self._ridge_prices()):
            values = block.inverse.mT @ (block.precision(prices)[..., None] * block.inverse)
            # Each edge's square lies at the crossings of its rows and columns, as indices of the flattened matrix.
            flat = block.columns[:, :, None] * size + block.columns[:, None]
            matrix.index_add_(1, flat.flatten(), values.flatten(1))
        return matrix.view(-1, size, size) * (self._factor / self._n_labels)  # in the mean loss: nat/noise

    def pull(self, vector: Tensor, networks: Tensor) -> Tensor:
        """R of `matrix` times `vector`, parameters of the networks with the indices `networks`, `(len(networks), size)`.

        It is computed in the modes, coordinates with a diagonal prior: where prices are large, the rounding of R would pull at what costs
        nothing, the constant and the rise of a curve.
        """
        result = torch.zeros_like(vector)
        for block, prices in self._by_block(self._ridge_prices()):
            inverse, precision = (
                select_networks(of_all, networks) for of_all in (block.inverse, block.precision(prices))
            )
            modes = precision[..., None] * (inverse @ vector[:, block.columns][..., None])
            result[:, block.columns] = (inverse.mT @ modes)[..., 0]
        return result * (self._factor / self._n_labels)  # in the mean loss: nat/noise

    def _ridge_prices(self) -> Tensor:
        """The prices that training is under, `(networks, edges, 2)`: of the wiggle and of the straight part of each edge.

        In networks with hidden nodes wiggle is cheaper until the first update: under its whole price nodes become flat, and stay so.
        """
        if not self._is_coarse_first or bool(self.has_spoken.all()):
            return self._prices
        part = torch.where(self.has_spoken, 1.0, _COARSE_OF_CLASSES if self.classes else _COARSE)[:, None]
        ridge_prices = self._prices.clone()
        for block, prices in self._by_block(ridge_prices):
            if not block.is_of_words:
                prices[..., 0] *= part
        return ridge_prices

    # ---- the data speak

    @property
    def has_spoken(self) -> Tensor:
        """Whether there has been an update, `(networks,)`."""
        return self.log_evidence != 0

    def ready(self, loss: Tensor, age: Tensor) -> Tensor:
        """In which networks noise and prices are to be updated, `(networks,)`: those with their coarse shape, or out of time for it.

        Before, what isn't found yet would count as noise. Those that fitted at the start (`_fits`), or had an update, are ready at once.
        `loss` are mean losses, `age` the steps until now, `(networks,)` both.
        """
        has_shape = (loss < _SHAPELESS * self._variance) | (not self._is_coarse_first)  # or isn't waited for
        in_time = (has_shape & (age >= _COARSE_STEPS)) | (age >= _MOST_COARSE_STEPS)
        return (self._fits > 0) | self.has_spoken | in_time

    def update(self, matrix: Tensor, gradient: Tensor, vector: Tensor, loss: Tensor, ready: Tensor) -> Tensor:
        """Take one step of prices and noise to where the evidence is larger, and see in which networks it has settled.

        Prices are precisions of the priors of each edge's wiggle and straight part. For each network `_averages`, `_stays` and `_ripe` are
        1.0 once they are averages (`averaged_prices`), stay, or have nearly settled. `_last` and `_most` are the logarithm of the evidence
        at the last update, and the largest; `_behind` counts updates in a row far below that, `_looks` moves to other prices (3: no more).

        Args:
            matrix: Gauss-Newton matrices of the mean loss, `(networks, size, size)`.
            gradient: Gradients of the mean loss, `(networks, size)`.
            vector: The free parameters, `(networks, size)`.
            loss: Mean losses, `(networks,)`.
            ready: Which networks take it, `(networks,)`.

        Returns:
            `(networks,)`: where prices now begin to move from the likeliest ones to averages; the optimizer then starts its damping anew.
        """
        before = copy.copy(self)  # tensors are replaced, never changed
        begins, precision = self._begin_averages(), self._precision()
        laplace = laplace_of(matrix, self._blocks, precision, self.nat)
        variances = laplace.root.square().sum(-1)
        modes = modes_of(self._blocks, vector)
        prices, freedoms = torch.empty_like(self._prices), torch.empty_like(self._prices)
        # The largest price: in networks with less noise it may be larger.
        clear = torch.ones_like(self.noise) if self.classes else self._variance / self.noise
        largest = (_LARGEST_PRICE * clear).clamp_max(_LARGEST_OF_ALL)[:, None, None]
        for block, old, new, freedom in self._by_block(self._prices, prices, freedoms):
            diagonal, square = precision[:, block.columns], modes[:, block.columns].square()
            priced = diagonal - block.epsilon
            # Degrees of freedom of each mode, its part of tr(P⁻¹λS) - tr(VλS), with P the prior's precision and V the covariance.
            share = priced / diagonal - priced * variances[:, block.columns]
            freedom[:] = torch.stack([share[..., 1:].sum(-1), share[..., 0]], -1).clamp_min(0.0)
            extent = torch.stack([(block.roughness * square).sum(-1), square[..., 0]], -1)
            new[:] = likelier_prices(old, freedom, extent, self._own_price * self._ripe)
            for index in self._averages.nonzero()[:, 0].tolist():
                units = 1 / self._units_of(block)[index, :, 0]
                average = averaged_prices(block, index, old[index], laplace.root[index], modes[index], units)
                # A part of the way in the logarithm.
                new[index] = old[index] * (average / old[index]) ** _TOWARDS_AVERAGES
            new[:] = new.minimum(largest * self._units_of(block))
        value = self._log_evidence(laplace, precision, modes, loss)
        sound = laplace.sound
        self._change = change = (value - self._last).abs()
        self.settled, self._ripe = sound & (change < _SETTLED), self._ripe.maximum((change < _NEARLY_SETTLED).double())
        likely = (self._averages == 0)[:, None, None]
        self._freedoms = torch.where(likely, freedoms, self._freedoms)
        self._prices = prices
        self._last, self.freedom = value, self._size - (variances * precision).sum(1)
        self.log_evidence = torch.where(self._averages > 0, self.log_evidence, value)
        if not self.classes:
            self.noise = self._noise_of(loss, self.freedom).minimum(_NOISE_FACTOR * self.noise)
        self._most = torch.where(sound, self._most.maximum(value), self._most)
        behind = (value < self._most - _BEHIND) & (self._averages == 0)
        self._behind = torch.where(behind, self._behind + 1, 0.0)
        self._stays = self._stays.maximum((self._behind > _MOST_BEHIND).double())
        self.settled = self.settled | (self._stays > 0)
        moves = sound & (self._stays == 0)
        if not bool(moves.all()):  # where a matrix isn't sound the next step sees another one
            self._prices = torch.where(moves[:, None, None], prices, before._prices)
            self.noise = torch.where(moves, self.noise, before.noise)
        looks = self.settled & (self._looks < _MOST_MOVES) & (self._stays + self._averages == 0)
        if not self.classes and bool(looks.any()) and self._size <= _LARGEST_LOOK:
            self._look_around(matrix, gradient, vector, loss, looks)
        self._likeliest = torch.where(likely, self._prices, self._likeliest)
        if not bool(ready.all()):
            self._keep(before, ~ready)
        return begins & ready

    def _keep(self, before: Evidence, networks: Tensor) -> None:
        """Put noise, prices, counts back to those of `before`, a copy from before an update, where `networks`, `(networks,)`, is True."""
        for name in _STORED:
            now = getattr(self, name)
            setattr(self, name, torch.where(networks.view(-1, *[1] * (now.ndim - 1)), getattr(before, name), now))

    def _begin_averages(self) -> Tensor:
        """Let prices that have settled move to averages (`averaged_prices`) from now on; returns where that begins now, `(networks,)`.

        It does so in sums alone (no hidden nodes), once, where prices don't stay (`_stays`), and not where the noise is next to nothing:
        the rows then leave nothing open.
        """
        begins = self.settled & (self._averages + self._stays == 0)
        if not (self._with_averages and self._is_sum):
            begins = torch.zeros_like(begins)
        elif not self.classes:
            begins &= self.noise > _LEAST_NOISE * self._variance
        self._averages = self._averages + begins.double()
        return begins

    def _look_around(self, matrix: Tensor, gradient: Tensor, vector: Tensor, loss: Tensor, looks: Tensor) -> None:
        """Take prices of all wiggles that are 1e2 to 1e8 times lower, with less noise, where the quadratic model has more evidence there.

        Updates lead to the nearest maximum of the evidence only. Here `_prices` and `noise` of the networks in `looks`, `(networks,)`,
        jump to a better one; parameters stay. All else is as in `update`.
        """
        modes, best = modes_of(self._blocks, vector), self.log_evidence + _WORTH_A_MOVE
        slope, moved = gradient.clone(), torch.zeros_like(looks)
        for block in self._blocks:
            slope[:, block.columns] = (block.basis.mT @ gradient[:, block.columns][..., None])[..., 0]
        old_prices, old_noise = self._prices, self.noise
        trial = copy.copy(self)
        for factor in _OTHER_PRICES:
            trial._prices = old_prices * old_prices.new_tensor((factor, 1.0))
            # The noise begins lower, too, and follows the misfit that the quadratic model expects under the lower prices.
            trial.noise = (old_noise * factor).maximum(self._rounding)
            precision = trial._precision()
            for _ in range(_OTHER_UPDATES):
                laplace = laplace_of(matrix, self._blocks, precision, trial.nat)
                # A Newton step in the modes, what becomes of the loss there, and the evidence of that.
                push = slope / trial.nat[:, None] + precision * modes
                step = -(laplace.root @ (laplace.root.mT @ push[..., None]))[..., 0]
                there = parameters_of(self._blocks, step)
                change = (there * (gradient + (matrix @ there[..., None])[..., 0] / 2)).sum(-1)
                value = (loss + change).maximum(self._rounding / self._n_labels)
                evidence = trial._log_evidence(laplace, precision, modes + step, value)
                better = looks & laplace.sound & (evidence > best)  # `sound`: there was a Cholesky factor
                best, moved = torch.where(better, evidence, best), moved | better
                self._prices = torch.where(better[:, None, None], trial._prices, self._prices)
                self.noise = torch.where(better, trial.noise, self.noise)
                freedom = self._size - (laplace.root.square().sum(-1) * precision).sum(1)
                trial.noise = self._noise_of(value, freedom)
        self.settled = self.settled & ~moved
        self._looks = torch.where(looks, torch.where(moved, self._looks + 1, float(_MOST_MOVES)), self._looks)

    def _noise_of(self, loss: Tensor, freedom: Tensor) -> Tensor:
        """The noise's variance, `(networks,)`: the sum of squares divided by the labels of rows with weight less degrees of freedom.

        `loss` are mean losses and `freedom` degrees of freedom, `(networks,)`. The variance is neither above that of the labels nor
        below their rounding.
        """
        rows = (self._counted - freedom).maximum(_LEAST_ROWS * self._counted)
        return (self._n_labels * loss / rows).minimum(self._variance).maximum(self._rounding)

    def _log_evidence(self, laplace: Laplace, precision: Tensor, modes: Tensor, loss: Tensor) -> Tensor:
        """The logarithm of the evidence of prices, which are precisions of the prior, and noise (Laplace), `(networks,)`.

        `laplace` has the covariance of the parameters, `precision` is the prior's and `modes` are the parameters, `(networks, size)` both,
        all in the coordinates of the modes; `loss` are the mean losses at these parameters.
        """
        # Parameters of no block have precision 0: no prior, whose determinant could count.
        log_prior = torch.where(precision > 0, precision, 1.0).log().sum(1)
        squares = (precision * modes.square()).sum(1)
        return -(self._deviance(loss) + squares + laplace.log_determinant - log_prior) / 2

    def posterior(self, index: int, matrix: Tensor, vector: Tensor) -> Posterior | None:
        """The parameters of network `index` given the data; None above 1000 parameters, or where their precision has no Cholesky factor.

        `matrix` and `vector` are those of all networks, as in `update`.
        """
        if self._size > _LARGEST_POSTERIOR:
            return None
        laplace = laplace_of(matrix, self._blocks, self._precision(), self.nat)
        if not bool(laplace.sound[index]):
            return None
        root, modes = laplace.root[index], modes_of(self._blocks, vector)[index]
        # With the root in the coordinates of the modes; it is then taken back to the parameters.
        freedoms = self._likeliest_freedoms(index, matrix, root, modes)
        for block in self._blocks:
            root[block.columns] = block.basis[index] @ root[block.columns]
        edges = [edge for block in self._blocks for edge in block.edges]
        return Posterior(
            vector[index].clone(),
            root,
            None if self.classes else float(self.noise[index]) ** 0.5,
            float(self.log_evidence[index]),
            int(self._counted[index]),  # labels of rows with weight
            {edge: Freedom(straight, wiggle) for edge, (wiggle, straight) in zip(edges, freedoms, strict=True)},
            bool(self._change[index] < _STEADY),  # whether the last update changed the evidence little
        )

    def _likeliest_freedoms(self, index: int, matrix: Tensor, root: Tensor, modes: Tensor) -> list[list[float]]:
        """Degrees of freedom of each edge under the likeliest prices, `[wiggle, straight part]`; 0 for parts that say nothing.

        A price is the precision of a part's prior. Averaged ones keep a bit of every part: the likeliest are asked whether it is needed.
        `matrix` is that of all networks; `root` and `modes`, covariance and parameters, are those of network `index` under prices as now.
        """
        if bool(self._averages[index] > 0):
            likeliest = copy.copy(self)
            likeliest._prices = self._likeliest
            precision = likeliest._precision()
            root = laplace_of(matrix, self._blocks, precision, self.nat).root[index]
            # Where the parameters would be: they are where what the rows say and the prices are in balance.
            modes = modes + root @ (root.mT @ ((self._precision() - precision)[index] * modes))
        by_source = self.classes and self._is_sum  # a column's edges, to all classes, stand or go together
        options: dict[str, Any] = {"layers": self._layers, "by_source": by_source}
        says = say_something(self._blocks, index, self._likeliest, root, modes, **options)
        return (self._freedoms[index] * says).tolist()

    def _precision(self) -> Tensor:
        """The prior's precision in the coordinates of the modes, where it is diagonal, `(networks, size)`; 0 of functions' constants."""
        precision = self.noise.new_zeros(len(self.noise), self._size)
        for block, prices in self._by_block(self._prices):
            precision[:, block.columns] = block.precision(prices)
        return precision

    def _deviance(self, loss: Tensor) -> Tensor:
        """Minus twice the log-likelihood of the labels (`_counted`: those of rows with weight) from the mean losses, `(networks,)` both."""
        if self.classes:
            return 2 * self._n_labels * loss
        return self._n_labels * loss / self.noise + self._counted * torch.log(2 * math.pi * self.noise)

    # ---- what is stored, and what others take over

    def inherit(self, previous: Evidence, networks: Sequence[int]) -> None:
        """Copy noise, prices and counts of the networks with these indices in `previous`, the evidence of a larger batch."""
        for name in _STORED:
            setattr(self, name, getattr(previous, name)[list(networks)])

    def state_dict(self) -> dict[str, list[float]]:
        """Noise and prices as lists of numbers."""
        return {name.lstrip("_"): getattr(self, name).double().flatten().tolist() for name in _STORED}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Return to a state of `state_dict`; what it doesn't have, as those of earlier versions don't, stays as it is."""
        for name in _STORED:
            if name.lstrip("_") in state:
                setattr(self, name, (now := getattr(self, name)).new_tensor(state[name.lstrip("_")]).view_as(now))
