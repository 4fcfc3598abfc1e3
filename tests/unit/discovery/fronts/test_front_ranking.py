"""Which formulas stay, and which one is the best."""

import math

import pytest
import torch

from kanwidget.discovery.fronts import ranking
from kanwidget.discovery.fronts.ranking import Errors, Misfit, Ranked, misfit


def best(members, rows, noise=0):
    return min(members, key=lambda member: ranking.length(member, rows, noise=noise))


def candidate(complexity, error, constants=0, rows=100, relative=math.inf, doubtful=False):
    plain = Errors(error, rows * math.log2(math.hypot(error, ranking.EXACT)))
    bits = rows * math.log2(relative) if math.isfinite(relative) else math.inf
    return Ranked(complexity, constants, Misfit(plain, (Errors(relative, bits),) * 4), doubtful=doubtful)


def test_the_front_falls_from_simple_to_accurate():
    members = [candidate(5, 0.2), candidate(1, 1.0), candidate(3, 0.2), candidate(4, 0.1), candidate(2, 1.5)]
    assert [m.complexity for m in ranking.pareto(members)] == [1, 3, 4]
    assert ranking.pareto([candidate(1, math.inf), candidate(2, math.nan)]) == []


def test_a_formula_with_open_constants_keeps_no_other_one_out():
    mean, doubtful = candidate(1, 1.0), candidate(7, 0.17, doubtful=True)
    for law in (candidate(7, 0.18), candidate(7, 0.1705), candidate(8, 0.1699)):
        assert law in ranking.pareto([mean, doubtful, law])
    # It is one of them where it is nearer by far, and then much longer ones that are worse aren't.
    assert ranking.pareto([mean, candidate(7, 0.1, doubtful=True), candidate(14, 0.15)])[1:] == [
        candidate(7, 0.1, doubtful=True)
    ]


def test_round_off_is_worth_no_complexity():
    assert [m.complexity for m in ranking.pareto([candidate(3, 1e-12), candidate(5, 1e-16)])] == [3]
    simple, long = candidate(3, 1e-12, 1), candidate(9, 1e-16, 3)
    assert best([simple, long], 100) is simple


def test_a_hundredth_is_worth_no_complexity():
    assert len(ranking.pareto([candidate(3, 0.1), candidate(5, 0.0995)])) == 1


def test_the_shortest_description_stays_whatever_chance_says_of_a_few_rows():
    def noisy(complexity, train, held_out):
        none = Errors(math.inf, math.inf)
        return Ranked(complexity, 2, Misfit(Errors(held_out, 400 * math.log2(train)), (none,) * 4))

    wrong, true = noisy(8, 0.052, 0.048), noisy(9, 0.050, 0.051)
    assert ranking.pareto([wrong, true]) == [wrong]
    assert ranking.front([true, wrong], 400) == [wrong, true]
    assert ranking.front([noisy(9, 0.0519, 0.051), wrong], 400) == [wrong]
    assert ranking.front([noisy(8, 0.0522, 0.051), wrong], 400) == [wrong]
    assert ranking.front([candidate(3, math.inf)], 400) == []


def test_the_best_pays_for_its_error():
    simple, true, long = candidate(1, 1.0), candidate(7, 0.1, 1), candidate(25, 0.099, 5)
    assert best([simple, true, long], 100) is true


def test_constants_in_doubt_count_against_a_formula():
    first, second = candidate(7, 0.100, 2, doubtful=True), candidate(8, 0.102, 2)
    assert best([first, second], 100) is second
    assert best([first, candidate(8, 0.2, 2)], 100) is first


def test_noise_that_grows_with_the_value_ranks_by_relative_errors():
    values = torch.logspace(0, 4, 50, dtype=torch.float64)
    signs = torch.where(torch.arange(50) % 2 == 0, 1.0, -1.0).double()
    y = values * (1 + 0.01 * signs)
    spread = float(y.std(correction=0))
    result = misfit([(y, values, None)], spread, robust=False)
    assert result.growing[-1].held_out == pytest.approx(0.01, rel=1e-3)
    assert ranking.likeliest_noise([Ranked(1, 0, result)], 50) == len(result.growing)
    even = misfit([(values + signs, values, None)], spread, robust=False)
    assert even.plain.held_out == pytest.approx(1 / spread)
    assert ranking.likeliest_noise([Ranked(1, 0, even)], 50) == 0


def test_noise_with_a_constant_part_ranks_small_values_by_that():
    """A relative error of small values says little where they are rounded: what is far from large ones is no law."""
    values = torch.logspace(-3, 3, 60, dtype=torch.float64)
    signs = torch.where(torch.arange(60) % 2 == 0, 1.0, -1.0).double()
    y = values + signs * torch.hypot(0.1 * values.median(), 0.01 * values)
    y, spread = y.abs(), float(y.std(correction=0))
    law = Ranked(9, 3, misfit([(y, values, None)], spread, robust=False))
    far = Ranked(7, 2, misfit([(y, 1.2 * values * (y / values).clamp(max=1), None)], spread, robust=False))
    assert 0 < ranking.likeliest_noise([law], 60) < len(law.misfit.growing)
    noise = ranking.likeliest_noise([law, far], 60)
    assert best([law, far], 60, noise=noise) is law


def test_values_that_change_sign_have_no_relative_error():
    y = torch.tensor([1.0, -1.0, 2.0])
    assert misfit([(y, y, None)], 1.0, robust=False).growing[0].bits == math.inf


def test_weights_and_sizes():
    y, value = torch.tensor([1.0, 2.0, 10.0]), torch.tensor([1.0, 1.0, 0.0])
    weight = torch.tensor([1.0, 1.0, 0.0])
    assert misfit([(y, value, weight)], 1.0, robust=False).plain.held_out == pytest.approx(math.sqrt(0.5))
    assert misfit([(y, value, None)], 1.0, robust=True).plain.held_out == pytest.approx(11 / 3)
    assert misfit([(y, value / 0, None)], 1.0, robust=False).plain.bits == math.inf


def test_few_rows_buy_no_long_formula():
    law, fitted = candidate(7, 3e-4, 1, rows=13), candidate(39, 2e-6, 7, rows=13)
    assert best([law, fitted], 13) is law
    many = candidate(7, 3e-4, 1, rows=200), candidate(39, 2e-6, 7, rows=200)
    assert best(many, 200) is many[1]
