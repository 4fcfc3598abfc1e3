"""Weights of the residuals, the choice of new points, and standard errors of unknown constants."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kanwidget.training.residuals.objective import ResidualObjective, ResidualVector
from kanwidget.training.residuals.terms import ResidualTerm

#: Points of the candidates' density that don't depend on the residual: `c` of the reference, whose `k` is 1 too.
_EVENLY = 1.0
#: Weight of a drawing's residuals in the next drawing.
_MEMORY = 0.9
#: Directions of the normal matrix below this part of its largest are undetermined.
_UNDETERMINED = 1e-13


def balance(objective: ResidualObjective) -> list[ResidualTerm]:
    """The terms with weights by which each has the same trace of the tangent kernel; the least weight is 1.

    A residual's kernel J·Jᵀ says how fast it falls in training: second derivatives of a fine grid have rows of J thousands
    of times longer than values, and outweigh the boundary without it.

    References:
        Wang, Yu and Perdikaris, "When and why PINNs fail to train", arXiv:2007.14527, algorithm 1.
    """
    parameters, value = objective.parameter_vector(), objective.value()
    pairs = zip(objective.terms, value.jets, strict=True)  # a jet: outputs and their derivatives at a term's points
    traces = [objective.row_square(term, jet, parameters) for term, jet in pairs]
    largest = max(traces)
    # A residual that no free parameter moves has the trace 0, and needs no weight.
    weights = [largest / trace if trace > 0 else 1.0 for trace in traces]
    return [replace(term, weight=weight) for term, weight in zip(objective.terms, weights, strict=True)]


def resample(
    objective: ResidualObjective,
    term: ResidualTerm,
    candidate_points: Tensor,
    memory: Tensor | None,
    generator: torch.Generator,
) -> tuple[ResidualTerm, Tensor]:
    """The term at as many points of the candidates, none twice, and the memory for the next drawing, `(candidates,)`.

    `memory` is what the last drawing returned, None before the first. Residuals that are all 0, or not finite, count the same in a drawing.

    The density is m / mean m + 1, m the decaying sum over all drawings of |r| / mean |r|. Without the memory points leave a front
    as soon as it is met there, and it is lost until the next drawing: on Burgers' equation with 4,000 points the residual at the
    candidates then went up and down between 6e-4 and 8e-3, with it the error between 6e-5 and 2e-3.

    References:
        Wu et al., "A comprehensive study of non-adaptive and residual-based adaptive sampling", arXiv:2207.10289, section 2 (RAD).
        Anagnostopoulos et al., "Residual-based attention and connection to information bottleneck theory in PINNs", arXiv:2307.00379
        (weights that remember).
    """
    trial = replace(term, x=candidate_points)
    with torch.no_grad():
        sizes = trial.residual(objective.jet(trial, cache=False), objective.named()).norm(dim=1).double()
    mean = sizes.mean()
    shares = sizes / mean if bool(torch.isfinite(mean)) and mean > 0 else torch.ones_like(sizes)
    memory = shares if memory is None else _MEMORY * memory + shares
    chosen = torch.multinomial((memory / memory.mean() + _EVENLY).cpu(), len(term.x), generator=generator)
    return replace(term, x=candidate_points[chosen.to(candidate_points.device)]), memory


def standard_errors(objective: ResidualObjective) -> list[float]:
    """Standard errors of the unknown constants, in their order, from the scatter of the residuals at the current parameters.

    With A = Σ wᵢJᵢᵀJᵢ the covariance is A⁻¹(Σ wᵢ²sᵢ²JᵢᵀJᵢ)A⁻¹, sᵢ² a residual's sum of squares by its rows less the parameters that
    it determines, tr(A⁻¹wᵢJᵢᵀJᵢ): noise of measurements counts, an equation that is met doesn't. NaN without any degree of freedom.

    References:
        White, "A heteroskedasticity-consistent covariance matrix estimator", Econometrica 48 (1980).
    """
    with torch.no_grad():
        parameters, value = objective.parameter_vector(), objective.value()
        parts = [_normal(objective, term, parameters) for term in objective.terms]
        total = torch.stack([weight * matrix for weight, matrix in parts]).sum(0)
        whole = torch.linalg.pinv(total, hermitian=True, rtol=_UNDETERMINED)
        # The rows of A⁻¹ that belong to the constants, which stand behind the network's parameters.
        inverse = whole[parameters.n_network :]
        covariance = inverse.new_zeros(len(inverse), len(inverse))
        # `square`: a residual's mean square; `matrix`: its JᵀJ.
        for (weight, matrix), term, square in zip(parts, objective.terms, value.squares, strict=True):
            count = term.rows * term.columns
            freedom = count - weight * float((whole * matrix).sum())
            scatter = square * count / freedom if freedom > 0 else float("nan")
            covariance += weight**2 * scatter * inverse @ matrix @ inverse.T
        return covariance.diagonal().sqrt().tolist()


def _normal(objective: ResidualObjective, term: ResidualTerm, parameters: ResidualVector) -> tuple[float, Tensor]:
    """A term's weight divided by its number of residuals (rows times columns), and JᵀJ of their Jacobian, `(size, size)`, float64."""
    linear = term.linear(objective.jet(term), objective.named())
    matrix = torch.zeros(parameters.size, parameters.size, dtype=torch.float64, device=objective.device)
    for _, jac in objective.jacobians(term, linear, parameters):
        matrix.addmm_(jac.double().T, jac.double())
    return term.weight / linear.residual.numel(), matrix
