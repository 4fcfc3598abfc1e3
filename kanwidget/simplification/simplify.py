"""`simplify`: from a network to functions, in steps that can be watched and stopped."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core.chance import EXACT
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitives
from kanwidget.core.records import EdgeRef, Freedom
from kanwidget.core.threads import limit_threads
from kanwidget.datasets.dataset import rows_of
from kanwidget.discovery.engine.strategies import Stage
from kanwidget.growth import RicherNetworks, richer_networks
from kanwidget.growth.screens import leaves_more
from kanwidget.simplification import removals
from kanwidget.simplification.auto import auto_symbolic_steps
from kanwidget.simplification.description import description_length, length_in_bits
from kanwidget.simplification.held_out import HeldOutRows, held_out
from kanwidget.simplification.laws import LawNetwork, LawSearch, Rival, columns_read
from kanwidget.simplification.refits import refit
from kanwidget.simplification.shapes import Shape, fresh, power_law, shapes
from kanwidget.simplification.straightened import CHANCE, evidence_gain, freedom_of_a_sum, settled, straightened
from kanwidget.surgery._record import unlogged
from kanwidget.surgery.prune import prune, prune_input
from kanwidget.symbolic.edges import numeric_edges
from kanwidget.training.steps.loop import AFTER_STEP

#: Weight of the penalty by which the network becomes sparse, and the steps of that training.
LAMB, STEPS = 1e-3, 50
#: Starts of each smaller network, and the steps of their trainings.
_STARTS, _START_STEPS = 3, 40
#: Steps before and after pruning, and how many times larger the squared error may be after it.
_PRUNE_STEPS, _GIVEN_UP = 20, 4.0
#: Where a training with the penalty costs more than this part of the variance, or of a log loss, it has led the network astray. Curves of
#: another shape that miss so much more, and have so many times the loss, don't hold the functions' shape either.
_ASTRAY, _HOPELESS = 0.02, 2.0
#: A law that leaves more than this part of the variance isn't near the data.
_NEAR = 0.5
#: Where curves leave more than the first part, a longer search would find nothing that they follow. Where they leave less than the second,
#: functions in their place may be exact; so may they where a law leaves less than `_FINER` of that: what curves leave is no noise then.
_LITTLE, _NOTHING, _FINER = 0.25, 3e-5, 0.25
#: Steps of the last refit.
_LAST_STEPS = 100
#: A network of more edges is large: its training is shown in so many parts, and only its weak edges and columns go.
_LARGE, _PARTS = 60, 5
#: Beyond so many edges the network's own functions aren't searched: a formula of them would say nothing.
_MOST_EDGES = 40
#: Beyond so many edges only plain functions take a curve's place: a formula of others is no short one.
_MOST_OF_A_FORMULA = 16
_PLAIN = ("x", "x^2", "x^3", "1/x", "sqrt", "log", "exp", "sin")


@dataclass(frozen=True, slots=True)
class SimplificationStep:
    """What one step of `simplify_steps` has tried and found."""

    kind: str
    """`train`, `prune`, `shape`, `replace`, `law` or `refit`: what was done; `try` in the midst of it, so that one may stop."""
    text: str
    """The same as a sentence."""
    network: Network
    """The best network so far; with it one may stop at any time."""
    error: float
    """Its error on rows that its fit hasn't seen, in the target's unit."""
    improved: bool
    """Whether this step has changed it."""
    nearest: str = ""
    """The best short law that was tried and not taken, with its held-out error."""
    rivals: tuple[Rival, ...] = ()
    """Of the last step: formulas that the rows can't tell from its law."""


@limit_threads
def simplify(network: Network, data: Any, **options: Any) -> Network:
    """A network of functions in place of splines that says the same about the data, as far as their noise can tell. See `simplify_steps`.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], train_num=100, test_num=50)
        >>> small = simplify(KAN([2, 3, 1]), data)
        >>> small.width, small.layer(0).symbol(0, 0), small.layer(0).symbol(1, 0)
        ([[2, 0], [1, 0]], 'x^2', 'x')
    """
    result = network
    with unlogged():
        for step in simplify_steps(network, data, **options):
            result = step.network
    return result


