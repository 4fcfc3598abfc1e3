"""Wrong arguments of public methods: the error is in our words, and names the argument and the method that was called."""

import re

import pytest
import torch

from kanwidget import KAN, Dataset, create_dataset, discover, register_primitive, search_architecture, sweep
from kanwidget.datasets import with_columns
from tests.support.networks import uniform

JUNK = {
    "None": None,
    "-1": -1,
    "1.5": 1.5,
    "text": "foo",
    "list": [],
    "nested": [[0, 99]],
    "object": object(),
    "nan": float("nan"),
}

#: Arguments that each method is called with where the junk doesn't stand.
METHODS = {
    "fit": {
        "data": None,
        "opt": "LM",
        "steps": 1,
        "lamb": 0.0,
        "callbacks": (),
        "validation": None,
        "lr": None,
        "batch": None,
        "metrics": None,
        "loss": None,
        "sample_weight": None,
        "update_grid": False,
        "reg_metric": "edge_forward_spline_n",
    },
    "predict": {"data": None},
    "score": {"data": None},
    "code": {"language": "c", "name": "predict"},
    "plot_terms": {"data": None},
    "learn_scales": {"x": None, "y": None},
    "edge_curve": {"l": 0, "i": 0, "j": 0, "x": None, "data": None},
    "refine": {"grid": 5, "knots": "insert", "data": None},
    "update_grid": {"data": None, "grid_eps": None},
    "prune": {"node_th": 1e-2, "edge_th": 3e-2, "data": None},
    "prune_node": {"threshold": 1e-2, "active": None, "data": None},
    "prune_edge": {"threshold": 1e-2, "data": None},
    "prune_input": {"threshold": 1e-2, "active": None, "data": None},
    "expand_width": {"level": 1, "n": 1, "mult_arity": 2},
    "expand_depth": {"level": None},
    "remove_edge": {"l": 0, "i": 0, "j": 0},
    "restore_edge": {"l": 0, "i": 0, "j": 0},
    "remove_node": {"level": 1, "node": 0, "data": None},
    "perturb": {"mag": 0.1, "mode": "all", "seed": 0, "data": None},
    "isolate": {"level": 0, "chain": [[0], [1]]},
    "auto_swap": {"level": 1, "data": None},
    "connection_cost": {"data": None},
    "column_effects": {"data": (uniform(20, 2), uniform(20, 1)), "level": 0.01, "seed": 0},
    "plot_scores": {"l": 1, "i": 0, "data": None, "in_vars": None, "top": 5},
    "swap": {"level": 1, "i1": 0, "i2": 1},
    "lock": {"l": 0, "edges": [(0, 0), (1, 0)]},
    "unlock": {"l": 0, "edges": [(0, 0), (1, 0)]},
    "freeze": {"l": 0, "i": 0, "j": 0},
    "unfreeze": {"l": 0, "i": 0, "j": 0},
    "suggest_symbolic": {
        "l": 0,
        "i": 0,
        "j": 0,
        "lib": ["x"],
        "topk": 3,
        "data": None,
        "simplicity": 0.5,
        "weight_simple": None,
    },
    "fix_symbolic": {"l": 0, "i": 0, "j": 0, "name": "sin", "params": None, "data": None},
    "unfix_symbolic": {"l": 0, "i": 0, "j": 0},
    "auto_symbolic": {"lib": ["x"], "data": None, "simplicity": 0.5, "weight_simple": None, "r2_threshold": 0.9},
    "symbolic_formula": {"var": None, "input_scaler": None, "output_scaler": None, "simplify": False, "round": None},
    "formula": {"var": None, "round": None},
    "fit_formula": {"data": None, "var": None},
    "attribute": {"l": 1, "i": 0, "data": None},
    "feature_interaction": {"l": None, "data": None, "neuron_th": 0.1, "feature_th": 0.1},
    "save": {"path": None},
    "export": {"path": None},
    "load": {"path": None},
}
CALLS = [(method, argument) for method, arguments in METHODS.items() for argument in arguments]
#: Messages that are as clear without the grammar: of files, and refusals of the whole network.
OTHER_WORDS = r"there is no (file|folder) |is a folder"


def ours(error):
    """Whether an error is in our words."""
    return re.search(rf"the `.+` argument of \S+ must be .+; got |{OTHER_WORDS}", str(error)) is not None


@pytest.fixture(scope="module")
def fitted():
    model = KAN([2, 2, 1], seed=1)
    model.fit((uniform(30, 2), uniform(30, 1)), steps=1, progress=False)
    return model


