"""Standard errors of formulas cover the truth; `python -m tools.benchmarks.standard_errors` shows it in 200 repetitions a law."""

import pytest

from tools.benchmarks.standard_errors import LAWS, coverage

#: Repetitions of each law: a coverage of 95 % is seen as at least 83 % in 999 of 1000 tests with 40.
REPETITIONS = 12


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_two_standard_errors_hold_the_truth(law):
    found = coverage(law, REPETITIONS)
    assert sum(found.values()) / len(found) >= 80
