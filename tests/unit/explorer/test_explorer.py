"""`KANExplorer` from Python: what is not said elsewhere."""

import re
import sys

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer, create_dataset
from kanwidget.explorer.page.publisher import Publisher


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


@pytest.mark.slow
def test_the_promised_lines(data):
    with KANExplorer(KAN([2, 3, 1], seed=1), data) as explorer:
        explorer.start()
        explorer.pause()
        explorer.wait()
        explorer.fit(steps=5)
        explorer.lamb = 1e-2
        explorer.grid = 10
        explorer.select(0, 0, 0)
        best = explorer.candidates()[0]
        explorer.fix(best.name)
        explorer.undo()
        explorer.auto_symbolic(-10)
        assert explorer.formula.free_symbols
        assert explorer.history.last.step >= 5
        assert explorer.model.grid == 10


def test_candidates_of_an_edge_that_is_named_in_either_way(explorer):
    assert explorer.candidates(0, 1, 2) == explorer.candidates((0, 1, 2)) == explorer.candidates(edge=(0, 1, 2))
    with pytest.raises(ValueError, match="edge"):
        explorer.candidates(0, 1)


def test_acts_on_one_edge_take_it_in_either_way(explorer):
    for edge in ((0, 1, 2), ((0, 1, 2),)):
        explorer.fix("sin", edge=(0, 1, 2))
        explorer.unfix(*edge)
        assert explorer.model.layer(0).state(1, 2) == "spline"
        explorer.freeze(*edge)
        explorer.unfreeze(*edge)
    for bad in ((0,), (0, 1), (0, 1, 2, 3), ((0, 1, 2), 3)):
        with pytest.raises(ValueError, match="`edge` argument of unfix must be three indices"):
            explorer.unfix(*bad)


def test_what_is_no_data_is_told_by_the_name_that_was_called():
    with pytest.raises(TypeError, match="`data` argument of KANExplorer must be a Dataset"):
        KANExplorer(KAN([2, 1]), 3)


def test_repr_says_what_is(explorer):
    explorer.fit(3)
    assert re.fullmatch(r"KANExplorer\(\[2, 3, 1\], step=3, train=\S+, test=\S+, done\)", repr(explorer))
    explorer.fix("sin", edge=(0, 0, 0))
    assert "paused" in repr(explorer)


def test_repr_of_products_and_without_test_data():
    data = Dataset(torch.rand(20, 2), torch.rand(20, 1))
    with KANExplorer(KAN([2, [1, 1], 1]), data) as explorer:
        assert re.fullmatch(r"KANExplorer\(\[2, \[1, 1\], 1\], step=0, train=\S+, idle\)", repr(explorer))


def test_select_takes_one_or_many_or_none(explorer):
    explorer.select(0, 1, 2)
    assert explorer._session.view.selection == ((0, 1, 2),)
    explorer.select((0, 0, 0), [1, 2, 0])
    assert explorer._session.view.selection == ((0, 0, 0), (1, 2, 0))
    explorer.select()
    assert explorer._session.view.selection == ()
    with pytest.raises(ValueError, match="selected before"):
        explorer.fix("sin")
    with pytest.raises(ValueError, match="three indices"):
        explorer.select(0, 1)
    with pytest.raises(ValueError, match="edge"):
        explorer.fix("sin", edge=3)


def test_pruning_no_edges_is_refused_rather_than_meant_for_all(explorer):
    before = len(explorer.states)
    with pytest.raises(ValueError, match=r"`edges` argument of prune must be a list of at least one edge .* got \[\]"):
        explorer.prune(edges=[])
    assert len(explorer.states) == before


@pytest.mark.parametrize(
    ("use", "name"),
    [
        (lambda e: e.prune(node=(1,)), "node"),
        (lambda e: e.prune(node=1), "node"),
        (lambda e: e.prune(edges=3), "edges"),
        (lambda e: e.lock(0, 3), "edges"),
        (lambda e: e.lock(0, [0, 1]), "edges"),
        (lambda e: e.unlock("0", [(0, 1)]), "l"),
        (lambda e: e.goto([1]), "state"),
        (lambda e: e.wait(timeout="a"), "timeout"),
        (lambda e: e.wait(timeout=-1), "timeout"),
    ],
)
def test_wrong_arguments_are_named(explorer, use, name):
    with pytest.raises(ValueError, match=f"the `{name}` argument of .* must be .*; got "):
        use(explorer)


@pytest.mark.parametrize("name", ["validation", "callbacks", "progress"])
def test_what_only_fit_has_is_named(model, data, name):
    with pytest.raises(ValueError, match=f"the `{name}` argument of KANExplorer must be left out; got .*\\. .+"):
        KANExplorer(model, data, **{name: [1]})


