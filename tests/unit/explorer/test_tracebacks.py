"""A refusal is raised where the explorer was called, with its message and type; defects keep their whole traceback."""

import traceback

import pytest

from kanwidget import KAN, KANExplorer, _check


@pytest.fixture(params=["blocking", "thread"])
def explorer(request, model, data):
    with KANExplorer(model, data, driver=request.param, lib=["x", "sin", "x^2"]) as explorer:
        explorer.step()
        yield explorer


def frames(error):
    return [frame.filename.rpartition("/")[2] for frame in traceback.extract_tb(error.__traceback__)]


def set_lamb(explorer):
    explorer.lamb = -1


REFUSED = {
    "no such edge": (ValueError, lambda e: e.fix("sin", edge=(9, 9, 9))),
    "no such function": (ValueError, lambda e: e.fix("sine", edge=(0, 0, 0))),
    "no such arguments": (TypeError, lambda e: e.fix(9, 9, 9, "sin")),
    "no such state": (ValueError, lambda e: e.goto(99)),
    "no such problem": (ValueError, lambda e: KANExplorer.demo("sine")),
    "no such option": (ValueError, lambda e: KANExplorer(KAN([2, 1]), 3, validation=None)),
    "no data": (TypeError, lambda e: KANExplorer(KAN([2, 1]), 3)),
    "a setting": (ValueError, set_lamb),
    "a number": (ValueError, lambda e: e.step(0)),
    "one method within another": (ValueError, lambda e: KANExplorer.demo(lamb=-1)),
    "for ever": (RuntimeError, lambda e: KANExplorer(e.model, e._session.data, driver="blocking").start()),
    "no folder": (FileNotFoundError, lambda e: e.save_svg("/no/such/folder/a.svg")),
    "no file": (FileNotFoundError, lambda e: KANExplorer.load("/no/such/file.json")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_short(explorer, name):
    kind, call = REFUSED[name]
    with pytest.raises(kind) as caught:
        call(explorer)
    assert type(caught.value) is kind
    # pytest's own, the line of the caller (its lambda), the boundary
    assert frames(caught.value)[2:] == ["_refusals.py"]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_closed_explorer_says_so_shortly(explorer):
    explorer.close()
    with pytest.raises(RuntimeError, match="was closed") as caught:
        explorer.undo()
    assert frames(caught.value) == ["test_tracebacks.py", "_refusals.py"]


def test_defects_keep_their_traceback(explorer, monkeypatch):
    def broken(_):
        raise KeyError("a defect")

    monkeypatch.setattr(explorer._session, "apply", broken)
    with pytest.raises(KeyError) as caught:
        explorer.undo()
    assert "driver.py" in frames(caught.value)


def test_what_passes_through_code_of_the_user_keeps_its_traceback(explorer):
    def callback(_):
        _check.fail("x", "callback", "another", 1)

    explorer.on_step(callback)
    with pytest.raises(ValueError, match="callback") as caught:
        explorer.step()
    assert frames(caught.value).count("test_tracebacks.py") == 2


def test_methods_are_documented_as_before():
    assert "primitive's name" in KANExplorer.fix.__doc__
    assert "penalty" in KANExplorer.lamb.__doc__
    with pytest.raises(AttributeError):
        KANExplorer.history.__set__(None, 1)
