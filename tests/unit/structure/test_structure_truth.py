"""Every statement about the functions of the benchmark is what sympy's derivatives say in forty digits."""

import pytest

from kanwidget.structure import examine
from tools.benchmarks.structure.answers import POINTS, answer
from tools.benchmarks.structure.cases import CASES, WITHOUT
from tools.benchmarks.structure.truth import Truth

#: All kinds, spread over the list.
PICKED = [*CASES[::3], *WITHOUT[::4]]


@pytest.mark.parametrize("case", PICKED, ids=lambda case: case.text)
def test_the_answer_is_right_and_no_claim_is_false(case):
    found = answer(case, noisy=False)
    assert found.right
    assert found.false == ()


@pytest.mark.parametrize("case", [case for case in PICKED if len(case.columns) > 2], ids=lambda case: case.text)
def test_partitions_are_the_finest(case):
    structure, truth = examine(case, case.points(POINTS // 5)), Truth(case)
    for finding, groups in ((structure.additive(), truth.additive), (structure.multiplicative(), truth.multiplicative)):
        assert len(finding.groups) == len(groups)
        assert finding.verdict == ("holds" if len(groups) > 1 or len(groups[0]) < 2 else "fails")
