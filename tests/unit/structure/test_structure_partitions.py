"""Groups from pairs and triples, against brute force."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from kanwidget.structure.partitions import closure, components, top_parts, weakest_link

COLUMNS = range(5)
PAIRS = list(combinations(COLUMNS, 2))
TRIPLES = [(i, j, k) for i, j in PAIRS for k in COLUMNS if k not in (i, j)]


def is_group(group, separates):
    return not any((i, j, k) in separates for i, j in combinations(sorted(group), 2) for k in COLUMNS if k not in group)


@given(st.sets(st.sampled_from(PAIRS)))
def test_components_are_a_partition_that_no_link_crosses(linked):
    groups = components(COLUMNS, linked)
    assert sorted(column for group in groups for column in group) == list(COLUMNS)
    assert all(any({a, b} <= set(group) for group in groups) for a, b in linked)
    if not linked:
        assert groups == [(column,) for column in COLUMNS]


@given(st.lists(st.floats(0, 1), min_size=len(PAIRS), max_size=len(PAIRS)))
def test_the_weakest_link_is_what_keeps_the_graph_together(values):
    strength = dict(zip(PAIRS, values, strict=True))
    limit = strength[weakest_link(COLUMNS, strength)]
    assert len(components(COLUMNS, {pair for pair in PAIRS if strength[pair] > limit})) > 1
    assert len(components(COLUMNS, {pair for pair in PAIRS if strength[pair] >= limit})) == 1


def test_without_links_there_is_no_weakest():
    assert weakest_link([0], {}) is None


@given(st.sets(st.sampled_from(TRIPLES)), st.sampled_from(PAIRS))
def test_a_closure_is_the_smallest_group_with_the_pair(separates, pair):
    found = closure(pair, COLUMNS, lambda i, j, k: (i, j, k) in separates)
    groups = [set(g) for size in range(2, 6) for g in combinations(COLUMNS, size) if set(pair) <= set(g)]
    smallest = min((g for g in groups if is_group(g, separates)), key=len)
    assert set(found) == smallest


@given(st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=5, max_size=5))
def test_parts_are_a_partition_into_groups_and_single_columns(classes):
    """Column k sees i and j apart if it puts them into different classes, as functions do."""
    separates = {(i, j, k) for i, j, k in TRIPLES if classes[k][i] != classes[k][j]}
    found = {closure(pair, COLUMNS, lambda i, j, k: (i, j, k) in separates) for pair in PAIRS}
    parts, joined = top_parts(COLUMNS, found)
    assert sorted(column for part in parts for column in part) == list(COLUMNS)
    assert len(parts) > 1
    if not joined:
        assert all(len(part) == 1 or is_group(part, separates) for part in parts)
