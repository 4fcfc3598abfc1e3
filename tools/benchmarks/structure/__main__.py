"""Structure tests on 60 functions whose structure is known and 20 without any. `python -m tools.benchmarks.structure` prints the table.

Clean: the function with its exact derivatives. Noisy: a table of 1,000 rows with 1 % noise, learned by an ensemble. `--who both` has
pykan's `hypothesis` functions beside it, with their own defaults, on the same questions. A claim is anything that was said to hold;
sympy says whether it does.
A function without structure is right if nothing was claimed of it. The seed of noisy tables is that of rows, noise and ensemble.

Measured (right answers; false claims of all claims):

    clean, 60 functions        60, 0 of 211     pykan 0.2.8: 47 of the 50 that it has a question for
    clean, 20 without any      20, 0            pykan: 17, with 9 false claims
    noisy, 20 tables, seed 0   20, 0 of 52      pykan: 5 of 16; the other answers are that nothing holds
    noisy, 20 tables, seed 1   20, 0 of 51
    noisy, 20 tables, seed 2   19, 0 of 51     the other one is undecided
    noisy, 20 without any      20, 0 (seed 0 and seed 1)

Seconds each on one core: clean 0.02, pykan 0.02 to 0.6; a table 5 to 10, most of it the training.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

import torch

from tools.benchmarks.structure.answers import Answer, answer
from tools.benchmarks.structure.cases import CASES, WITHOUT, Case
from tools.benchmarks.structure.peers import peer_answer


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("clean", "noisy", "all"), default="all")
    parser.add_argument(
        "--who", choices=("kanwidget", "pykan", "both"), default="kanwidget", help="pykan takes minutes"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true", help="every case that isn't right, and every false claim")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'':34}right      wrong  undecided  false claims   seconds each")
    for noisy in (False, True):
        if arguments.part in ("all", "noisy" if noisy else "clean"):
            parts = ([case for case in CASES if case.noisy or not noisy], WITHOUT)
            for who in ("kanwidget", "pykan") if arguments.who == "both" else (arguments.who,):
                for cases in parts:
                    run(who, cases, noisy, arguments.seed, arguments.verbose)


def run(who: str, cases: Sequence[Case], noisy: bool, seed: int, verbose: bool) -> None:
    """One line of the table for each kind of question, and one for all."""
    answers: dict[Case, Answer] = {}
    for case in cases:
        answers[case] = answer(case, noisy, seed) if who == "kanwidget" else peer_answer(case, noisy, seed)
        if verbose and (not answers[case].right or answers[case].false):
            state = "right" if answers[case].right else "undecided" if answers[case].undecided else "wrong"
            print(f"  {case.text} ({case.kind} {case.answer}): {state} {' / '.join(answers[case].false)}", flush=True)
    kinds = list(dict.fromkeys(case.kind for case in cases))
    for kind in kinds:
        _print(
            f"{who}, {'noisy' if noisy else 'clean'}, {kind}", [a for case, a in answers.items() if case.kind == kind]
        )
    if len(kinds) > 1:
        _print(f"{who}, {'noisy' if noisy else 'clean'}, all", list(answers.values()))


def _print(title: str, answers: Sequence[Answer]) -> None:
    right, undecided = sum(a.right for a in answers), sum(a.undecided and not a.right for a in answers)
    false, claims = sum(len(a.false) for a in answers), sum(a.claims for a in answers)
    seconds = statistics.mean(a.seconds for a in answers)
    wrong = len(answers) - right - undecided
    print(
        f"{title:34}{right:2} of {len(answers):2}  {wrong:5}  {undecided:9}  {false:4} of {claims:4}   {seconds:10.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
