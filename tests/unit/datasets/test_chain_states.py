"""Hamiltonians against other ways to the same numbers, and participation ratios of states that are known."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import circulant, eigvalsh_tridiagonal

from kanwidget.datasets.chains import MODELS, chain_models, fractal_dimension, hamiltonian, inverse_participation_ratio

PARAMETERS = {"lambda": [0.7, 1.6], "alpha": [0.4, -0.8], "p": [0.5, 2.0], "phi": [0.3, 4.0]}


def parameters(model):
    return {name: PARAMETERS[name] for name in MODELS[model].ranges}


def states(matrices):
    return torch.linalg.eigh(matrices)[1]


# ---- spectra


@pytest.mark.parametrize("model", ["mosaic2", "mosaic3", "gaam"])
def test_energies_of_open_chains_by_bisection(model):
    """LAPACK's bisection counts signs in Sturm sequences of the potential, written down here once more."""
    matrices = hamiltonian(model, parameters(model), sites=50, boundary="open")
    period = int(model[-1]) if model.startswith("mosaic") else 1
    n = np.arange(50 * period)
    for chain, energies in enumerate(torch.linalg.eigvalsh(matrices).numpy()):
        wave = np.cos(np.pi * (1 + np.sqrt(5)) * n + PARAMETERS["phi"][chain])
        strength, shape = PARAMETERS["lambda"][chain], PARAMETERS["alpha"][chain]
        potential = 2 * strength * wave / (1 - shape * wave) if model == "gaam" else strength * wave * (n % period == 0)
        expected = eigvalsh_tridiagonal(potential, np.ones(len(n) - 1), lapack_driver="stebz")
        np.testing.assert_allclose(energies, expected, atol=1e-12)


@pytest.mark.parametrize("model", chain_models())
def test_energies_of_a_ring_without_potential_are_those_of_waves(model):
    """Eigenvalues of a circulant matrix are the Fourier transform of a row."""
    free = parameters(model) | {"lambda": 0.0}
    for chain, energies in enumerate(torch.linalg.eigvalsh(hamiltonian(model, free, sites=55))):
        length = len(energies)
        distance = np.minimum(np.arange(length), length - np.arange(length))
        row = np.exp(-PARAMETERS["p"][chain] * (distance - 1.0)) if model == "maam" else (distance == 1) * 1.0
        row[0] = 0
        np.testing.assert_allclose(energies, np.sort(np.fft.fft(row).real), atol=1e-12)


@pytest.mark.parametrize("model", chain_models())
def test_hamiltonians_are_those_of_a_slow_sum_over_sites(model):
    matrices = hamiltonian(model, parameters(model), sites=13)
    row = MODELS[model]
    for chain, matrix in enumerate(matrices.numpy()):
        length = 13 * row.period
        strength, phase = PARAMETERS["lambda"][chain], PARAMETERS["phi"][chain]
        rate = PARAMETERS["p"][chain]
        offsets = [min(d, length - d) for d in range(length)]
        hopping = [0 if d == 0 else math.exp(-rate * (d - 1)) if model == "maam" else float(d == 1) for d in offsets]
        expected = circulant(hopping)
        for n in range(0, length, row.period):
            wave = math.cos(2 * math.pi * 21 / 13 * n + phase)
            alpha = PARAMETERS["alpha"][chain]
            expected[n, n] = 2 * strength * wave / (1 - alpha * wave) if model == "gaam" else strength * wave
        np.testing.assert_allclose(matrix, expected, atol=1e-12)


@pytest.mark.parametrize("model", chain_models())
def test_the_potential_closes_on_a_ring(model):
    """Sites turned by one period see the same potentials at another phase: the same spectrum to round-off."""
    moved = parameters(model)
    period = MODELS[model].period
    moved["phi"] = [phase + 2 * math.pi * period * 144 / 89 for phase in moved["phi"]]
    energies = [torch.linalg.eigvalsh(hamiltonian(model, chosen, sites=89)) for chosen in (parameters(model), moved)]
    torch.testing.assert_close(*energies)