def simplify_steps(
    network: Network,
    data: Any,
    *,
    lamb: float = LAMB,
    steps: int = STEPS,
    lib: Iterable[str] | None = None,
    seed: int = 0,
    richer: RicherNetworks | None = None,
) -> Iterator[SimplificationStep]:
    """Train with a penalty, prune, try smaller shapes, replace splines by functions, refit: the network itself isn't changed.

    Where the network is a sum of curves that `fit` has trained with evidence, that comes first: edges that say nothing go, straight ones
    become lines, and where nothing else is left nothing else is tried. Other networks are trained with a penalty, and pruned. Then the
    search of `discover` looks for the law of the whole table; if it says as much as the curves, that is the end. Else functions are tried
    in place of curves, in this network and in smaller shapes.

    Every result is compared by its description length: the misfit of all rows, and the constants and functions, in bits. Only what
    doesn't make the error on rows that the fit hasn't seen worse than their noise allows counts; a law has to be as likely as the
    curves, too. The same network, data and seed give the same steps.

    Args:
        network: The network, trained or not.
        data: A `Dataset`, a dict or a pair with labels. Held-out rows are its validation or test rows, otherwise a fifth of the rows;
            where the network is a sum with a posterior each row is judged by a fit without itself instead.
        lamb: Weight of the penalty of the first training.
        steps: Its steps; 0 keeps the network as it is.
        lib: Names of the primitives to try; all of them by default.
        seed: Of the random starts of smaller networks.
        richer: What `kanwidget.growth.richer_networks` has said of this network; None asks it where that may matter.

    Yields:
        What was tried and found, with the best network so far.

    Raises:
        ValueError: For data that don't fit, or without labels.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], train_num=100, test_num=50)
        >>> for step in simplify_steps(KAN([2, 3, 1]), data, lib=["x", "x^2", "sin"]):
        ...     pass
        >>> step.kind, step.error < 1e-9
        ('refit', True)
    """
    where = "simplify"
    _check.real(lamb, "lamb", where, low=0)
    _check.integer(steps, "steps", where, low=0)
    _check.integer(seed, "seed", where, low=0)
    names = None if lib is None else [row.name for row in primitives(lib, where)]
    return _Simplification(network, held_out(network, data, where), names, seed, richer).steps(lamb, steps)