@pytest.mark.parametrize(("method", "argument"), CALLS, ids=[".".join(call) for call in CALLS])
def test_junk_is_refused_in_our_words_or_means_something(method, argument, fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    foreign = []
    for kind, junk in JUNK.items():
        arguments = {**METHODS[method], argument: junk}
        if method == "fit":
            arguments["progress"] = False
            if argument != "data":
                arguments["data"] = (uniform(10, 2), uniform(10, 1))
        try:
            getattr(fitted.refine(3), method)(**arguments)
        except (ValueError, TypeError, KeyError, FileNotFoundError, IsADirectoryError) as error:
            if not ours(error):
                foreign.append(f"{method}({argument}={kind}): {type(error).__name__}: {error}")
    assert not foreign


MAKERS = {
    KAN: {
        "width": [2, 1],
        "grid": 3,
        "k": 3,
        "mult_arity": 2,
        "base_fun": "silu",
        "grid_range": (-1, 1),
        "grid_eps": 0.5,
        "noise_scale": 1.0,
        "seed": 0,
        "dtype": torch.float64,
        "device": "cpu",
    },
    create_dataset: {
        "f": lambda x: x[:, [0]],
        "n_var": 2,
        "f_mode": "col",
        "ranges": (-1, 1),
        "train_num": 5,
        "test_num": 5,
        "seed": 0,
    },
    Dataset: {
        "train_input": [[0.0], [1.0]],
        "train_label": [[0.0], [1.0]],
        "test_input": None,
        "in_vars": (),
        "out_vars": (),
    },
    sweep: {
        "space": {"grid": [1]},
        "data": ([[0.0], [1.0]], [0.0, 1.0]),
        "seeds": 1,
        "n_jobs": 1,
        "backend": "local",
        "progress": False,
        "width": [1, 1],
        "steps": 1,
    },
    search_architecture: {
        "data": ([[0.0], [1.0]], [0.0, 1.0]),
        "budget": 1,
        "target": None,
        "starts": 1,
        "steps": 1,
        "seed": 0,
        "progress": False,
    },
    discover: {
        "data": [[0.0], [1.0], [2.0]],
        "y": [0.0, 1.0, 4.0],
        "target": None,
        "seconds": 1,
        "steps": 1,
        "seed": 0,
        "units": None,
        "lib": None,
        "max_complexity": 40,
        "loss": "mse",
        "weights": None,
        "progress": False,
        "n_jobs": 1,
        "callbacks": (),
    },
    Dataset.from_arrays: {"x": [[0.0], [1.0]], "y": [[0.0], [1.0]], "test_fraction": 0.2, "seed": 0},
    with_columns: {"data": ([[0.0], [1.0]], [0.0, 1.0]), "columns": {"a": "x_1"}, "b": "2*x_1"},
}
MADE = [(maker, argument) for maker, arguments in MAKERS.items() for argument in arguments]


@pytest.mark.parametrize(("maker", "argument"), MADE, ids=[f"{m.__name__}.{argument}" for m, argument in MADE])
def test_what_is_made_of_junk(maker, argument):
    foreign = []
    for kind, junk in JUNK.items():
        try:
            maker(**{**MAKERS[maker], argument: junk})
        except (ValueError, TypeError) as error:
            if not ours(error):
                foreign.append(f"{argument}={kind}: {type(error).__name__}: {error}")
    assert not foreign


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.prune_node(active=[0]), "`active` argument of prune_node must be a list of 1 lists"),
        (lambda m: m.prune_input(active=3), "`active` argument of prune_input must be a list of inputs; got 3"),
        (lambda m: m.lock(0, 3), r"`edges` argument of lock must be a list of pairs \(i, j\); got 3"),
        (lambda m: m.fix_symbolic(0, 0, 0, "sin", params=5), "`params` argument of fix_symbolic must be four numbers"),
        (lambda m: m.fix_symbolic(0, 0, 0, "sine"), "`name` argument of fix_symbolic .* Did you mean 'sin'"),
        (
            lambda m: m.suggest_symbolic(0, 0, 0, lib="sin"),
            "`lib` argument of suggest_symbolic must be a list of names",
        ),
        (
            lambda m: m.suggest_symbolic(0, 0, 0, lib=[]),
            "`lib` argument of suggest_symbolic must be a list of at least one",
        ),
        (lambda m: m.auto_symbolic(lib=["sine"]), "`lib` argument of auto_symbolic .* Did you mean 'sin'"),
        (lambda m: m.formula(round=-1), "`round` argument of formula must be an integer ≥ 1; got -1"),
        (lambda m: m.attribute(data=[[1.0, float("nan")]]), "`data` argument of attribute must be finite in row 0"),
        (lambda m: KAN([2, 1]).prune(), "`data` argument of prune must be given for a model that wasn't fitted"),
        (lambda m: m.save("/nonexistent/a.kan"), "there is no folder /nonexistent for /nonexistent/a.kan"),
        (lambda m: KAN([1, 1], device="foo"), "`device` argument of KAN must be 'cpu' or another device .* got 'foo'"),
        (lambda m: create_dataset("x"), "`f` argument of create_dataset must be a function .* got 'x'"),
        (
            lambda m: KAN([1, 2]).fit(([[0.0], [1.0]], [[0], [1]]), progress=False),
            r"labels with 2 columns, .* pass them as a vector of integers: y\[:, 0\]",
        ),
        (lambda m: register_primitive("a", torch.sin, intervals=()), "`intervals` argument of register_primitive"),
        (lambda m: register_primitive("a", torch.sin, intervals=((1, 0),)), "with low < high; got .*1, 0"),
        (
            lambda m: register_primitive("a", torch.sin, free=(1,)),
            "`free` argument of register_primitive must be two of",
        ),
    ],
)
def test_what_is_said(call, message, fitted):
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=message) as caught:
        call(fitted)
    assert ours(caught.value)


@pytest.mark.parametrize("device", ["cuda:99"] if torch.cuda.is_available() else ["cuda", "cuda:99"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(ValueError, match=rf"`device` argument of KAN must be .* got '{device}'"):
        KAN([1, 1], device=device)


def test_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([[1.0, 2.0, 3.0], [2.0, 3.0, 5.0]], columns=["a", "b", "y"])
    with pytest.raises(TypeError, match=r"`target` argument of Dataset\.from_frame must be the name of a column"):
        Dataset.from_frame(frame, None)
    frame.columns = ["a", "a", "y"]
    with pytest.raises(
        ValueError, match=r"`df` argument of Dataset\.from_frame must be .* different names; got \['a'\]"
    ):
        Dataset.from_frame(frame, "y")
