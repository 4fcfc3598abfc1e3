"""Widths and arities: in one form, or refused with a reason."""

import pytest

from kanwidget import KAN
from kanwidget.core.arguments import normalize_arities, normalize_width


def test_widths_are_normalized_in_a_list_of_their_own():
    given = [2, [3, 1], 1]
    assert normalize_width(given) == [[2, 0], [3, 1], [1, 0]]
    KAN(given)
    assert given == [2, [3, 1], 1]
    assert normalize_width((2, (3, 1), 1)) == [[2, 0], [3, 1], [1, 0]]


@pytest.mark.parametrize(
    "width", [[2], 5, "21", [2, 0], [0, 1], [[2, 1], 1], [2, [1, 1, 1], 1], [2, -1, 1], [2, 1.5], [2, "3"], None, []]
)
def test_widths_that_make_no_network_are_explained(width):
    with pytest.raises(ValueError, match=r"^the `width.*` argument of KAN must be "):
        KAN(width)


@pytest.mark.parametrize("arity", [1, 0, 2.5, None, [2], [[], [2, 2], []], [[], 2, []], [[], [1], []]])
def test_arities_that_fit_no_product_are_explained(arity):
    with pytest.raises(ValueError, match=r"^the `mult_arity.*` argument of KAN must be "):
        KAN([2, [1, 1], 1], mult_arity=arity)


def test_one_arity_serves_all_products():
    assert normalize_arities(3, [[2, 0], [1, 2], [0, 1]]) == [[], [3, 3], [3]]
