"""Invariants of hyperbolic knots, made with SnapPy: `python -m tools.knots_table`, which needs the extra `knots`.

    python -m tools.knots_table make       # all prime knots of up to 14 crossings → build/knots.csv, and the sample in notebooks/data
    python -m tools.knots_table draw       # the sample alone, from build/knots.csv
    python -m tools.knots_table compare    # all prime knots of up to 12 crossings against KnotInfo
    python -m tools.knots_table fixture    # KnotInfo's values for some knots of the sample → tests/fixtures/knotinfo.csv

A knot comes as the exterior of the diagram that its DT code in SnapPy's copy of the Hoste-Thistlethwaite table makes. So one image of two
that mirror each other is in the table, the same for all columns. `COLUMNS` says what they are.

References:
    M. Culler, N. M. Dunfield, M. Goerner, J. R. Weeks, "SnapPy, a computer program for studying the geometry and topology of 3-manifolds",
    https://snappy.computop.org.
    J. Hoste, M. Thistlethwaite, J. Weeks, "The first 1,701,936 knots", The Mathematical Intelligencer 20, 33-48 (1998).
    C. Livingston, A. H. Moore, "KnotInfo: Table of Knot Invariants", https://knotinfo.org.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import math
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from tools import knotinfo
from tools.knot_signature import signature_and_determinant

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "notebooks/data/knots.csv.gz"
WHOLE = ROOT / "build/knots.csv"
#: Columns of the table.
COLUMNS = {
    "name": "Hoste-Thistlethwaite name: K, crossings, a(lternating) or n(on-alternating), number",
    "crossings": "least number of crossings of a diagram",
    "volume": "hyperbolic volume of the complement",
    "chern_simons": "Chern-Simons invariant, known up to multiples of 1/2",
    "longitude": "translation along the longitude on the largest cusp, turned so that it is real and positive",
    "meridian_real": "translation along the meridian on the largest cusp: real part",
    "meridian_imag": "its imaginary part, positive",
    "cusp_volume": "volume of the largest cusp",
    "shape_real": "cusp shape, longitude over meridian: real part (the natural slope)",
    "shape_imag": "its imaginary part, as SnapPy has it, positive",
    "symmetries": "symmetry group of the complement",
    "determinant": "determinant of the knot",
    "signature": "signature; -2 for the right-handed trefoil",
}
_INTEGERS = ("crossings", "determinant", "signature")
_TEXTS = ("name", "symmetries")
#: Knots in the committed sample, drawn from all of the table with this seed.
SAMPLE, SEED = 8000, 0
#: Knots, in SnapPy's order, whose signature is computed in two ways: all of up to 12 crossings. Of the others every tenth is.
_CHECKED = 2977
#: Significant digits in the file.
DIGITS = 6
#: New triangulations that are tried before a knot is left out.
_TRIANGULATIONS = 100
#: What is smaller is zero: the meridian's real part and the Chern-Simons invariant of a knot that is its own mirror image.
_ROUND_OFF = 1e-9
_GEOMETRIC = "all tetrahedra positively oriented"


# ---- one knot


def row_of(manifold: Any, *, check: bool = False) -> dict[str, Any] | None:
    """The invariants of a knot of SnapPy's table; None where no triangulation shows a hyperbolic structure.

    With `check` the signature is computed by the Seifert matrix, too, which takes longer than all the rest.
    """
    import spherogram

    link = spherogram.Link(f"DT:{manifold.DT_code()}")
    exterior = geometric(link.exterior())
    if exterior is None:
        return None
    signature, determinant = signature_and_determinant(link.PD_code(min_strand_index=1))
    if check and signature != seifert_signature(link):
        raise ArithmeticError(f"{manifold.name()}: the signatures of the Goeritz and the Seifert form differ")
    row = {"name": manifold.name(), "crossings": len(link.crossings), **geometry(exterior)}
    return row | {"determinant": determinant, "signature": signature}


def geometric(exterior: Any) -> Any | None:
    """The exterior with no flat tetrahedra, retriangulated where it has some; None where that doesn't help."""
    for attempt in range(_TRIANGULATIONS):
        if exterior.solution_type() == _GEOMETRIC:
            exterior.triangulations = attempt
            return exterior
        exterior.randomize()  # keeps orientation, meridian and longitude
    return None


