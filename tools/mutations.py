"""Put defects that a user would notice into a copy of the tree, one at a time, and check that a test fails: `python -m tools.mutations`.

A mutation exchanges one line; the tests about that line run, those without a browser. The exit code is the number of mutations that
no test caught. CI doesn't run this, since it takes minutes. `-k WORD` takes only the mutations with that word in their name.
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
        name: The defect, as a user would notice it.
        path: The file.
        old: Its lines, which must occur exactly once.
        new: The lines in their place.
        tests: Tests that should fail: files for pytest, or for vitest where they end in `.ts`.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


MUTATIONS = (
    Mutation(
        "no refresh after undo",
        "kanwidget/explorer/commands/history.py",
        "    session.script.add(command)\n    return EVERYTHING\n\n\n@dataclass",
        "    session.script.add(command)\n    return frozenset()\n\n\n@dataclass",
        ("tests/unit/explorer/page/test_publisher.py",),
    ),
    Mutation(
        "no refresh after undo, in the page",
        "js/src/state/store.ts",
        "        if (message.replace) this.metrics.clear();\n",
        "",
        ("js/test/state/store.test.ts",),
    ),
    Mutation(
        "wrong axis order in curves",
        "kanwidget/explorer/session/samples.py",
        "value.permute(1, 2, 0)], -1).flatten(0, 1)",
        "value.permute(1, 2, 0)], -1).transpose(0, 1).flatten(0, 1)",
        ("tests/unit/explorer/page/test_publisher.py",),
    ),
    Mutation(
        "wrong axis order in surface",
        "kanwidget/explorer/describe/panels/surface.py",
        '{"z": z.view(-1, n), ',
        '{"z": z.view(-1, n).T, ',
        ("tests/unit/explorer/describe/test_panels.py",),
    ),
    Mutation(
        "smooth tails trained without held-out rows",
        "kanwidget/training/extension_trainings.py",
        'is not None or last.knots == "smooth":',
        "is not None:",
        ("tests/unit/training/test_extension.py",),
    ),
    Mutation(
        "weights of rows without effect on a formula",
        "kanwidget/symbolic/formulas/posed.py",
        "functions, weights, where, from_data=weights is not None)",
        "functions, None, where, from_data=False)",
        ("tests/unit/symbolic/test_fitted.py",),
    ),
    Mutation(
        "a perturbed formula that is another one",
        "kanwidget/surgery/perturb.py",
        '        if mode == "non-intrusive":',
        '        if mode == "minimal":',
        ("tests/unit/surgery/test_perturb.py",),
    ),
    Mutation(
        "queries on all threads",
        "kanwidget/core/threads.py",
        "        with one_thread(_work(",
        "        with one_thread(0 > _work(",
        ("tests/contracts/test_threads.py",),
    ),
    Mutation(
        "lamb not applied",
        "kanwidget/training/steps/networks.py",
        "        self.objective.penalize([settings.penalty()] * len(self.networks))\n",
        "",
        ("tests/unit/explorer/session/test_session.py",),
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
        ("tests/unit/explorer/files/test_html_report.py::test_names_stay_text",),
    ),
    Mutation(
        "hostile name unescaped, in the page",
        "js/src/ui/dom.ts",
        "if (node.textContent !== text) node.textContent = text;",
        "if (node.textContent !== text) node.innerHTML = text;",
        ("js/test/text/names.test.ts", "js/test/bars/errors.test.ts", "js/test/app/hosts.test.ts"),
    ),
    Mutation(
        "shortcuts of the host suppressed",
        "js/src/ui/keys.ts",
        'toggleAttribute("data-lm-suppress-shortcuts", !isHostKey(event));',
        'toggleAttribute("data-lm-suppress-shortcuts", true);',
        ("js/test/ui/keys.test.ts",),
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
        ("tests/unit/explorer/drivers/test_driver.py",),
    ),
    Mutation(
        "stale candidates",
        "kanwidget/explorer/session/candidates.py",
        "self._rankings.get((self._state, self.library), dict)",
        "self._rankings.get((0, self.library), dict)",
        ("tests/unit/explorer/session/test_session.py",),
    ),
    Mutation(
        "grid slider ignored",
        "kanwidget/explorer/commands/training.py",
        "        return commands if grid is None else [*commands, SetGrid(grid)]",
        "        return commands",
        ("tests/unit/explorer/drivers/test_router.py",),
    ),
    Mutation(
        "grid slider ignored, in the page",
        "js/src/bars/toolbar.ts",
        'commit: (value) => act.send({ kind: "set", settings: { grid: value } }),',
        "commit: () => null,",
        ("js/test/ui/sliders.test.ts", "js/test/bars/toolbar.test.ts"),
    ),
    Mutation(
        "code export drops a step",
        "kanwidget/explorer/session/script.py",
        "            self.entries.append(1)\n        self._cut = False",
        "            self.entries.append(0 if self._cut and len(self.entries) > 3 else 1)\n        self._cut = False",
        (
            "tests/unit/explorer/session/test_script.py::test_a_long_session_is_replayed_bit_for_bit[auto]",
            "tests/unit/explorer/session/test_script.py::test_steps_after_an_end_are_counted_apart",
        ),
    ),
    Mutation(
        "scans of atoms without nuisance columns",
        "kanwidget/discovery/engine/scans/regressions.py",
        "        block = block - (block @ q) @ q.T\n",
        "",
        ("tests/unit/discovery/engine/scans/test_regressions.py",),
    ),
    Mutation(
        "slopes of quotients with the wrong sign",
        "kanwidget/discovery/engine/trees.py",
        "(1 / b, -v / b)",
        "(1 / b, v / b)",
        ("tests/unit/discovery/engine/test_slopes.py", "tests/unit/discovery/engine/test_trees.py"),
    ),
    Mutation(
        "a smaller table of another target",
        "kanwidget/discovery/engine/reductions.py",
        "        y = whole.y / factor\n",
        "        y = whole.y * factor\n",
        ("tests/unit/discovery/engine/test_reductions.py",),
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
    """The command that runs these tests, and its folder."""
    if tests[0].endswith(".ts"):
        return ["npx", "vitest", "run", *(name.removeprefix("js/") for name in tests)], "js"
    return [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests], "."


def passes(tree, tests):
    """Whether the tests pass in a tree. Raises an error where they can't run."""
    words, folder = command(tests)
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(words, cwd=tree / folder, env=environment, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)} can't run:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.returncode == 0


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
    """A message for a mutation whose file, line or tests have changed; None if it still applies."""
    missing = [
        path
        for path in (mutation.path, *(test.partition("::")[0] for test in mutation.tests))
        if not (ROOT / path).is_file()
    ]
    if missing:
        return f"{mutation.name}: no file {', '.join(missing)}"
    times = (ROOT / mutation.path).read_text(encoding="utf-8").count(mutation.old)
    return None if times == 1 else f"{mutation.name}: {mutation.path} has its line {times} times, not once"


def caught(tree, mutation):
    """Whether a test fails with this defect. The tree is restored afterwards."""
    path = tree / mutation.path
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return not passes(tree, mutation.tests)
    finally:
        path.write_text(original, encoding="utf-8")


def main():
    """Print which mutations are caught; returns the number of the others."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("-k", default="", metavar="WORD", help="only those whose name has this word")
    word = parser.parse_args().k
    mutations = [mutation for mutation in MUTATIONS if word in mutation.name]
    if messages := [message for mutation in mutations if (message := stale(mutation))]:
        sys.exit("\n".join(messages))
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        for tests in dict.fromkeys(mutation.tests for mutation in mutations):
            if not passes(tree, tests):
                sys.exit(f"{' '.join(tests)} fail without any mutation")
            print(f"pass without a mutation: {' '.join(tests)}", flush=True)
        for mutation in mutations:
            detected = caught(tree, mutation)
            missed += not detected
            print(f"{mutation.name:42s} {'caught' if detected else 'NOT CAUGHT'}", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