def test_aubry_and_andre_are_dual_at_the_critical_strength():
    """Fourier transform turns hopping into potential: strength λ has λ/2 times the energies of strength 4/λ."""
    weak, strong = (
        torch.linalg.eigvalsh(hamiltonian("gaam", {"lambda": half, "alpha": 0.0, "phi": 0.0}, sites=89))[0]
        for half in (0.8, 1 / 0.8)
    )
    torch.testing.assert_close(weak, 0.8 * strong, rtol=0, atol=1e-12)


def test_at_the_dual_point_states_turn_from_extended_to_localized():
    halves = torch.tensor([0.7, 1.0, 1.4])
    matrices = hamiltonian("gaam", {"lambda": halves, "alpha": 0.0, "phi": 1.0}, sites=233)
    weak, critical, strong = fractal_dimension(states(matrices)).mean(1).tolist()
    assert weak > 0.8
    assert strong < 0.3
    assert strong + 0.1 < critical < weak - 0.1


# ---- participation


def test_a_plane_wave_is_everywhere_and_a_standing_one_too():
    n = torch.arange(60).double()
    wave = torch.exp(2j * math.pi * 7 * n / 60)[:, None]
    assert inverse_participation_ratio(wave).item() == pytest.approx(1 / 60)
    assert fractal_dimension(wave).item() == pytest.approx(1)
    # The mean of sin⁴ is 3/8, that of sin² 1/2.
    assert inverse_participation_ratio(wave.real).item() == pytest.approx(1.5 / 60)


def test_a_state_on_one_site_has_the_ratio_1_and_the_dimension_0():
    assert inverse_participation_ratio(torch.eye(5)).tolist() == [1] * 5
    assert fractal_dimension(torch.eye(5)).tolist() == [0] * 5


def test_an_exponential_state_has_the_ratio_of_its_geometric_series():
    decay = 0.4
    state = torch.exp(-decay * (torch.arange(401) - 200).abs().double())[:, None]
    assert inverse_participation_ratio(3 * state).item() == pytest.approx(math.tanh(decay) ** 2 / math.tanh(2 * decay))


def test_a_strong_potential_leaves_states_on_single_sites():
    deep = hamiltonian("gaam", {"lambda": 1e4, "alpha": 0.3, "phi": 0.5}, sites=34)
    assert inverse_participation_ratio(states(deep)).min() > 0.99


# ---- refusals


@pytest.mark.parametrize(
    ("model", "changed", "options", "message"),
    [
        ("gaam", {}, {"sites": 100}, r"`sites` argument .*a Fibonacci number on a ring; got 100\. These are 34, 55"),
        ("mosaic2", {}, {"sites": 34}, r"without the divisor 2; got 34\. These are 55, 89, 233"),
        ("mosaic3", {}, {"sites": 2}, r"`sites` argument of hamiltonian must be an integer ≥ 3"),
        ("gaam", {}, {"boundary": "rings"}, r"`boundary` argument .*Did you mean 'ring'"),
        ("gaam", {"alpha": 1.0}, {}, r"`parameters` argument .*of alpha between -1 and 1, without the ends"),
        ("gaam", {"lambda": [1, 2, 3]}, {}, r"`parameters` argument .*as many for each"),
        ("gaam", {"phi": math.nan}, {}, r"`parameters` argument .*finite numbers"),
        ("gaam", {"q": 1.0}, {}, r"`parameters` argument .*a dictionary of lambda, alpha, phi; got"),
        ("maam", {"p": 0.0}, {}, r"of p between 0 and inf"),
    ],
)
def test_what_makes_no_chain_is_refused(model, changed, options, message):
    with pytest.raises(ValueError, match=message):
        hamiltonian(model, parameters(model) | changed, **options)


def test_what_is_no_state_is_refused():
    with pytest.raises(TypeError, match=r"`states` argument of inverse_participation_ratio"):
        inverse_participation_ratio(torch.ones(3))
    with pytest.raises(ValueError, match=r"`states` argument of fractal_dimension"):
        fractal_dimension(torch.ones(1, 1))
