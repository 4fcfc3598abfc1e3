"""The answers of `kanwidget.structure` to the cases, and how many of its claims are false."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import combinations

import torch

from kanwidget.structure import Finding, Structure, examine
from tools.benchmarks.structure.cases import Case
from tools.benchmarks.structure.truth import Truth

#: Rows of a table, and its noise as a part of the target's standard deviation.
ROWS, NOISE = 1000, 0.01
#: Points at which an exact function is examined.
POINTS = 500


@dataclass(frozen=True)
class Answer:
    """What was said to a case."""

    right: bool
    undecided: bool
    """Not right, but nothing wrong was said: the question was left open."""
    claims: int
    """Structures that were said to hold, of any kind."""
    false: tuple[str, ...]
    """Those that don't."""
    seconds: float
    """Of the processor, on one core."""


def table(case: Case, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and noisy labels of a case."""
    x = case.points(ROWS, seed)
    y = case(x)
    noise = torch.randn(ROWS, generator=torch.Generator().manual_seed(seed + 1), dtype=torch.float64)
    return x, y + NOISE * y.std() * noise


def answer(case: Case, noisy: bool, seed: int = 0) -> Answer:
    """Examine a function, or a table of it, and judge all that is said."""
    started = time.process_time()
    structure = examine(table(case, seed), seed=seed) if noisy else examine(case, case.points(POINTS, seed))
    verdict = _judged(case, structure)
    summary = structure.summary()
    seconds = time.process_time() - started
    truth = Truth(case)
    holding = [finding for finding in summary if finding.holds and _says_something(finding)]
    false = tuple(repr(finding) for finding in holding if not _is_true(truth, finding))
    right = verdict == "right" and not (case.kind == "none" and holding)
    return Answer(right, verdict == "undecided", len(holding), false, seconds)


def _judged(case: Case, structure: Structure) -> str:
    """`right`, `wrong` or `undecided`."""
    if case.kind in ("additive", "multiplicative"):
        finding = structure.additive() if case.kind == "additive" else structure.multiplicative()
        return _partition_judged(finding, case)
    if case.kind == "irrelevant":
        findings = structure.irrelevant()
        return _verdicts_judged({f: _letters(f, 0) in case.answer for f in findings})
    if case.kind == "compositional":
        return _verdicts_judged({structure.compositional(_names(group)): True for group in case.answer.split()})
    if case.kind == "symmetry":
        asked = [pair.split(":") for pair in case.answer.split()]
        return _verdicts_judged({structure.symmetry(*_names(pair), form): True for pair, form in asked})
    return "right" if not any(map(_says_something, structure.summary().holding)) else "wrong"


def _partition_judged(finding: Finding, case: Case) -> str:
    groups = "|".join(_letters(finding, number) for number in range(len(finding.groups)))
    if groups == case.answer and finding.verdict == ("holds" if "|" in groups else "fails"):
        return "right"
    return "undecided" if finding.verdict == "undecided" else "wrong"


def _verdicts_judged(truth: dict[Finding, bool]) -> str:
    if all(finding.verdict == ("holds" if true else "fails") for finding, true in truth.items()):
        return "right"
    wrong = any(f.verdict != "undecided" and f.holds != true for f, true in truth.items())
    return "wrong" if wrong else "undecided"


def _names(letters: str) -> list[str]:
    """The columns x_1, … of letters; tables have no names."""
    return [f"x_{'xyzw'.index(letter) + 1}" for letter in letters]


def _letters(finding: Finding, number: int) -> str:
    return "".join("xyzw"[int(name.removeprefix("x_")) - 1] for name in finding.groups[number])


def _says_something(finding: Finding) -> bool:
    """A partition into one group is no claim."""
    return finding.kind not in ("additive", "multiplicative") or len(finding.groups) > 1


def _is_true(truth: Truth, finding: Finding) -> bool:
    groups = [_letters(finding, number) for number in range(len(finding.groups))]
    if finding.kind == "irrelevant":
        return groups[0] in truth.irrelevant
    if finding.kind == "compositional":
        return truth.compositional(groups[0])
    if finding.kind == "symmetry":
        return truth.symmetric(*groups[0], finding.form)
    return _splits(truth.additive if finding.kind == "additive" else truth.multiplicative, groups)


def _splits(true: tuple[tuple[str, ...], ...], groups: list[str]) -> bool:
    """Whether the groups keep apart only what the finest partition does."""
    together = [pair for group in true for pair in combinations(group, 2)]
    return all(
        any(a in group and b in group for group in groups) for a, b in together if _in(a, groups) and _in(b, groups)
    )


def _in(letter: str, groups: list[str]) -> bool:
    return any(letter in group for group in groups)
