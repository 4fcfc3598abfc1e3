"""Break, one at a time, things that a user would notice, and see whether a test does: `python -m tools.mutations`.

Each is a line that is exchanged in a copy of the tree; the tests that are about it run there, those without a browser. It ends with an
error if one isn't caught. No part of CI: it takes minutes, and `-k WORD` breaks only what has that word in its name.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Mutation:
    """One defect.

    Args:
        name: What a user would notice.
        path: The file.
        old: What stands there exactly once.
        new: What stands there instead.
        tests: What should notice it: files for pytest, or for vitest where they end in `.ts`.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "no refresh after undo",
        "kanwidget/explorer/commands/jumps.py",
        "    session.log.add(command)\n    return EVERYTHING\n\n\ndef undo",
        "    session.log.add(command)\n    return frozenset()\n\n\ndef undo",
        ("tests/unit/explorer/test_publisher.py",),
    ),
    Mutation(
        "no refresh after undo, in the page",
        "js/src/state/store.ts",
        "        if (message.replace) this.metrics.clear();\n",
        "",
        ("js/test/state/store.test.ts", "js/test/app/views.test.ts"),
    ),
    Mutation(
        "wrong axis order in curves",
        "kanwidget/explorer/describe/curves.py",
        "values.permute(1, 2, 0)], -1).flatten(0, 1)",
        "values.permute(1, 2, 0)], -1).transpose(0, 1).flatten(0, 1)",
        ("tests/unit/explorer/test_publisher.py",),
    ),
    Mutation(
        "wrong axis order in surface",
        "kanwidget/explorer/describe/panels/surface.py",
        '{"z": z.view(-1, n), ',
        '{"z": z.view(-1, n).T, ',
        ("tests/unit/explorer/test_panels.py",),
    ),
    Mutation(
        "lamb not applied",
        "kanwidget/training/steps/networks.py",
        "        self.objective.penalise([settings.penalty()] * len(self.networks))\n",
        "",
        ("tests/unit/explorer/test_session.py",),
    ),
    Mutation(
        "listener not removed, of the page",
        "js/src/ui/listeners.ts",
        "    return this.add(() => target.removeEventListener(type, handler as EventListener, options));",
        "    return this.add(() => {});",
        ("js/test/app/explorer.test.ts", "js/test/app/hosts.test.ts", "js/test/menus/menus.test.ts"),
    ),
    Mutation(
        "listener not removed, of the host",
        "js/src/app/transport.ts",
        "    undo.push(() => model.off(event, call as never));\n",
        "",
        ("js/test/app/hosts.test.ts",),
    ),
    Mutation(
        "hostile name unescaped, in saved pages",
        "kanwidget/explorer/files/html_report.py",
        'title=html.escape(title or f"KAN: {names}"),',
        'title=title or f"KAN: {names}",',
        ("tests/unit/explorer/test_html.py::test_names_stay_text",),
    ),
    Mutation(
        "hostile name unescaped, in the page",
        "js/src/ui/dom.ts",
        "if (node.textContent !== text) node.textContent = text;",
        "if (node.textContent !== text) node.innerHTML = text;",
        ("js/test/text/names.test.ts", "js/test/app/views.test.ts", "js/test/app/hosts.test.ts"),
    ),
    Mutation(
        "pump off",
        "js/src/app/pump.ts",
        "      const seq = this.host.pump();\n",
        "      const seq = null as number | null;\n",
        ("js/test/app/pump.test.ts", "js/test/app/hosts.test.ts"),
    ),
    Mutation(
        "pump not answered",
        "kanwidget/explorer/drivers/router.py",
        "        self.driver.pump()\n",
        "",
        ("tests/unit/explorer/test_drivers.py",),
    ),
    Mutation(
        "stale candidates",
        "kanwidget/explorer/session/session.py",
        "self.fits.at(self.version, self.rows)",
        "self.fits.at(0, self.rows)",
        ("tests/unit/explorer/test_session.py",),
    ),
    Mutation(
        "grid slider ignored",
        "kanwidget/explorer/commands/fields.py",
        "    return made if grid is None else [*made, c.Refine(grid)]",
        "    return made",
        ("tests/unit/explorer/test_router.py",),
    ),
    Mutation(
        "grid slider ignored, in the page",
        "js/src/bars/toolbar.ts",
        'commit: (value) => act.send({ kind: "set", settings: { grid: value } }),',
        "commit: () => null,",
        ("js/test/ui/sliders.test.ts", "js/test/app/views.test.ts"),
    ),
    Mutation(
        "code export drops a step",
        "kanwidget/explorer/session/script.py",
        "            self.entries.append(1)\n        self._cut = False",
        "            self.entries.append(0 if self._cut and len(self.entries) > 3 else 1)\n        self._cut = False",
        (
            "tests/unit/explorer/test_script.py::test_a_long_session_is_replayed_bit_for_bit[auto]",
            "tests/unit/explorer/test_script.py::test_steps_after_an_end_are_counted_apart",
        ),
    ),
    Mutation(
        "colour-only state, of edges",
        "js/src/network/edge-layer.ts",
        '      "stroke-dasharray": thumb ? DASH[info.state] : (BARE[info.state] ?? DASH[info.state]),\n',
        "",
        ("js/test/network/network.test.ts",),
    ),
)


def command(tests):
    """What runs them."""
    if tests[0].endswith(".ts"):
        return ["npx", "vitest", "run", *(name.removeprefix("js/") for name in tests)], "js"
    return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests], "."


def passes(tree, tests):
    """Whether the tests pass in a tree; an error where they can't run."""
    words, folder = command(tests)
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(words, cwd=tree / folder, env=environment, capture_output=True, text=True)
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)} can't run:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return ran.returncode == 0


def copied(folder):
    """A copy of the files that git knows, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "js" / "node_modules").symlink_to((ROOT / "js" / "node_modules").resolve())
    return folder


def stale(mutation):
    """What is to be said of a defect whose line has changed since."""
    times = (ROOT / mutation.path).read_text(encoding="utf-8").count(mutation.old)
    return None if times == 1 else f"{mutation.name}: {mutation.path} has its line {times} times, not once"


def caught(tree, mutation):
    """Whether a test fails with this defect; the tree is as before afterwards."""
    path = tree / mutation.path
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return not passes(tree, mutation.tests)
    finally:
        path.write_text(before, encoding="utf-8")


def main():
    """Print what is caught; the number of defects that aren't."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("-k", default="", metavar="WORD", help="only those whose name has this word")
    wanted = [one for one in MUTATIONS if parser.parse_args().k in one.name]
    if complaints := [said for one in wanted if (said := stale(one))]:
        sys.exit("\n".join(complaints))
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for tests in dict.fromkeys(one.tests for one in wanted):
            if not passes(tree, tests):
                sys.exit(f"{' '.join(tests)} fail before anything is broken")
            print(f"whole: {' '.join(tests)}", flush=True)
        for one in wanted:
            found = caught(tree, one)
            missed += not found
            print(f"{one.name:42s} {'caught' if found else 'NOT CAUGHT'}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
