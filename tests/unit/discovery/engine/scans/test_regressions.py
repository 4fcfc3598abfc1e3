"""Scans against linear regression: the best atom, the best pair, nuisance columns, weights, atoms that are nearly parallel."""

import itertools

import numpy as np
import pytest
import torch

from kanwidget.discovery.engine.scans.regressions import pairs, project, singles
from tests.support.engine import uniform


def unexplained(atoms, target, nuisance, roots):
    """What regression on nuisance columns and atoms leaves, as a part of what the nuisance columns leave."""

    def left(columns):
        matrix, right = (columns * roots[:, None]).numpy(), (target * roots).numpy()
        return float(np.sum((right - matrix @ np.linalg.lstsq(matrix, right, rcond=None)[0]) ** 2))

    return left(torch.cat([nuisance, atoms.T], 1)) / left(nuisance)


def projection(atoms, target, nuisance, roots, complexities=None):
    return project(atoms, target, nuisance, roots, torch.zeros(len(atoms)) if complexities is None else complexities)


def problem(count=12, rows=60, extra=2, seed=0, weighted=True):
    atoms = uniform(rows, *[(-1, 1)] * count, seed=seed).T.contiguous()
    nuisance = torch.cat(
        [torch.ones(rows, 1, dtype=torch.float64), uniform(rows, *[(-1, 1)] * extra, seed=seed + 1)], 1
    )
    roots = uniform(rows, (0.3, 2), seed=seed + 2)[:, 0] if weighted else torch.ones(rows, dtype=torch.float64)
    target = 2 * atoms[3] - atoms[7] + nuisance @ torch.arange(1.0, extra + 2, dtype=torch.float64)
    return atoms, target + 0.2 * uniform(rows, (-1, 1), seed=seed + 3)[:, 0], nuisance, roots


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [False, True])
def test_single_atoms_are_ranked_as_regression_ranks_them(seed, weighted):
    atoms, target, nuisance, roots = problem(seed=10 * seed, weighted=weighted)
    projected = projection(atoms, target, nuisance, roots)
    hits = singles(projected, 12)
    exact = [unexplained(atoms[[i]], target, nuisance, roots) for i in range(12)]
    assert (1 - projected.cosines.square()).tolist() == pytest.approx(exact, rel=1e-3)
    assert [index for (index,) in hits] == sorted(range(12), key=exact.__getitem__)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [False, True])
def test_the_best_pair_is_that_of_all_regressions(seed, weighted):
    atoms, target, nuisance, roots = problem(seed=10 * seed, weighted=weighted)
    hits = pairs(projection(atoms, target, nuisance, roots), 5)
    exact = {
        pair: unexplained(atoms[list(pair)], target, nuisance, roots) for pair in itertools.combinations(range(12), 2)
    }
    assert hits[0] == min(exact, key=exact.get) == (3, 7)
    assert hits == sorted(set(hits), key=exact.get)


def test_each_atom_has_its_best_partner():
    atoms, target, nuisance, roots = problem()
    projected = projection(atoms, target, nuisance, roots)
    for i in range(12):
        (pair,) = pairs(projected, 1, slice(i, i + 1))
        exact = {j: unexplained(atoms[[i, j]], target, nuisance, roots) for j in range(12) if j != i}
        assert pair == tuple(sorted((i, min(exact, key=exact.get))))


def test_blocks_make_no_difference():
    atoms, target, nuisance, roots = problem(count=300, rows=400)
    projected = projection(atoms, target, nuisance, roots)
    whole = pairs(projected, 20)
    parts = [hit for start in range(0, 300, 77) for hit in pairs(projected, 20, slice(start, start + 77))]
    assert set(whole) <= set(parts)
    assert whole[0] == (3, 7)


def test_atoms_that_the_nuisance_columns_explain_are_left_out():
    atoms, target, nuisance, roots = problem()
    atoms[5] = nuisance @ torch.tensor([2.0, -1.0, 0.5], dtype=torch.float64)
    atoms[6] = torch.nan
    projected = projection(atoms, target, nuisance, roots)
    assert projected.indices.tolist() == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert pairs(projected, 1)[0] == (3, 7)


def test_nuisance_columns_may_depend_on_each_other():
    atoms, target, nuisance, roots = problem()
    doubled = torch.cat([nuisance, nuisance.sum(1, keepdim=True)], 1)
    hits = [singles(projection(atoms, target, columns, roots), 12) for columns in (nuisance, doubled)]
    assert hits[0] == hits[1]


def test_nearly_parallel_atoms_are_no_pair():
    atoms, target, nuisance, roots = problem()
    atoms[4] = atoms[3] + 1e-5 * atoms[5]
    hits = pairs(projection(atoms, target, nuisance, roots), 10)
    assert (3, 4) not in hits
    assert set(hits[0]) in ({3, 7}, {4, 7})


def test_an_exact_pair_comes_first():
    atoms, _, nuisance, roots = problem()
    projected = projection(atoms, atoms[2] - 3 * atoms[9] + nuisance[:, 1], nuisance, roots)
    assert pairs(projected, 1)[0] == (2, 9)


def test_the_size_of_atoms_does_not_matter():
    atoms, target, nuisance, roots = problem()
    sizes = 10.0 ** torch.linspace(-9, 9, 12, dtype=torch.float64)
    hits = [pairs(projection(table, target, nuisance, roots), 3) for table in (atoms, atoms * sizes[:, None])]
    assert hits[0] == hits[1]


def test_of_hits_that_noise_makes_alike_the_simpler_is_first():
    atoms, target, nuisance, roots = problem(rows=200)
    near = atoms + 1e-2 * uniform(200, *[(-1, 1)] * 12, seed=9).T
    doubled = torch.cat([near, atoms])
    for sizes, shift in ((torch.tensor([2.0] * 12 + [9.0] * 12), 0), (torch.tensor([9.0] * 12 + [2.0] * 12), 12)):
        projected = projection(doubled, target, nuisance, roots, sizes)
        assert pairs(projected, 3)[0] == (3 + shift, 7 + shift)
        assert singles(projected, 1)[0] == (3 + shift,)


def test_what_is_much_nearer_comes_first_however_long():
    atoms, target, nuisance, roots = problem(rows=200)
    sizes = torch.ones(12)
    sizes[3] = 30.0
    assert pairs(projection(atoms, target, nuisance, roots, sizes), 3)[0] == (3, 7)
