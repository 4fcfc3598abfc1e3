"""The mobility edges, by the growth of solutions in chains far longer than those of the tables."""

import math

import pytest
import torch

from kanwidget.datasets.chains import GOLDEN, MODELS, chain_models, localization, order_parameter

#: Sites of the long chains, and how far |g| is from 0 for a clear verdict.
LENGTH, CLEAR = 12_000, 0.1


def lyapunov(model, rows):
    """Growth of ψ(n+1) = (E - V(n))·ψ(n) - ψ(n-1) a site: 0 for extended states. Rows are those of the table."""
    model_row = MODELS[model]
    columns = dict(zip(model_row.columns, rows.T, strict=True))
    before, psi, growth = torch.zeros(len(rows)).double(), torch.ones(len(rows)).double(), 0.0
    for n in range(LENGTH):
        wave = torch.cos(2 * math.pi * GOLDEN * n + columns["phi"])
        potential = model_row.potential(columns, wave) if n % model_row.period == 0 else 0.0
        before, psi = psi, (columns["E"] - potential) * psi - before
        if n % 10 == 9:  # far from overflow
            size = (psi.square() + before.square()).sqrt()
            before, psi, growth = before / size, psi / size, growth + size.log()
    return growth / LENGTH


def eigenstates(model):
    """A few rows. Rings of 233 sites: energies of shorter ones lie more often in a gap of the infinite chain, where solutions grow, too."""
    return localization(model, chains=20, test_chains=0, sites=233, states=5).train_input


@pytest.mark.slow
@pytest.mark.parametrize("model", ["mosaic2", "mosaic3", "gaam"])
def test_solutions_grow_on_the_localized_side_only(model):
    """The transfer matrix knows nothing of eigenstates or fractal dimensions."""
    rows = eigenstates(model)
    g = order_parameter(model, rows)
    growth = lyapunov(model, rows)
    assert (g > CLEAR).sum() > 20 < (g < -CLEAR).sum()
    assert growth[g > CLEAR].min() > 0.01
    assert growth[g < -CLEAR].quantile(0.9) < 1e-3


def test_growth_beyond_the_edge_of_the_mosaic_is_the_published_one():
    """Wang et al.: log(|λ·U(E/2)|/2)/κ, for λ as it stands here."""
    rows = eigenstates("mosaic2")
    rows = rows[order_parameter("mosaic2", rows) > 0.5]
    expected = ((order_parameter("mosaic2", rows) + 2) / 2).log() / 2
    torch.testing.assert_close(lyapunov("mosaic2", rows), expected, rtol=0, atol=5e-3)


def test_short_hopping_is_the_model_of_aubry_and_andre():
    """For large p the hopping reaches neighbours only, and all states turn at λ = 2, as without α in `gaam`."""
    energies = torch.linspace(-2, 2, 5).double()
    for strength, sign in ((1.9, -1), (2.1, 1)):
        row = [[strength, 20.0, 0.0, float(energy)] for energy in energies]
        assert (torch.sign(order_parameter("maam", row)) == sign).all()
        row = [[strength / 2, 0.0, 0.0, float(energy)] for energy in energies]
        assert (torch.sign(order_parameter("gaam", row)) == sign).all()


@pytest.mark.parametrize("model", chain_models())
def test_a_chain_of_the_other_sign_is_the_same_chain(model):
    """λ → -λ is a shift of the phase by π (and α → -α)."""
    rows = torch.rand(20, len(MODELS[model].columns), generator=torch.Generator().manual_seed(0)).double()
    mirror = rows.clone()
    mirror[:, 0] *= -1
    if model == "gaam":
        mirror[:, 1] *= -1
    torch.testing.assert_close(order_parameter(model, mirror), order_parameter(model, rows))


def test_what_is_no_table_of_the_model_is_refused():
    with pytest.raises(ValueError, match=r"`model` argument of order_parameter .*Did you mean 'gaam'"):
        order_parameter("gam", [[1.0]])
    with pytest.raises(ValueError, match=r"`x` argument .*columns lambda, phi, E"):
        order_parameter("mosaic2", [[1.0, 2.0]])
