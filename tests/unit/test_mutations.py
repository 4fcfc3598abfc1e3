"""The table of `tools.mutations` follows the code: its files, lines and tests exist."""

import pytest

from tools.mutations import MUTATIONS, stale


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_still_applies(mutation):
    assert stale(mutation) is None
