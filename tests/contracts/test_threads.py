"""Every public call on a small network uses one of torch's threads, and gives the caller's number back."""

import inspect
import sys
import threading

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import sympy
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import kanwidget
from kanwidget import KAN
from kanwidget.core import threads
from kanwidget.core.threads import limit_threads, one_thread
from tests.contracts.test_queries import QUERIES
from tests.support.networks import made_once, uniform

mpl.use("Agg")

X = sympy.symbols("x")
TABLE = np.linspace(-1, 1, 40).reshape(20, 2)
#: Every method of KAN that changes something or makes a network or a file, with a call of it.
CHANGES = {
    "from_formula": lambda model, x: KAN.from_formula(sympy.sin(X)),
    "update_grid": lambda model, x: model.update_grid(),
    "remove_edge": lambda model, x: model.remove_edge(0, 0, 0),
    "restore_edge": lambda model, x: (model.remove_edge(0, 0, 0), model.restore_edge(0, 0, 0)),
    "swap": lambda model, x: model.swap(1, 0, 1),
    "auto_swap": lambda model, x: model.auto_swap(),
    "isolate": lambda model, x: model.isolate(0, [[0], [1]]),
    "lock": lambda model, x: model.lock(0, [(0, 0), (1, 0)]),
    "merge_levels": lambda model, x: model.merge_levels("w", [["a", "b"]]),
    "suggest_merges": lambda model, x: model.suggest_merges("w"),
    "unlock": lambda model, x: (model.lock(0, [(0, 0), (1, 0)]), model.unlock(0, [(0, 0), (1, 0)])),
    "freeze": lambda model, x: model.freeze(0, 0, 0),
    "unfreeze": lambda model, x: model.unfreeze(0, 0, 0),
    "fix_symbolic": lambda model, x: model.fix_symbolic(0, 0, 0, "sin"),
    "unfix_symbolic": lambda model, x: (model.fix_symbolic(0, 0, 0, "sin"), model.unfix_symbolic(0, 0, 0)),
    "auto_symbolic": lambda model, x: model.auto_symbolic(lib=["x", "sin"]),
    "formula": lambda model, x: (model.auto_symbolic(lib=["x"], r2_threshold=-1e9), model.formula()),
    "fit_formula": lambda model, x: (
        model.auto_symbolic(lib=["x"], r2_threshold=-1e9),
        model.fit_formula((TABLE, TABLE[:, :1])),
    ),
    "feature_interaction": lambda model, x: model.feature_interaction(),
    "plot_edge": lambda model, x: model.plot_edge(0, 0, 0),
    "code": lambda model, x: model.code("c"),
    "export": lambda model, x: model.export("model.py"),
    "save": lambda model, x: model.save("model.kan"),
    "load": lambda model, x: (model.save("model.kan"), KAN.load("model.kan")),
}
#: Those that a network of words is asked.
OF_WORDS = {"merge_levels", "suggest_merges"}
#: Shape and single passes through a network: they stay free of overhead, as torch's own modules are.
PASSES = {"forward", "trace", "scaled_trace", "curve", "select", "combine"}
SHAPE = {
    *("k", "grid", "depth", "n_in", "n_out", "n_parameters", "dtype", "device"),
    *("layer", "nodes_in", "subnodes_of", "node_of", "edge_refs", "check_edge"),
    *("input_scale", "output_scale", "edge_units"),
    *("get_extra_state", "set_extra_state", "take_names", "learn_scales"),
}
#: They follow the same rule step by step, so that callbacks of the user have all threads.
TRAININGS = {"fit", "fit_steps", "fit_residual", "prune_residual", "extend"}
CALLS = {
    name: QUERIES[name]
    for name in QUERIES
    if name.split()[0] not in PASSES | SHAPE | {"__call__", "__repr__", "state_dict"}
}
CALLS |= CHANGES


class ThreadsOfOperations(TorchDispatchMode):
    """The numbers of threads with which torch's operations were carried out."""

    def __init__(self):
        super().__init__()
        self.numbers = set()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.numbers.add(torch.get_num_threads())
        return function(*args, **(kwargs or {}))


@made_once
def fitted():
    model = KAN([2, 3, 1], seed=1)
    x = uniform(40, 2)
    model.fit((x, x[:, [0]] * x[:, [1]]), steps=2, progress=False)
    return model


