"""The answers of pykan 0.2.8's `hypothesis` functions to the same cases, with their own defaults."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import sympy

from tools.benchmarks._pykan import peer_kan, quiet
from tools.benchmarks.structure.answers import Answer, table
from tools.benchmarks.structure.cases import Case
from tools.benchmarks.structure.truth import Truth

#: Steps of its default optimizer, as in its notebook on the symmetries of a trained network.
_STEPS = 100
_FORMS: dict[str, Callable[[Any, Any], Any]] = {
    "x-y": lambda x, y: x - y,
    "x+y": lambda x, y: x + y,
    "x/y": lambda x, y: x / y,
    "xy": lambda x, y: x * y,
    "x^2+y^2": lambda x, y: x**2 + y**2,
}


def peer_answer(case: Case, noisy: bool, seed: int = 0) -> Answer:
    """Ask what the case asks; of a function without structure everything. It has no test of irrelevant columns."""
    started = time.process_time()
    if case.kind == "irrelevant":
        return Answer(False, True, 0, (), 0.0)
    with quiet():
        model, x = _subject(case, noisy, seed)
        claims = _claims(model, x, case)
    seconds = time.process_time() - started
    judged = claims(Truth(case))
    false = tuple(name for name, (claimed, right) in judged.items() if claimed and not right)
    return Answer(all(right for _, right in judged.values()), False, sum(c for c, _ in judged.values()), false, seconds)


def _subject(case: Case, noisy: bool, seed: int) -> tuple[Any, Any]:
    """The function, or pykan's network trained on the table, and points in its float32."""
    if not noisy:
        return lambda x: case(x)[:, None], case.points(500, seed).float()
    x, y = (part.float() for part in table(case, seed))
    data = {"train_input": x, "train_label": y.reshape(-1, 1), "test_input": x, "test_label": y.reshape(-1, 1)}
    model = peer_kan(width=[x.shape[1], 5, 1], seed=seed, auto_save=False)
    model.fit(data, steps=_STEPS)
    return model, x


def _claims(model: Any, x: Any, case: Case) -> Callable[[Truth], dict[str, tuple[bool, bool]]]:
    """Given the truth: for each question of the case whether pykan claims something, and whether its answer is right."""
    answers: dict[str, tuple[Any, Callable[[Truth], Any]]] = {}
    for mode, kind in (("add", "additive"), ("mul", "multiplicative")):
        if case.kind in (kind, "none"):
            answers[kind] = (
                _partition(model, x, mode, case.columns),
                lambda truth, kind=kind: _sets(getattr(truth, kind)),
            )
    if case.kind in ("compositional", "none"):
        groups = case.answer.split() or ["".join(p) for p in combinations(case.columns, 2) if len(case.columns) > 2]
        for group in groups:
            answers[group] = (
                _symmetric(model, x, group, case),
                lambda truth, group=group: bool(truth.compositional(group)),
            )
    if case.kind in ("symmetry", "none"):
        asked = case.answer.split() or [f"{a}{b}:{form}" for a, b in combinations(case.columns, 2) for form in _FORMS]
        for pair, form in (question.split(":") for question in asked):
            said = _through(model, x, pair, form, case)
            answers[f"{pair}:{form}"] = (said, lambda truth, pair=pair, form=form: bool(truth.symmetric(*pair, form)))
    return lambda truth: {name: _compared(said, true(truth)) for name, (said, true) in answers.items()}


def _compared(said: Any, true: Any) -> tuple[bool, bool]:
    """Whether something was claimed (a partition into one group is no claim), and whether the answer is right."""
    return (said if isinstance(said, bool) else len(said) > 1), said == true


def _sets(groups: Any) -> frozenset[frozenset[str]]:
    return frozenset(map(frozenset, groups))


def _partition(model: Any, x: Any, mode: str, columns: str) -> frozenset[frozenset[str]]:
    from kan.hypothesis import detect_separability

    try:
        groups = detect_separability(model, x, mode=mode)["groups"]
    except Exception:  # KeyError for linear functions
        return frozenset()
    return _sets([columns[int(number)] for number in group] for group in groups)


def _symmetric(model: Any, x: Any, group: str, case: Case) -> bool:
    from kan.hypothesis import test_symmetry

    return bool(test_symmetry(model, x, [case.columns.index(name) for name in group]))


def _through(model: Any, x: Any, pair: str, form: str, case: Case) -> bool:
    from kan.hypothesis import test_symmetry_var

    symbols = sympy.symbols(list(case.columns))
    x_, y_ = (symbols[case.columns.index(name)] for name in pair)
    cosines = test_symmetry_var(model, x, symbols, _FORMS[form](x_, y_))
    return bool((cosines > 0.9).float().mean() > 0.9)
