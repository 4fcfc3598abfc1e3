"""Try the oldest releases that `pyproject.toml` allows: `make bounds`, or `python -m tools.lower_bounds [folder of tests …]`.

The wheel is installed on the oldest Python with every requirement `name>=version` as `name==version`. There the demo runs, the
examples of the docstrings, and tests that are quick. Extras that `test` doesn't have (bench, knots, hosts) aren't tried.
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement

from tools.release import metadata, versions
from tools.trials import ROOT, STEPS, build, interpreter, report, trial

TESTS = (
    "core",
    "datasets",
    "kan",
    "training",
    "symbolic",
    "explorer/session",
    "explorer/notebook",
    "insight",
    "sklearn",
)


def oldest(requirements: Iterable[str]) -> list[str]:
    """`name==version` of every requirement with a lower bound, that of any extra."""
    bounds = [(read.name, bound) for read in map(Requirement, requirements) for bound in read.specifier]
    return sorted({f"{name}=={bound.version}" for name, bound in bounds if bound.operator == ">="})


def main(folders: list[str]) -> int:
    """Build, install, try; 1 if a step fails or the oldest Python isn't there."""
    # Releases of that age warn of each other: here warnings are none of our business.
    pytest = ("python", "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), "-o", "filterwarnings=default", "--tb=short",
              "--disable-warnings", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadfile")  # fmt: skip
    tests = [str(ROOT / folder) for folder in folders or (f"tests/unit/{name}" for name in TESTS)]
    steps = STEPS | {"examples": (*pytest, "--doctest-modules", str(ROOT / "kanwidget")), "tests": (*pytest, *tests)}
    with tempfile.TemporaryDirectory() as folder:
        _, wheel = build(Path(folder))
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(oldest(metadata(wheel).get_all("Requires-Dist"))))
        version = versions(wheel)[0]
        if not (python := interpreter(version)):
            print(f"not found: {version}")
            return 1
        options = ("--constraint", str(constraints))
        return 0 if report(f"oldest {version}", trial(python, f"{wheel}[test]", *options, steps=steps)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
