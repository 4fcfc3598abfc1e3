"""The rows of `tools.mutations` follow the code: their files, lines and tests exist, and no room is without one."""

import pytest

from tests.unit.test_documents import ROOT, tree_of
from tools.mutations.mutation import stale
from tools.mutations.rows import MUTATIONS

ROOMS = sorted(
    room.rstrip("/")
    for room in tree_of((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"))
    if room.startswith(("kanwidget/", "js/src/")) and any((ROOT / room).glob("[a-z]*.[pt][ys]"))
)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_still_applies(mutation):
    assert stale(mutation) is None


def test_every_room_has_a_mutation():
    assert [room for room in ROOMS if not any(row.path.rpartition("/")[0] == room for row in MUTATIONS)] == []


def test_names_and_places_are_said_once():
    for said in ([row.name for row in MUTATIONS], [(row.path, row.old) for row in MUTATIONS]):
        assert len(said) == len(set(said))
