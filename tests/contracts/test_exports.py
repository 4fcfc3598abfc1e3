"""What leaves for other programs gives what `predict` gives: each target × each kind of network, on 1,000 rows."""

import os

import pytest

from tools.benchmarks.exports import KINDS, SAME, TARGETS, Case, difference, is_there

#: Targets whose programs nobody need have.
RARE = ("formula, Julia", "formula, Octave")


@pytest.fixture(scope="module", params=KINDS)
def case(request) -> Case:
    return KINDS[request.param]()


@pytest.mark.parametrize("target", [target for target in TARGETS if target not in RARE or is_there(target)])
def test_the_same_as_predict(case, target):
    if not is_there(target) and not os.environ.get("CI"):
        pytest.skip(f"{target}: not installed here")
    found = difference(case, target)
    if found is None:
        assert case.has_curves or target == "formula, JavaScript"
    else:
        assert found < SAME


def test_what_the_kinds_are_for():
    """Rows of the sum lie beyond those of the training, where `predict` and the network differ; words are merged and missing."""
    rows = KINDS["a sum with noise"]()
    assert float((rows.model(rows.data).detach() - rows.model.predict(rows.data)).abs().max()) > 1e-3
    words = KINDS["words"]().model
    assert words.layer(0).merged
    assert words.encoding.levels[2] == ("east", "north", 'the "west"', "what??!", "missing")
    states = KINDS["all states"]().model
    layer = states.layer(0)
    assert {layer.state(i, j) for i in range(3) for j in range(3)} == {"spline", "symbolic", "both", "pruned"}
    scales = KINDS["scales"]().model.scaling
    assert scales.scales_input
    assert scales.scales_output
    assert KINDS["logs"]().model.scaling.has_logs == (True, True)