class _Simplification:
    """The best network so far, and the steps that look for a better one."""

    best: Network
    pruned: Network
    """A network without the edges that scores or evidence call needless; its curves are to give way to functions."""
    network_for_law: Network
    """The network whose columns a law is searched in: edges that noise hides may be those of a weak column."""
    reference_losses: Tensor
    """Losses of the held-out rows that nothing may exceed but by chance."""
    length: float
    """The description length of the best network."""

    def __init__(
        self, network: Network, held: HeldOutRows, lib: list[str] | None, seed: int, richer: RicherNetworks | None
    ) -> None:
        """`held`: rows that judge. `lib`: names of primitives, None for all. `richer`: what `richer_networks` said of it, if asked."""
        self.given, self.held, self.lib, self.seed, self.richer = network, held, lib, seed, richer
        self.is_judged = False  #: Whether evidence has said which edges are needed.
        self.leaves_more = False  #: Whether evidence asks for more than a sum: a product, hidden nodes, or a wave.
        self.is_enough = False  #: Whether straight lines, or a law, are as good as curves: nothing shorter will be.
        self.curves_are_coarse = False  #: Whether a law is much nearer to the data than they are.
        self.search: LawSearch | None = None  #: For a law, a formula of few constants for the whole table.
        self.law: LawNetwork | None = None  #: The law that was taken, with its network.
        self.rivals: tuple[Rival, ...] = ()  #: Formulas that the rows can't tell from the law.
        self.nearest_law = ""  #: A law that wasn't enough, in words with its error.
        self._measured: tuple[Network, float] | None = None  #: The best network with its error.

    def steps(self, lamb: float, steps: int) -> Iterator[SimplificationStep]:
        """All steps; `lamb` and `steps` are those of the training with a penalty.

        A sum (no hidden nodes) whose training has settled evidence doesn't get that: degrees of freedom say which edges are needed.
        """
        self.given = settled(self.given, self.held)
        self.best = self.pruned = self.network_for_law = copy.deepcopy(self.given)
        freedom = freedom_of_a_sum(self.best) if self.lib is None or "x" in self.lib else None
        self.is_judged = freedom is not None
        if freedom is None and steps:
            yield from self._trained(lamb, steps)
        self._settle(self.best)
        if freedom is None:
            if len(self.best.edge_refs(active=True)) > _LARGE:
                yield self._without_columns()
            yield self._pruned()
        else:
            if leaves_more(self.best, self.held.data):
                yield self._step("try", "Trying whether products or hidden nodes explain more", False)
                self.leaves_more = self._asks_for_more()
            yield self._straightened(freedom)
        if self.lib is None and not self.is_enough:
            yield from self._law()
        # Functions take seconds, the longer search half a minute. `_leaves`: the best network leaves at most this part of the variance.
        is_sum = self.is_judged and not self.leaves_more and self.law is None
        if (first := is_sum or self.curves_are_coarse or self._leaves(_NOTHING)) and not self.is_enough:
            yield from self._replacements()
            self.is_enough = not numeric_edges(self.best) and (is_sum or self._leaves(EXACT))
        if self.search is not None and not self.is_enough and self._leaves(_LITTLE):
            yield from self._searched(self.search, "quick")
        if not (first or self.is_enough):
            yield from self._replacements()
        yield self._last()

    def _asks_for_more(self) -> bool:
        """Whether evidence prefers a richer network, or the sum with a wave, to the sum; True where it can't compare any."""
        answer = self.richer
        for step in richer_networks(self.best, self.held.data) if answer is None else ():
            answer = step  # the last one is the answer
            AFTER_STEP.get()()  # what the caller asks for here may break it off
        return answer is None or answer.better is not None or answer.wave is not None

    def _replacements(self) -> Iterator[SimplificationStep]:
        """Functions in place of curves: of smaller networks, or, where the network is a sum, of the sum itself first.

        Where no network with one hidden node says the same the network itself follows, unless it was first, and two hidden nodes.
        """
        # `found`: whether a network without splines became the best. `is_judged`: whether evidence has removed what isn't needed.
        start, found, is_sum = self.pruned, False, self.pruned.depth == 1
        if is_sum:
            for step in self._own_functions():
                found |= step.improved and not numeric_edges(step.network)
                yield step
            if self.is_judged:
                if not self.leaves_more:
                    return
                start, self.is_judged, found = self.given, False, False  # hidden nodes may need what the sum didn't
        for shape in shapes(start, self.held):
            if is_sum and not shape.hidden:
                continue  # another start leads to the same sum
            for step in self._shaped(start, shape):
                found |= step.improved and not numeric_edges(step.network)
                yield step
        if found:
            return
        if not is_sum:
            yield from self._own_functions()
        two = Shape((2,))
        if start.n_parameters > fresh(start, two, self.held, 0).n_parameters:  # else it is no smaller network
            yield from self._shaped(start, two)

    def _straightened(self, freedom: dict[EdgeRef, Freedom]) -> SimplificationStep:
        """Lines in place of curves that are straight by evidence, nothing in place of those that say nothing, by the edges' freedom."""
        before, trial = len(self.best.edge_refs(active=True)), straightened(self.best, self.held, freedom)
        refit(trial, self.held, _PRUNE_STEPS)
        edges = trial.edge_refs(active=True)
        # Edges of words are neither splines nor lines.
        lines = sum(trial.layer(0).state(edge.source, edge.target) == "symbolic" for edge in edges)
        gone = before - len(edges)
        improved = bool(lines or gone) and self._offer(trial)  # whether it is shorter and as good, and now the best
        if improved:
            # A column that says nothing in a sum may be a factor: where evidence asks for more than a sum, a law may use all columns.
            self.pruned, self.network_for_law = trial, self.network_for_law if self.leaves_more else trial
            self.is_enough = not numeric_edges(trial) and not self.leaves_more
        text = f"By evidence {gone} of {before} edges say nothing, {lines} are straight lines"
        return self._step("prune", text, improved)

    def _law(self) -> Iterator[SimplificationStep]:
        """Look for a law, a formula of few constants, for the whole table, in a short search; take its network if it says the same."""
        if not LawSearch.is_possible(self.network_for_law, self.held):  # it says which columns a law may have
            yield self._step("law", "No law of few constants was looked for", False)
            return
        self.search = LawSearch(self.network_for_law, self.held, self.given)  # `given` shows the rows' noise
        yield from self._searched(self.search, "first")

    def _searched(self, search: LawSearch, stage: Stage) -> Iterator[SimplificationStep]:
        """A stage of the search for a law (`first` is short, `quick` takes half a minute), and its result."""
        former = ""
        for text in search.steps(stage):
            if text != former:
                yield self._step("try", f"Looking for a law: {text}", False)
                former = text
            else:
                AFTER_STEP.get()()  # what the caller asks for here may break it off
        yield self._judged(search, search.best)

    def _judged(self, search: LawSearch, found: LawNetwork | None) -> SimplificationStep:
        """Take a law (None: there is none) if it says the same as the curves, and see whether nothing shorter will be (`is_enough`)."""
        if found is None:
            return self._step("law", "No law of few constants was found", False)
        losses = self.held.row_losses(found.network, unit=self.best)  # in the best one's scale
        # Against the curves of `given` by the evidence of all rows; where there is none, by held-out losses against `reference_losses`.
        gain = evidence_gain(found.network, found.constants, found.functions, self.given, self.held)
        improved = search.allows(self.reference_losses, losses) if gain is None else gain > -CHANCE
        if improved:
            # Where few constants say as much as all curves, within a standard error, nothing else will be shorter.
            more = search.in_noise(losses - self.reference_losses)
            # Where the noise grows with the target, errors that weigh all rows alike are no measure.
            likelier = search.has_growing_noise or (gain is not None and gain > CHANCE)
            as_good = likelier or float(more.mean()) <= float(more.std()) / math.sqrt(len(more))
            self.is_enough = float(losses.mean()) <= EXACT or (as_good and search.leaves_noise(found.network))
            self.curves_are_coarse = float(losses.mean()) < _FINER * float(self.reference_losses.mean())
            self.law, self.best = found, found.network
            self.reference_losses = losses if self.is_enough else self.reference_losses
            of_all_rows = self.held.row_losses(found.network, everywhere=True, unit=self.pruned)
            self.length = length_in_bits(of_all_rows, found.constants, found.functions)
        error = self.held.reported(self.pruned, losses)
        if not self.is_enough and float(losses.mean()) < _NEAR * self._variance():
            self.nearest_law = f"{found.text}, {self.held.error_name} {error:.3g}"
        return self._step("law", f"{found.text}: {self.held.error_name} {error:.3g}", improved)

    def _leaves(self, part: float) -> bool:
        """Whether the mean loss of the held-out rows by the best network is at most this part of the labels' variance."""
        return float(self.reference_losses.mean()) <= part * self._variance()

    def _trained(self, lamb: float, steps: int) -> Iterator[SimplificationStep]:
        """Train the best network with a penalty, grids following the data; of a large one the training is shown in parts."""
        parts = _PARTS if len(self.best.edge_refs(active=True)) > _LARGE and steps >= _PARTS else 1
        for part in range(parts):
            refit(self.best, self.held, steps // parts, lamb=lamb, grids=True)
            if part < parts - 1:
                done = (part + 1) * (steps // parts)
                yield self._step("try", f"Training with λ = {lamb:g}: step {done} of {steps}", False)
        yield self._step("train", f"Trained {steps} steps with λ = {lamb:g}", True)

    def _without_columns(self) -> SimplificationStep:
        """Remove the columns of a large network that say nothing."""
        network = removals.without_needless_inputs(self.best, self.held)
        gone = sorted({*columns_read(self.best)} - {*columns_read(network)})
        if not gone:
            return self._step("prune", "Every column says something", False)
        inputs = network.layer(0).active().any(0).nonzero().flatten().tolist()
        network = prune_input(network, self.held.data.train_input, active=inputs)  # without unread inputs
        self._settle(network)
        names = ", ".join(self.held.data.in_vars[column] for column in gone)
        return self._step("prune", f"Without {names}, which say nothing", True)

    def _settle(self, network: Network) -> None:
        """Take a network as the best and the pruned one, whatever its description; its held-out losses and length are those to beat."""
        self.best = self.pruned = network
        self.reference_losses, self.length = self.held.row_losses(network), description_length(network, self.held)

    def _pruned(self) -> SimplificationStep:
        """Prune by scores between two refits; before it a training with a penalty is taken back if it has lost too much."""
        before = len(self.best.edge_refs(active=True))
        full = refit(self.best, self.held, _PRUNE_STEPS, grids=True)
        given = self.held.row_losses(self.given, unit=self.best)  # before the penalty, in its scale now
        much = float(given.mean()) + _ASTRAY * self._variance()
        lost = float(full.mean()) > much and not self.held.allows(given, full)
        # A network that was never trained has learnt no scales to go back to.
        if astray := lost and bool(self.given.scaling.fixed.any()):
            self.best, full = copy.deepcopy(self.given), given
        self._settle(self.best)
        pruned = prune(self.best, self.held.data.train_input)
        losses = refit(pruned, self.held, _PRUNE_STEPS, grids=True)
        # Of noiseless data every edge says something: a little is given up for fewer of them.
        if self.held.allows(full, losses) or float(losses.mean()) <= _GIVEN_UP * float(full.mean()):
            self.pruned = pruned
        self.network_for_law = self.best if before > _LARGE else self.pruned  # whose columns a law may have
        if len(self.pruned.edge_refs(active=True)) > _MOST_OF_A_FORMULA:
            harder = removals.without_needless_edges(self.pruned, self.held)
            if self.held.allows(self.held.row_losses(self.pruned), self.held.row_losses(harder)):
                self.pruned = pruned = harder
        improved = self._offer(pruned) or astray
        after = len(self.pruned.edge_refs(active=True))
        text = f"{before - after} of {before} edges pruned" if after < before else "Nothing to prune"
        return self._step("prune", text + ", the penalty taken back" if astray else text, improved)

    def _variance(self) -> float:
        """Variance of the training labels, in scaled numbers; 1 for classes."""
        labels = self.held.data.train_label
        scaled = self.best.scaling.scaled_outputs
        return float(scaled(labels).var(0, correction=0).mean()) if labels.is_floating_point() else 1.0

    def _shaped(self, start: Network, shape: Shape) -> Iterator[SimplificationStep]:
        """Train networks of a smaller shape, with the columns and settings of `start`, and replace the splines of the best of them."""
        trials, what = [], shape.text(self.held.data.in_vars)
        for number in range(_STARTS):
            trial = fresh(start, shape, self.held, self.seed + number)
            losses = refit(trial, self.held, _START_STEPS, grids=True)
            trials.append((float(losses.mean()), number, trial))
            yield self._step("try", f"Trying {what}: start {number + 1} of {_STARTS}", False)
        error, _, trial = min(trials)
        # Curves that miss so much more than the best network (`reference_losses`) don't hold the functions' shape.
        if error > _HOPELESS * float(self.reference_losses.mean()) + _ASTRAY * self._variance():
            yield self._step("try", f"{what[0].upper()}{what[1:]} doesn't come near", False)
        elif shape.logs and self._offer(power_law(trial, self.held)):
            yield self._step("shape", "A product of powers says the same", True)
        else:
            yield from self._replaced(trial, what, "shape")

    def _own_functions(self) -> Iterator[SimplificationStep]:
        """Functions in place of the network's own curves, of up to 40 edges: a formula of more would say nothing."""
        if len(self.pruned.edge_refs(active=True)) <= _MOST_EDGES:
            yield from self._replaced(self.pruned, "the network itself", "replace")

    def _replaced(self, network: Network, what: str, kind: str) -> Iterator[SimplificationStep]:
        """Replace the splines of a copy of a network by functions; `what` names it in texts, `kind` is that of the step with the result."""
        trial = copy.deepcopy(network)
        if not self.is_judged:  # evidence hasn't said yet which edges are needed
            trial = removals.without_needless_edges(trial, self.held)
        count = len(numeric_edges(trial))
        lib = _PLAIN if self.lib is None and count > _MOST_OF_A_FORMULA else self.lib  # few, plain ones
        for step in auto_symbolic_steps(trial, self.held, lib=lib):
            text = f"Trying {what}: {count - step.remaining} of {count} edges looked at"
            # Of the network itself each function is a result; of another shape only the whole is.
            improved = kind == "replace" and bool(step.fixed) and self._offer(copy.deepcopy(trial))
            yield self._step("replace" if improved else "try", text, improved)
        if not self.is_judged:
            yield self._step("try", f"Trying {what}: removing what isn't needed", False)
            trial = removals.without_needless_edges(trial, self.held)
        yield self._step("try", f"Trying {what}: fitting its constants", False)
        refit(trial, self.held, _LAST_STEPS)
        trial = removals.without_constants(trial, self.held)
        if self.held.data.is_classification:
            trial = removals.with_simpler_functions(trial, self.held)
        improved = self._offer(trial)
        count, splines = len(trial.edge_refs(active=True)), len(numeric_edges(trial))
        text = f"{count - splines} of {count} edges are functions, {self.held.error_name} {self.held.error(trial):.3g}"
        yield self._step(kind, f"{what[0].upper()}{what[1:]}: {text}", improved)

    def _offer(self, network: Network) -> bool:
        """Take a network if its description is shorter and its held-out losses aren't worse but by chance; whether it was taken."""
        losses, length = self.held.row_losses(network), description_length(network, self.held)
        if length < self.length and self.held.allows(self.reference_losses, losses):
            self.best, self.length = network, length
            if float(losses.mean()) < float(self.reference_losses.mean()):
                self.reference_losses = losses
            return True
        return False

    def _last(self) -> SimplificationStep:
        """Fit the constants to all training rows (`whole`), those held out of them, too; of a law by the search that found it."""
        trial, before, whole = copy.deepcopy(self.best), self.held.error(self.best), self.held.whole
        data = replace(self.held.data, **rows_of(whole, "train"))
        losses = refit(trial, replace(self.held, data=data), _LAST_STEPS, posterior=True)
        if self.law is not None and self.search is not None and self.best is self.law.network:
            law, rivals = self.search.finished(self.law)
            # The refit has moved the scale and offset of each edge, more constants than the law's: it counts only if better than by chance.
            if self.search.allows(losses, self.held.row_losses(law.network, unit=trial)):
                trial, self.law, self.rivals = law.network, law, rivals
        self.best = trial
        text = f"Constants trained on all rows: {self.held.error_name} {before:.3g} → {self.held.error(trial):.3g}"
        return self._step("refit", text, True)

    def _step(self, kind: str, text: str, improved: bool) -> SimplificationStep:
        """The step: the best network, its error (computed anew if it has changed), and in words the best law that wasn't taken, if any."""
        nearest = "" if self.law is not None and self.best is self.law.network else self.nearest_law
        if self._measured is None or self._measured[0] is not self.best or improved:
            self._measured = self.best, self.held.error(self.best)
        return SimplificationStep(kind, text, self.best, self._measured[1], improved, nearest, self.rivals)