def test_callbacks_may_end_themselves_and_be_ended_twice(explorer):
    seen = []

    def once(record):
        seen.append(record.step)
        stop()

    stop = explorer.on_step(once)
    other = explorer.on_step(seen.append)
    again = explorer.on_step(seen.append)
    explorer.step(2)
    assert [type(one).__name__ for one in seen] == ["StepRecord", "StepRecord", "int", "StepRecord", "StepRecord"]
    stop()
    other()
    other()
    seen.clear()
    explorer.step()
    assert len(seen) == 1
    again()


def test_settings_are_checked(explorer):
    for name, value in (("lamb", -1), ("lamb", float("nan")), ("grid", 0), ("grid", 2.5), ("opt", "lm"), ("lr", 0)):
        before = getattr(explorer, name)
        with pytest.raises(ValueError, match=name):
            setattr(explorer, name, value)
        assert getattr(explorer, name) == before
    explorer.lr = 0.5
    assert explorer.lr == 0.5


def test_history_leaves_as_columns(explorer):
    explorer.fit(3)
    assert explorer.to_dict()["step"] == [1, 2, 3]
    frame = explorer.to_pandas()
    assert list(frame["train_loss"]) == [record.train_loss for record in explorer.history]


def test_frames_need_pandas(explorer, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"kanwidget\[data\]"):
        explorer.to_pandas()


def test_the_model_brings_both_histories(data):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=2, progress=False)
    with KANExplorer(model, data) as explorer:
        explorer.fit(3)
        explorer.fix("sin", edge=(0, 0, 0))
        history = explorer.model.history
        assert [record.step for record in history] == [1, 2, 3, 4, 5]
        assert history.events[-1].step == 5
        assert len(explorer.history) == 3
    assert len(model.history) == 2


def test_results_are_copies(explorer):
    model = explorer.model
    with torch.no_grad():
        model.layer(0).coef.zero_()
    explorer.history.records.append(None)
    assert explorer._session.model.layer(0).coef.abs().sum() > 0
    assert len(explorer.history) == 0


def test_several_outputs_have_several_formulas():
    data = create_dataset(lambda x: torch.stack([x[:, 0], x[:, 1] ** 2], 1), n_var=2, train_num=50, test_num=20)
    with KANExplorer(KAN([2, 2]), data, out_vars=["u", "v"]) as explorer:
        explorer.auto_symbolic(-10)
        assert len(explorer.formula) == 2


def test_classification():
    x = torch.rand(80, 2, dtype=torch.float64)
    data = Dataset(x, (x[:, 0] > x[:, 1]).long(), x[:20], (x[:20, 0] > x[:20, 1]).long())
    with KANExplorer(KAN([2, 2]), data) as explorer:
        explorer.fit(3)
        explorer.select(0, 0, 0)
        assert explorer.candidates()
        explorer._publisher.snapshot()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_single_and_double_precision(dtype):
    data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=50, test_num=20)
    with KANExplorer(KAN([1, 2, 1], dtype=dtype), data) as explorer:
        explorer.fit(3)
        explorer.select(0, 0, 0)
        explorer.fix()
        explorer.grid = 7
        explorer.undo()
        explorer._publisher.snapshot()
        assert explorer.model.dtype == dtype


def test_dictionaries_and_pairs_are_data(model, data):
    for given in ({name: data[name] for name in data.keys()}, (data.train_input, data.train_label)):  # noqa: SIM118
        with KANExplorer(model, given) as explorer:
            explorer.step()


def test_data_that_does_not_fit_is_refused(model):
    with pytest.raises(ValueError, match="data"):
        KANExplorer(model, (torch.rand(10, 3), torch.rand(10, 1)))


def test_pruned_inputs_keep_their_names(data):
    model = KAN([2, 2, 1], seed=1)
    model.fit(data, steps=2, progress=False)
    small = model.prune_input(active=[1])
    with KANExplorer(small, data, in_vars=["a", "b"]) as explorer:
        explorer.step(2)
        explorer.select(0, 0, 0)
        snapshot = explorer._publisher.snapshot()
        assert [node["name"] for node in snapshot["structure"]["nodes"]][:1] == ["b"]
        explorer.reset(seed=4)
        explorer.step()


@pytest.mark.slow
def test_importing_and_training_need_no_notebook():
    import subprocess

    code = (
        "import sys; from kanwidget import KAN, KANExplorer, create_dataset; import torch; "
        "data = create_dataset(lambda x: x[:, [0]], n_var=1, train_num=20, test_num=20); "
        "e = KANExplorer(KAN([1, 1]), data); e.fit(2); e.close(); "
        "print([n for n in ('anywidget', 'ipywidgets', 'traitlets', 'matplotlib', 'IPython') if n in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_every_public_method_has_an_example():
    public = {name: getattr(KANExplorer, name) for name in dir(KANExplorer) if not name.startswith("_")}
    assert [name for name, member in public.items() if ">>>" not in (member.__doc__ or "")] == []


def test_the_page_is_told_what_takes_long(model, data, monkeypatch):
    told = []
    monkeypatch.setattr(Publisher, "send_task", lambda self, task: told.append(task))
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer._session.view.task("pruning")
    assert told == ["pruning"]