@made_once
def words():
    frame = {"w": list("abc") * 8, "y": [0.0, 0.5, 2.0] * 8}
    model = KAN.for_data(frame, "y")
    model.fit((frame, "y"), steps=4, progress=False)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_a_public_call_on_a_small_network_uses_one_thread(name, two_threads, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, x = words() if name in OF_WORDS else fitted(), uniform(20, 2, seed=2)
    with ThreadsOfOperations() as seen:
        CALLS[name](model, x)
    plt.close("all")
    assert seen.numbers <= {1}
    assert torch.get_num_threads() == 2


def test_no_public_method_is_forgotten():
    classes = [cls for cls in KAN.__mro__ if cls.__module__.startswith("kanwidget.")]
    own = {name for cls in classes for name in vars(cls) if not name.startswith("_")}
    assert own - PASSES - SHAPE - TRAININGS <= {name.split()[0] for name in CALLS}


@pytest.mark.parametrize("name", ["predict", "prune", "attribute", "suggest_symbolic"])
def test_large_work_keeps_all_threads(name, two_threads, monkeypatch):
    model, x = fitted(), uniform(20, 2, seed=2)
    monkeypatch.setattr(threads, "_SMALL_WORK", 100)
    with ThreadsOfOperations() as seen:
        CALLS[name](model, x)
    assert seen.numbers == {2}


@pytest.mark.parametrize(
    "data",
    [
        torch.zeros(7, 2),
        [[0.0, 0.0]] * 7,
        (torch.zeros(7, 2), torch.zeros(7, 1)),
        {"train_input": torch.zeros(7, 2), "train_label": torch.zeros(7, 1)},
        kanwidget.Dataset(torch.zeros(7, 2), torch.zeros(7, 1)),
    ],
    ids=["tensor", "list", "pair", "dict", "Dataset"],
)
def test_the_rows_of_all_kinds_of_data_count(data, two_threads, monkeypatch):
    monkeypatch.setattr(threads, "_SMALL_WORK", 7 * threads._FORMULA_PARAMETERS)
    assert limit_threads(lambda data: torch.get_num_threads())(data) == 2
    monkeypatch.setattr(threads, "_SMALL_WORK", 8 * threads._FORMULA_PARAMETERS)
    assert limit_threads(lambda data: torch.get_num_threads())(data) == 1


@pytest.mark.parametrize("value", [None, 3, "text", torch.tensor(1.0), iter([1]), object(), KAN])
def test_other_arguments_have_no_rows(value, two_threads):
    assert limit_threads(lambda argument: torch.get_num_threads())(value) == 1


class WithoutLength:
    """As an array of dask whose chunks have no known size."""

    def __len__(self):
        raise ValueError("unknown chunk size")

    def __array__(self, dtype=None, copy=None):
        return np.zeros((3, 2))


def test_data_without_a_length_are_read(two_threads):
    assert fitted().predict(WithoutLength()).shape == (3, 1)


def test_errors_name_a_property():
    for name in ("feature_score", "node_scores", "edge_scores"):
        prop = inspect.getattr_static(KAN, name)
        assert prop.__doc__
        if hasattr(prop, "__name__"):  # Python 3.13
            assert prop.__name__ == name
        with pytest.raises(AttributeError, match=name if sys.version_info >= (3, 11) else ""):
            setattr(fitted(), name, 0)


def test_the_number_comes_back_after_an_error_and_after_nested_calls(two_threads):
    model = fitted()
    with pytest.raises(ValueError, match="`j` argument"):
        model.suggest_symbolic(0, 0, 9)
    assert torch.get_num_threads() == 2
    with one_thread():
        with one_thread():
            model.prune()
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_calls_on_one_thread_of_python_leave_the_others_alone(two_threads):
    """As when a person asks while the explorer trains on its own thread."""
    model, inside, done = fitted(), threading.Event(), threading.Event()

    def train():
        torch.set_num_threads(2)
        with one_thread():
            inside.set()
            done.wait(60)
            numbers.append(torch.get_num_threads())
        numbers.append(torch.get_num_threads())

    numbers = []
    trainer = threading.Thread(target=train)
    trainer.start()
    inside.wait(60)
    model.suggest_symbolic(0, 0, 0, lib=["x"])
    assert torch.get_num_threads() == 2
    done.set()
    trainer.join()
    assert numbers == [1, 2]


def test_free_functions_that_compute_are_limited():
    """Those that a network or data are passed to. The others only write, or work on numbers and expressions."""
    from kanwidget import formulas, growth, insight, simplification, surgery, symbolic
    from kanwidget.insight import plot

    unlimited = set()
    for room in (kanwidget.core, growth, insight, plot, surgery, symbolic, simplification, formulas):
        for name in room.__all__:
            function = getattr(room, name)
            if inspect.isfunction(function) and not hasattr(function, "__wrapped__"):
                unlimited.add(name)
    assert unlimited == {
        *("primitive", "register_primitive", "prepare", "plan", "plot_history"),
        *("candidate_tree", "math_tree", "tidy", "to_latex", "to_numpy", "to_python", "to_text"),
        *("ex_round", "numeric_functions", "function_names", "noise_of", "reseed", "shown", "hand_over"),
        # Generators: `auto_symbolic`, `simplify` and the explorer limit their steps.
        *("auto_symbolic_steps", "simplify_steps", "form_steps", "richer_networks", "grow_steps"),
    }


def test_a_formula_is_fitted_on_one_thread(two_threads):
    from kanwidget.symbolic import refit, snap_constants

    x = uniform(30, 1)
    y = torch.sin(x)
    with ThreadsOfOperations() as seen:
        refit(1.2 * sympy.sin(X), [X], x, y)
        snap_constants(1.0001 * sympy.sin(X), [X], x, y)
    assert seen.numbers == {1}
