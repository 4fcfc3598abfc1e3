"""The formula of exact data doesn't hang on the last bits of numbers: not on those of the data, nor on those of a processor's sums."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.support.exact_laws import CASES

DRAWS = 4


def moved(y, seed):
    """Each number's neighbor on one side or the other, by chance."""
    up = np.random.default_rng(seed).integers(0, 2, len(y)).astype(bool)
    return torch.from_numpy(np.nextafter(y.numpy(), np.where(up, np.inf, -np.inf)))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_the_formula_is_the_same_for_the_neighbors_of_the_numbers(name):
    case = CASES[name]
    x, y = case.table()
    texts = [case.tool(x, y), *(case.tool(x, moved(y, seed)) for seed in range(DRAWS))]
    assert texts == [case.text] * (DRAWS + 1)


@pytest.mark.slow
def test_the_formula_is_the_same_with_another_arithmetic():
    """Without wide registers torch adds in another order."""
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    command = [sys.executable, "-m", "tests.support.exact_laws"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(result.stdout) == {name: case.text for name, case in CASES.items()}
