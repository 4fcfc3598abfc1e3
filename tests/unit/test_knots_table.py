"""The committed table of knots, the signature from a diagram, and the sample of KnotInfo's values that both are compared with."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools import knotinfo, knots_table
from tools.knot_signature import signature_and_determinant

TREFOIL = [[1, 5, 2, 4], [3, 1, 4, 6], [5, 3, 6, 2]]
FIGURE_EIGHT = [[4, 2, 5, 1], [8, 6, 1, 5], [6, 3, 7, 4], [2, 7, 3, 8]]
with knotinfo.FIXTURE.open(encoding="utf-8", newline="") as _file:
    KNOTINFO = list(csv.DictReader(line for line in _file if not line.startswith("#")))


@pytest.fixture(scope="module")
def knots():
    return knots_table.load()


def mirrored(diagram):
    """The mirror image: all crossings seen from below, which turns the order of their strands."""
    return [[a, d, c, b] for a, b, c, d in diagram]


def shifted(diagram, start):
    """The same diagram with another first strand."""
    count = 2 * len(diagram)
    return [[(strand - 1 + start) % count + 1 for strand in crossing] for crossing in diagram]


# ---- signature and determinant


def test_the_sign_is_that_of_knotinfo():
    assert signature_and_determinant(TREFOIL) == (-2, 3)
    assert signature_and_determinant(FIGURE_EIGHT) == (0, 5)


@pytest.mark.parametrize("row", KNOTINFO, ids=lambda row: row["name"])
def test_signature_and_determinant_are_those_of_knotinfo(row):
    expected = int(row["signature"]), int(row["determinant"])
    assert signature_and_determinant(knotinfo.diagram(row)) == expected


@given(st.sampled_from(KNOTINFO), st.integers(0, 30), st.randoms())
def test_first_strand_and_order_of_crossings_do_not_matter(row, start, random):
    diagram = knotinfo.diagram(row)
    moved = shifted(diagram, start % (2 * len(diagram)))
    random.shuffle(moved)
    assert signature_and_determinant(moved) == signature_and_determinant(diagram)


@given(st.sampled_from(KNOTINFO))
def test_the_mirror_image_changes_the_sign(row):
    signature, determinant = signature_and_determinant(knotinfo.diagram(row))
    assert signature_and_determinant(mirrored(knotinfo.diagram(row))) == (-signature, determinant)


def test_a_diagram_that_is_not_planar_is_refused():
    with pytest.raises(ValueError, match="in the plane it would have 5"):
        signature_and_determinant([[1, 2, 5, 4], *TREFOIL[1:]])


# ---- the table


def test_the_sample_has_its_size_and_every_knot_once(knots):
    assert len(knots["name"]) == knots_table.SAMPLE == len(set(knots["name"]))
    assert knots_table.TABLE.stat().st_size <= 300 * 1024
    assert all(np.isfinite(values).all() for values in knots.values() if values.dtype.kind == "f")


def test_names_tell_the_crossings(knots):
    assert all(
        int(name[1:-1].replace("n", "a").split("a")[0]) == n
        for name, n in zip(knots["name"], knots["crossings"], strict=True)
    )
    assert set(knots["crossings"]) <= set(range(4, 15))


def test_cusp_shape_and_volume_follow_from_the_translations(knots):
    meridian = knots["meridian_real"] + 1j * knots["meridian_imag"]
    shape = (knots["longitude"] / meridian).conj()
    np.testing.assert_allclose(knots["shape_real"], shape.real, rtol=3e-5, atol=1e-4)
    np.testing.assert_allclose(knots["shape_imag"], shape.imag, rtol=3e-5, atol=1e-4)
    np.testing.assert_allclose(knots["cusp_volume"], knots["longitude"] * knots["meridian_imag"] / 2, rtol=3e-5)


def test_volumes_respect_the_theorems(knots):
    # Cao and Meyerhoff: no cusped orientable manifold is smaller. Boeroeczky: a cusp fills at most 85.33 % of it.
    assert knots["volume"].min() >= 2.029883
    assert (knots["cusp_volume"] <= 0.8533 * knots["volume"]).all()
    # Adams: a meridian on the largest cusp is at least 1 long; at most 6 by Agol and Lackenby.
    length = np.abs(knots["meridian_real"] + 1j * knots["meridian_imag"])
    assert length.min() >= 1 - 1e-5
    assert length.max() <= 6


def test_signatures_are_even_and_agree_with_determinants(knots):
    # Murasugi: the determinant is 1 modulo 4 where the signature is a multiple of 4, else 3.
    assert (knots["signature"] % 2 == 0).all()
    assert (knots["determinant"] % 4 == 1 + knots["signature"] % 4).all()


def test_a_knot_with_its_mirror_image_has_signature_zero(knots):
    amphichiral = (knots["meridian_real"] == 0) & (knots["chern_simons"] == 0)
    assert 10 < amphichiral.sum() < 0.05 * knots_table.SAMPLE
    assert (knots["signature"][amphichiral] == 0).all()


def test_signature_and_slope_have_the_same_orientation(knots):
    assert np.corrcoef(knots["signature"], knots["shape_real"])[0, 1] > 0.95


@pytest.mark.parametrize("row", KNOTINFO, ids=lambda row: row["name"])
def test_the_table_has_the_values_of_knotinfo(row, knots):
    (place,) = np.flatnonzero(knots["name"] == knotinfo.table_name(row))
    ours = {name: values[place] for name, values in knots.items()}
    assert ours["determinant"] == int(row["determinant"])
    assert knotinfo.image(ours, row) in ("the same", "mirrored", "either")


@pytest.mark.parametrize(
    ("column", "change"),
    [("volume", 1e-3), ("longitude", 1e-3), ("meridian_real", 1e-3), ("chern_simons", 1e-3), ("signature", 2)],
)
def test_a_wrong_value_is_seen(column, change, knots):
    row = next(row for row in KNOTINFO if int(row["signature"]) and float(row["chern_simons_invariant"]))
    (place,) = np.flatnonzero(knots["name"] == knotinfo.table_name(row))
    ours = {name: values[place] for name, values in knots.items()}
    ours[column] = ours[column] * (1 + change) if change < 1 else 8 + abs(ours[column])
    assert knotinfo.image(ours, row).startswith(column) or "signature" in knotinfo.image(ours, row)


def test_chern_simons_is_known_up_to_halves():
    assert knotinfo.agrees("chern_simons", 0.2, -0.3)
    assert not knotinfo.agrees("chern_simons", 0.2, 0.3)
    assert not knotinfo.agrees("volume", 2.5, 3.0)
