"""Build the archives of a release and try them: `make release`, or `python -m tools.release [3.11 …]`. Nothing is uploaded.

`dist/` gets the sdist and the wheel, twine checks them, and each is installed into an empty environment on every Python that the
package says it runs on (its classifiers). There the module is imported and the demo run. One environment exists at a time: with
PyTorch's CUDA packages it has some gigabytes.
"""

import email.message
import email.parser
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.trials import ROOT, build, interpreter, report, trial


def metadata(wheel: Path) -> email.message.Message:
    """What a wheel says of itself."""
    archive = zipfile.ZipFile(wheel)
    (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    return email.parser.Parser().parsestr(archive.read(path).decode())


def versions(wheel: Path) -> list[str]:
    """The Pythons of a wheel's classifiers, oldest first: `3.10`, …"""
    classifiers = "\n".join(metadata(wheel).get_all("Classifier", []))
    return re.findall(r"^Programming Language :: Python :: (\d+\.\d+)$", classifiers, re.MULTILINE)


def main(wanted: list[str]) -> int:
    """Build, check, try; 1 if a step fails or no Python is there."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    archives = build(dist)
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *archives], check=True)
    found = {version: interpreter(version) for version in wanted or versions(archives[1])}
    good = [
        report(f"{kind} {version}", trial(python, str(archive)))
        for version, python in found.items()
        if python
        for kind, archive in zip(("sdist", "wheel"), archives, strict=True)
    ]
    print("not found:", " ".join(version for version, python in found.items() if not python) or "none")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