def geometry(exterior: Any) -> dict[str, Any]:
    """The columns that belong to the complement, from a triangulation without flat tetrahedra."""
    neighborhood = exterior.cusp_neighborhood()
    # The largest cusp, by scaling: SnapPea's kernel fails for some knots when it is asked to draw that cusp.
    growth = math.exp(neighborhood.stopping_displacement() - neighborhood.get_displacement())
    meridian, longitude = (growth * complex(value) for value in neighborhood.translations())
    shape = complex(exterior.cusp_info()[0].shape)
    return {
        "volume": float(exterior.volume()),
        "chern_simons": float(exterior.chern_simons()),
        "longitude": longitude.real,
        "meridian_real": meridian.real,
        "meridian_imag": meridian.imag,
        "cusp_volume": growth**2 * float(neighborhood.volume()),
        "shape_real": shape.real,
        "shape_imag": shape.imag,
        "symmetries": str(exterior.symmetry_group()),
    }


def seifert_signature(link: Any) -> int:
    """Signature of the symmetrized Seifert matrix, in floating point: a second way beside the exact one.

    Spherogram's matrix of the right-handed trefoil has signature 2, so the sign is changed.
    """
    matrix = np.array(link.seifert_matrix(), dtype=float)
    values = np.linalg.eigvalsh(matrix + matrix.T)
    return int((values < -1e-8).sum()) - int((values > 1e-8).sum())


# ---- the table


def make() -> None:
    """Compute all knots, write them, draw the sample and write it."""
    import snappy

    started, rows, counts = time.perf_counter(), [], Counter()
    census = snappy.HTLinkExteriors(knots_vs_links="knots")
    for number, manifold in enumerate(census):
        row = row_of(manifold, check=number < _CHECKED or number % 10 == 0)
        if row is None:
            counts["left out"] += 1
            print(f"{manifold.name()} is left out: no triangulation without flat tetrahedra", flush=True)
            continue
        rows.append(row)
        if len(rows) % 5000 == 0:
            print(f"{len(rows):6d} knots, {time.perf_counter() - started:5.0f} s", flush=True)
    WHOLE.parent.mkdir(exist_ok=True)
    WHOLE.write_text(as_csv(rows), encoding="utf-8")
    print(f"{len(census)} prime knots, {len(rows)} in the table, {counts['left out']} left out", end=", ")
    print(f"{time.perf_counter() - started:.0f} s with SnapPy {snappy.version()}")
    draw()


def draw() -> None:
    """The sample of the whole table, in its order."""
    rows = read(WHOLE.read_text(encoding="utf-8"))
    kept = np.sort(np.random.default_rng(SEED).choice(len(rows), SAMPLE, replace=False))
    TABLE.parent.mkdir(exist_ok=True)
    # Without name and time in its head the file is the same each time.
    with TABLE.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(as_csv(rows[index] for index in kept).encode())
    print(f"{TABLE.relative_to(ROOT)}: {SAMPLE} of {len(rows)} knots, {TABLE.stat().st_size / 1024:.0f} KB")


def as_csv(rows: Iterable[dict[str, Any]]) -> str:
    """Rows as text, floats with `DIGITS` digits."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _number(v) if isinstance(v, float) else v for key, v in row.items()})
    return out.getvalue()


def _number(value: float) -> str:
    return "0" if abs(value) < _ROUND_OFF else f"{value:.{DIGITS}g}"


def read(text: str) -> list[dict[str, str]]:
    """The rows of a table as texts."""
    return list(csv.DictReader(text.splitlines()))


def load(path: Path = TABLE) -> dict[str, np.ndarray]:
    """The columns of the sample: texts for `name` and `symmetries`, integers and floats for the others.

    Examples:
        >>> knots = load()
        >>> len(knots["name"]), knots["signature"].dtype.kind
        (8000, 'i')
    """
    rows = read(gzip.decompress(path.read_bytes()).decode())
    kinds = {name: str if name in _TEXTS else int if name in _INTEGERS else float for name in COLUMNS}
    return {name: np.array([kind(row[name]) for row in rows]) for name, kind in kinds.items()}


# ---- commands


def compare() -> None:
    """KnotInfo's diagrams and the rows of the whole table, where that is made, against KnotInfo."""
    knotinfo.compare()
    if WHOLE.exists():
        knotinfo.compare_table(read(WHOLE.read_text(encoding="utf-8")))


def fixture() -> None:
    """Write the sample of KnotInfo that the tests read."""
    knotinfo.write_fixture(read(gzip.decompress(TABLE.read_bytes()).decode()))


if __name__ == "__main__":
    actions = {action.__name__: action for action in (make, draw, compare, fixture)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=actions)
    actions[parser.parse_args().action]()
