"""The faults of pykan 0.2.8's tests of structure that must not exist here, by their number in the project's list."""

import inspect

import pytest
import torch

from kanwidget.structure import Structure, build_tree, detect_separability, examine, plot_tree, tree

POINTS = 0.5 + torch.rand(100, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_32_no_name_is_made_by_exec():
    """A local made by exec vanishes under Python 3.13."""
    assert "exec(" not in inspect.getsource(tree)


def test_33_a_tree_is_drawn_with_names_of_columns():
    data = {"train_input": POINTS, "train_label": POINTS[:, :1], "in_vars": ("mass", "speed", "time")}
    figure = plot_tree(lambda x: x[:, 0] * torch.sin(x[:, 1] - x[:, 2]), data)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"mass", "speed", "time", "speed - time"} <= set(texts)


@pytest.mark.parametrize("mode", ["add", "mul"])
def test_34_a_linear_function_is_separable(mode):
    finding = detect_separability(lambda x: 2 * x[:, 0] - x[:, 1] + 3 * x[:, 2], POINTS, mode)
    assert len(finding.groups) == (3 if mode == "add" else 1)


def test_products_with_a_constant_or_through_0_are_separable():
    """Not only those whose logarithm is a sum: there the constant had to be given, and zeros were poles."""
    points = POINTS - 1
    finding = detect_separability(lambda x: 5 + torch.sin(3 * x[:, 0]) * x[:, 1] * x[:, 2], points, "mul")
    assert finding.groups == (("x_1",), ("x_2",), ("x_3",))
    assert finding.constant == pytest.approx(5, abs=1e-6)


def test_units_decide_nothing():
    """Scores were in the unit of the target: a small one was separable, a large one never."""
    for size in (1e-6, 1e6):
        assert (
            len(detect_separability(lambda x, size=size: size * x[:, 0] * x[:, 1] + x[:, 2] * size, POINTS).groups) == 2
        )


def test_a_near_symmetry_is_none():
    """A cosine above 0.9 at nine points of ten was said to be a symmetry."""
    found = examine(lambda x: x[:, 0] ** 2 + 1.2 * x[:, 1] ** 2 + 0.1 * x[:, 0] * x[:, 2], POINTS)
    assert found.symmetry("x_1", "x_2", "x^2+y^2").verdict == "fails"


def test_nothing_is_printed_and_nothing_global_is_set(capsys):
    state = torch.random.get_rng_state()
    build_tree(lambda x: x[:, 0] + x[:, 1], POINTS)
    assert capsys.readouterr().out == ""
    assert torch.equal(torch.random.get_rng_state(), state)


def test_no_public_name_is_taken_for_a_test():
    """`test_symmetry` and its like were collected by pytest."""
    import kanwidget.structure

    names = [*kanwidget.structure.__all__, *dir(Structure)]
    assert [name for name in names if name.startswith("test")] == []
