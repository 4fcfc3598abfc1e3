"""The table of knots against KnotInfo: used by `python -m tools.knots_table compare` and `fixture`.

KnotInfo's planar diagrams give signature, determinant and exterior, which are compared with KnotInfo's own columns. Conventions:

- The signature has KnotInfo's sign: -2 for the right-handed trefoil.
- KnotInfo gives the meridian's real part without its sign. Here the sign is that of the diagram, and changes with the mirror image.
- KnotInfo's diagram and that of SnapPy's table may be mirror images. Then signature, Chern-Simons invariant and the meridian's real part
  change their signs together.

References:
    C. Livingston, A. H. Moore, "KnotInfo: Table of Knot Invariants", https://knotinfo.org; as the Python package `database_knotinfo`.
"""

from __future__ import annotations

import ast
import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.knot_signature import signature_and_determinant

ROOT = Path(__file__).resolve().parents[1]
FIXTURE = ROOT / "tests/fixtures/knotinfo.csv"
#: Values agree where they differ by less: KnotInfo has ten digits, SnapPy's double precision about as many.
TOLERANCE = 1e-6
#: Knots in the committed sample of KnotInfo.
_SAMPLE = 60
_FIELDS = (
    "name", "dt_name", "crossing_number", "pd_notation", "signature", "determinant", "volume", "longitude_translation",
    "meridian_translation", "maximum_cusp_volume", "chern_simons_invariant", "full_symmetry_group",
)  # fmt: skip
#: KnotInfo's names of groups that SnapPy writes otherwise.
_GROUPS = {"1": "0", "D1": "Z/2", "Z2": "Z/2", "D2": "Z/2 + Z/2"}


def rows(most_crossings: int) -> Iterator[dict[str, str]]:
    """KnotInfo's rows of the prime knots of up to so many crossings."""
    from database_knotinfo import link_list

    for row in link_list()[2:]:  # before them two rows of titles
        if row["crossing_number"].isdigit() and 3 <= int(row["crossing_number"]) <= most_crossings:
            yield row


def diagram(row: dict[str, str]) -> list[list[int]]:
    """The PD code."""
    return ast.literal_eval(row["pd_notation"])


def geometry_of(row: dict[str, str]) -> dict[str, Any]:
    """KnotInfo's geometric columns, by the names of our table; the meridian's real part is without its sign."""
    meridian = ast.literal_eval(row["meridian_translation"])
    return {
        "volume": float(row["volume"]),
        "chern_simons": float(row["chern_simons_invariant"]),
        "longitude": ast.literal_eval(row["longitude_translation"])[0],
        "meridian_real": abs(meridian[0]),
        "meridian_imag": meridian[1],
        "cusp_volume": float(row["maximum_cusp_volume"]),
        "symmetries": _GROUPS.get(row["full_symmetry_group"], row["full_symmetry_group"]),
    }


def agrees(column: str, ours: Any, theirs: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether two values of a column are the same, the Chern-Simons invariant up to multiples of 1/2."""
    if isinstance(theirs, str):
        return ours == theirs
    difference = abs(ours - theirs)
    if column == "chern_simons":
        difference = abs((difference + 0.25) % 0.5 - 0.25)
    return difference <= tolerance * max(1.0, abs(theirs))


def compare(most_crossings: int = 12) -> Counter[str]:
    """Count the agreements of all columns over all prime knots, and print them."""
    counts: Counter[str] = Counter()
    for row in rows(most_crossings):
        counts["knots"] += 1
        signature, determinant = signature_and_determinant(diagram(row))
        counts["signature"] += signature == int(row["signature"])
        counts["determinant"] += determinant == int(row["determinant"])
        if row["geometric_type"] == "hyperbolic":
            counts["hyperbolic"] += 1
            counts.update(_geometry_agreements(row))
    for name, count in counts.items():
        print(f"{name:<24}{count:6d}")
    return counts


def _geometry_agreements(row: dict[str, str]) -> Iterator[str]:
    """The geometric columns in which the exterior of KnotInfo's diagram has KnotInfo's values."""
    import snappy  # before links are asked for their exterior  # noqa: F401
    import spherogram

    from tools.knots_table import geometric, geometry

    exterior = geometric(spherogram.Link(diagram(row)).exterior())
    if exterior is None:
        return
    ours = geometry(exterior)
    for column, theirs in geometry_of(row).items():
        value = abs(ours[column]) if column == "meridian_real" else ours[column]
        if agrees(column, value, theirs):
            yield column
        else:
            print(f"{row['name']}: {column} is {ours[column]}, KnotInfo has {theirs}")


def compare_table(table: list[dict[str, str]], most_crossings: int = 12) -> Counter[str]:
    """Count the knots of SnapPy's table that have KnotInfo's values, as the same or as the mirror image, and print them."""
    counts: Counter[str] = Counter()
    theirs = {table_name(row): row for row in rows(most_crossings)}
    for row in table:
        if row["name"] in theirs:
            counts["table: " + image(row, theirs[row["name"]])] += 1
    for name, count in counts.items():
        print(f"{name:<24}{count:6d}")
    return counts


def table_name(row: dict[str, str]) -> str:
    """The Hoste-Thistlethwaite name in SnapPy's writing: `6a_2` is `K6a2`."""
    return "K" + row["dt_name"].replace("_", "")


def image(row: dict[str, Any], theirs: dict[str, str], tolerance: float = 2e-5) -> str:
    """`the same`, `mirrored`, `either` (for a knot whose invariants don't tell), or the column that differs.

    Args:
        row: A row of our table, which has six digits.
        theirs: KnotInfo's row.
        tolerance: Largest relative difference.
    """
    geometry = geometry_of(theirs)
    for column in ("volume", "longitude", "meridian_imag", "cusp_volume", "symmetries"):
        value = row[column] if column == "symmetries" else float(row[column])
        if not agrees(column, value, geometry[column], tolerance):
            return column
    if not agrees("meridian_real", abs(float(row["meridian_real"])), geometry["meridian_real"], tolerance):
        return "meridian_real"
    ours = float(row["chern_simons"]), int(row["signature"])
    wanted = geometry["chern_simons"], int(theirs["signature"])
    same, mirrored = (
        agrees("chern_simons", sign * ours[0], wanted[0], tolerance) and sign * ours[1] == wanted[1] for sign in (1, -1)
    )
    return {(True, True): "either", (True, False): "the same", (False, True): "mirrored"}.get(
        (same, mirrored), "signature or chern_simons"
    )


def write_fixture(table: list[dict[str, str]], most_crossings: int = 12) -> None:
    """KnotInfo's values for some knots that the committed sample has, evenly taken in its order."""
    names = {row["name"] for row in table}
    shared = [row for row in rows(most_crossings) if table_name(row) in names]
    taken = [shared[i * len(shared) // _SAMPLE] for i in range(_SAMPLE)]
    with FIXTURE.open("w", encoding="utf-8", newline="") as file:
        file.write("# Values of KnotInfo (C. Livingston, A. H. Moore, https://knotinfo.org), from database_knotinfo\n")
        writer = csv.DictWriter(file, _FIELDS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(taken)
    print(f"{FIXTURE.relative_to(ROOT)}: {len(taken)} of {len(shared)} knots")
