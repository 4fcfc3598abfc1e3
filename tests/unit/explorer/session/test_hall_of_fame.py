"""The hall of fame: formulas of several searches, each with a number that stays."""

import torch

from kanwidget.explorer.session.states import hall_of_fame
from kanwidget.explorer.session.states.hall_of_fame import HallFormula, HallOfFame


def formula(source, complexity, train_error):
    return HallFormula(source, complexity, 2 * train_error, train_error, {}, torch.zeros(1))


def sources(hall):
    return [one.source for one in hall.front]


def test_a_search_shows_its_own_front_whatever_the_errors():
    hall = HallOfFame()
    hall.begin()
    hall.show([formula("a", 1, 0.5), formula("b", 3, 0.6)], "b")
    assert (sources(hall), hall.best) == (["a", "b"], "b")
    hall.show([formula("c", 1, 0.1)])
    assert (sources(hall), hall.best) == (["c"], "")


def test_two_searches_keep_what_the_other_does_not_beat():
    hall = HallOfFame()
    hall.begin()
    hall.show([formula("a", 1, 0.5), formula("b", 4, 0.2), formula("c", 9, 0.1)])
    hall.begin()
    hall.show([formula("a", 1, 0.5), formula("d", 3, 0.2), formula("e", 12, 0.15)])
    # b is beaten by d, e by c.
    assert sources(hall) == ["a", "d", "c"]
    assert [one.number for one in hall.front] == [0, 3, 2]


def test_what_was_shown_can_be_asked_for_until_it_is_long_ago(monkeypatch):
    monkeypatch.setattr(hall_of_fame, "_MOST_PAST", 2)
    hall = HallOfFame()
    hall.begin()
    for name in "abcd":
        hall.show([formula(name, 1, 0.5)])
    assert hall.formula(0) is None
    assert [hall.formula(number).source for number in (1, 2, 3)] == ["b", "c", "d"]
    hall.show([formula("a", 1, 0.5)])
    assert hall.front[0].number == 4  # a number never stands for two formulas
