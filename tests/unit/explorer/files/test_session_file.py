"""What goes out as files, and the state that comes back in."""

import contextlib
import csv
import doctest
import json
import math

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer, create_dataset
from kanwidget._files import write_atomically
from kanwidget.explorer.files import session_writer
from kanwidget.explorer.files.formats import FORMATS, Format, menu
from kanwidget.explorer.files.session_reader import log_entry
from kanwidget.explorer.files.session_writer import session_json
from kanwidget.explorer.methods.save import method_of


@contextlib.contextmanager
def session_of(data):
    model = KAN([2, 3, 1], grid=3, k=3, seed=1)
    with KANExplorer(model, data, driver="blocking", lamb=1e-3, in_vars=["a", "b"]) as explorer:
        explorer.step(4)
        explorer.fix("sin", edge=(0, 0, 0))
        explorer.lamb = 1e-4
        explorer.step(3)
        yield explorer


@pytest.fixture
def explorer(data):
    with session_of(data) as explorer:
        yield explorer


@pytest.fixture(scope="module")
def written(data):
    """The file of such a session."""
    with session_of(data) as explorer:
        return session_json(explorer._session)


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(
        torch.equal(value, b[name]) if torch.is_tensor(value) else value == b[name] for name, value in a.items()
    )


def loaded(explorer, tmp_path, **options):
    path = tmp_path / "session.json"
    explorer.save_json(path)
    return KANExplorer.load(path, driver="blocking", **options)


# ---- files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "begins"),
    [("svg", b"<svg "), ("png", b"\x89PNG"), ("csv", b"step,"), ("json", b"{"), ("html", b"<!doctype")],
)
def test_every_export_has_its_twin(explorer, tmp_path, kind, begins):
    path = tmp_path / f"file.{kind}"
    path.write_text("old")
    getattr(explorer, f"save_{kind}")(str(path))
    assert path.read_bytes().startswith(begins)
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_the_table_is_the_history(explorer, tmp_path):
    explorer.save_csv(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [float(row["train_loss"]) for row in table] == explorer.history["train_loss"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["svg", "png", "csv", "json", "html", "animation"])
def test_wrong_paths_are_named_and_nothing_is_left(explorer, tmp_path, kind):
    save = getattr(explorer, f"save_{kind}")
    options = {"seconds": 1, "width": 200} if kind == "animation" else {}
    with pytest.raises(TypeError, match=f"the `path` argument of save_{kind} must be a path; got 3"):
        save(3, **options)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*none"):
        save(tmp_path / "none" / "x", **options)
    with pytest.raises(IsADirectoryError, match="is a folder"):
        save(tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_atomically(path, "new", "save_csv")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


# ---- a session that comes back


@pytest.mark.slow
def test_it_is_where_it_was_and_goes_on_as_if_it_had_stayed(explorer, tmp_path):
    with loaded(explorer, tmp_path) as other:
        assert same(explorer.model, other.model)
        assert explorer.history.records == other.history.records
        assert explorer.history.events == other.history.events
        for name in ("step", "train", "test", "state"):
            assert explorer.status[name] == other.status[name]
        assert (other.lamb, other.grid, other._session.in_vars) == (1e-4, 3, ("a", "b"))
        assert repr(explorer) == repr(other)
        for one in (explorer, other):
            one.step(3)
            one.fix("x^2", edge=(0, 1, 0))
            one.step(2)
        assert same(explorer.model, other.model)
        assert explorer.code() == other.code()
        other.undo(2)
        assert other.model.layer(0).state(1, 0) == "spline"


@pytest.mark.parametrize("shape", [[2, 1], [2, 3, 1]])
def test_a_training_by_evidence_goes_on_bit_for_bit(shape, tmp_path):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(60, 2, generator=generator, dtype=torch.float64)
    y = (3 * x[:, :1]).sin() + 0.3 * torch.randn(60, 1, generator=generator, dtype=torch.float64)
    for steps in (8, 12):
        with KANExplorer(KAN(shape), Dataset(x, y), driver="blocking") as explorer:
            explorer.step(steps)
            explorer.save_json(tmp_path / "work.json")
            explorer.step(3)
            with KANExplorer.load(tmp_path / "work.json", driver="blocking") as other:
                other.step(3)
                losses, expected = ([record.train_loss for record in one.history.records] for one in (other, explorer))
                assert losses == expected


def test_its_script_replays_all_of_it(explorer, data, tmp_path):
    with loaded(explorer, tmp_path) as other:
        other.step(3)
        names = {"data": data}
        exec(compile(other.code(), "session", "exec"), names)  # what the user would run
        assert same(names["model"], other.model)


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["Adam", "LBFGS"])
def test_gradient_methods_lose_their_memory_and_say_so(model, data, tmp_path, opt):
    with KANExplorer(model, data, driver="blocking", opt=opt) as explorer:
        explorer.step(5)
        with loaded(explorer, tmp_path) as other:
            other.step(4)
            names = {"data": data}
            exec(compile(other.code(), "session", "exec"), names)
            assert same(names["model"], other.model)


def test_other_shapes_come_back_and_reset_leads_to_the_first(explorer, tmp_path):
    explorer.prune(node=(1, 2))
    explorer.refine(6)
    explorer.step(2)
    with loaded(explorer, tmp_path) as other:
        assert same(explorer.model, other.model)
        assert [one["label"] for one in other.states] == [one["label"] for one in explorer.states]
        with pytest.raises(ValueError, match="nothing to undo"):
            other.undo()  # what was before isn't stored
        assert same(explorer.model, other.model)
        other.reset()
        assert other.model.width[1] == [3, 0]
        assert other.status["step"] == 0


def test_losses_that_are_no_numbers_come_back(explorer, tmp_path):
    from dataclasses import replace

    session = explorer._session
    session.run.records[-1] = session.run.last_record = replace(
        session.run.last_record, test_loss=math.inf, train_loss=math.nan
    )
    with loaded(explorer, tmp_path) as other:
        assert math.isnan(other.history.last.train_loss)
        assert other.history.last.test_loss == math.inf


def test_a_state_is_plain_json_and_tells_the_same_as_before(explorer):
    told = json.loads(session_json(explorer._session), parse_constant=lambda name: pytest.fail(name))
    assert {"structure", "settings", "status", "history"} <= set(told)
    assert told["status"]["step"] == 7
    assert told["version"] == session_writer.FORMAT


def test_large_data_have_to_be_given_again(explorer, data, tmp_path, monkeypatch):
    monkeypatch.setattr(session_writer, "_MAX_DATA", 100)
    path = tmp_path / "session.json"
    explorer.save_json(path)
    with pytest.raises(ValueError, match=r"`data` argument of load must be given, because the data were too large"):
        KANExplorer.load(path)
    with KANExplorer.load(path, data, driver="blocking") as other:
        assert same(explorer.model, other.model)


def test_functions_have_to_be_given_again(model, data, tmp_path):
    def loss(output, label):
        return (output - label).abs().mean()

    path = tmp_path / "session.json"
    with KANExplorer(model, data, driver="blocking", loss=loss) as explorer:
        explorer.step(2)
        explorer.save_json(path)
        with pytest.raises(ValueError, match="give load loss=… as the session had them"):
            KANExplorer.load(path)
        with KANExplorer.load(path, driver="blocking", loss=loss) as other:
            assert same(explorer.model, other.model)


def test_classes_stay_classes(tmp_path):
    x = torch.rand(60, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    label = (x[:, 0] > x[:, 1]).long()
    with KANExplorer(KAN([2, 2]), (x, label), driver="blocking") as explorer:
        explorer.step(2)
        with loaded(explorer, tmp_path) as other:
            assert other._session.data.is_classification
            other.step(1)
            explorer.step(1)
            assert same(explorer.model, other.model)


def test_a_wide_table_and_hostile_names_come_back(tmp_path):
    made = create_dataset(lambda x: x.sum(1, keepdim=True), n_var=3, train_num=30, test_num=10)
    names = ["</script>", '"];', "α\u2028"]
    with KANExplorer(KAN([3, 1]), made, driver="blocking", in_vars=names) as explorer:
        explorer.step(1)
        with loaded(explorer, tmp_path) as other:
            assert list(other._session.in_vars) == names


# ---- files that are none


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no session in it. Give a file that save_json wrote."),
        ("[1, 2]", "has no session in it"),
        (
            '{"kind": "kanwidget session", "version": 99}',
            "has format 99, this kanwidget reads format 2. Update kanwidget.",
        ),
        ('{"kind": "kanwidget session", "version": 1}', "has format 1, this kanwidget reads format 2.$"),
        ('{"kind": "kanwidget session", "version": 2}', "is damaged: KeyError"),
        ("[" * 100_000, "has no session in it"),
    ],
)
def test_other_files_are_refused(tmp_path, text, message):
    path = tmp_path / "session.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        KANExplorer.load(path)


def test_a_missing_file_and_a_wrong_path_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        KANExplorer.load(tmp_path / "none.json")
    with pytest.raises(TypeError, match="the `path` argument of load must be a path"):
        KANExplorer.load(5)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "AAAA"},
        {"model": "%"},
        {"model": 3},
        {"initial_model": ""},
        {"records": [[1]]},
        {"records": 5},
        {"tree": []},
        {"trainer": {}},
        {"state": "running"},
        {"data": {"tensors": "AAAA", "in_vars": [], "out_vars": []}},
        {"script": ["import os"]},
        {"script": ["explorer.fix(open('x'))"]},
        {"arguments": None},
        {"arguments": {"model": 3}},
        {"arguments": {"driver": "thread"}},
        {"arguments": {"lamb": "much"}},
        {"arguments": {"in_vars": [1, 2]}},
        {"missing_arguments": ["model"]},
        {"settings": {"batch": "all"}},
        {"settings": {"opt": "Adam", "batch": 0}},
        {"settings": {"opt": "LM", "batch": 3}},
        {"noise": -1},
        {"noise": True},
        {"seed": 1.5},
        {"seed": 10**4000},
        {"stop_reason": 5},
        {"events": [[10**400, "lamb", "x"]]},
    ],
)
def test_damaged_files_are_refused_whatever_is_damaged(written, tmp_path, change):
    told = json.loads(written)
    told["session"].update(change)
    path = tmp_path / "session.json"
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"session\.json is damaged"):
        KANExplorer.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told["history"].update(current=-1),
        lambda told: told["history"].update(current=99),
        lambda told: told["history"].update(current=True),
        lambda told: told["session"]["tree"][0].__setitem__(1, 1),
        lambda told: told["session"]["tree"][1].__setitem__(1, 1),
        lambda told: told["session"]["tree"][1].__setitem__(1, None),
        lambda told: told["session"]["tree"][1].__setitem__(0, 5),
        lambda told: told["session"]["tree"][0].__setitem__(6, 0),
        lambda told: told["session"]["tree"][0].__setitem__(6, 7),
        lambda told: told["session"]["tree"][0].__setitem__(5, "low"),
        lambda told: told["session"]["records"][0].__setitem__(1, "small"),
        lambda told: told["session"]["records"][0].__setitem__(0, "1"),
        lambda told: told["session"]["records"][0].__setitem__(7, {"a": None}),
        lambda told: told["session"]["trainer"]["optimizer"].update(damping=["a"]),
        lambda told: told["session"]["trainer"]["optimizer"].update(small_steps=["0"]),
        lambda told: told["session"]["trainer"]["optimizer"].update(growth=2.0),
        lambda told: told["session"]["trainer"]["optimizer"].update(growth=[1.0, 2.0]),
        lambda told: told["session"]["trainer"]["optimizer"].pop("growth"),
        lambda told: told["session"]["trainer"].update(step_count=-1),
    ],
)
def test_a_history_that_no_session_has_is_refused(written, tmp_path, change):
    told = json.loads(written)
    change(told)
    path = tmp_path / "session.json"
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"session\.json is damaged"):
        KANExplorer.load(path)


def test_integers_that_are_too_long_to_be_read_are_refused(written, tmp_path):
    path = tmp_path / "session.json"
    path.write_text(written.replace('"seed": 1', f'"seed": {"1" * 5000}'))
    with pytest.raises(ValueError, match=r"session\.json has no session in it"):
        KANExplorer.load(path)


def test_what_does_not_fit_together_names_the_file(written, tmp_path):
    told = json.loads(written)
    told["session"]["arguments"]["in_vars"] = ["a"]
    path = tmp_path / "session.json"
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=r"session\.json can't be continued: the `in_vars` argument"):
        KANExplorer.load(path)


def test_scalars_of_numpy_and_other_lists_of_names_are_plain_in_a_file(model, data, tmp_path):
    import numpy as np

    options = {"lamb": np.float32(0.5), "grid_update_num": np.int64(3), "steps": np.int64(9)}
    with KANExplorer(
        model, data, in_vars=np.array(["a", "b"]), out_vars=iter("c"), driver="blocking", **options
    ) as one:
        one.step(2)
        with loaded(one, tmp_path) as other:
            assert other._session.in_vars == ("a", "b")
            assert other._session.out_vars == ("c",)
            assert other._session.run.trainer.settings.grid_update_num == 3
            assert other.code() == one.code()
    with pytest.raises(ValueError, match="`in_vars` argument"):
        KANExplorer(model, data, in_vars="ab")


@pytest.mark.parametrize(
    "line",
    [
        "explorer.step(n=3)",
        "explorer.lamb = 0.1; explorer.opt = 'Adam'",
        "explorer.fix('sin', edge=(0, 0, 1), keep_spline=True)",
        "explorer.prune(edges=[(0, 0, 1), (0, 1, 1)])",
        "explorer.drag((0, 0, 0), 2, -0.5, commit=False)",
    ],
)
def test_acts_of_an_explorer_are_taken(line):
    assert log_entry(line).call() == line


@pytest.mark.parametrize(
    "line",
    [
        "",
        "print(1)",
        "explorer.fix(__import__('os').system('x'))",
        "explorer.step(3); import os",
        "explorer._session.free()",
        "explorer.model.save('x')",
        "explorer.save_html('x')",
        "explorer = 3",
        "explorer.step(3",
        "explorer.lamb = open('x')",
        "explorer.fix(*[1])",
        "explorer.fix(**{'name': 'sin'})",
        "[explorer.step(1) for _ in '12']",
        "a" * 3,
    ],
)
def test_anything_else_is_none(line):
    with pytest.raises(ValueError, match="is no act of an explorer"):
        log_entry(line)


def test_data_without_names_come_back_without(model, data, tmp_path):
    plain = Dataset(data.train_input, data.train_label)
    with KANExplorer(model, plain) as explorer:
        explorer.save_json(tmp_path / "plain.json")
    with KANExplorer.load(tmp_path / "plain.json") as again:
        assert not again._session.data.has_names
        assert again._session.data.in_vars == plain.in_vars


def test_an_explorer_of_a_trained_network_takes_columns_by_name(model, data):
    named = Dataset(data.train_input, data.train_label, in_vars=["mass", "speed"])
    model.fit(named, steps=1, progress=False)
    swapped = Dataset(data.train_input.flip(1), data.train_label, in_vars=["speed", "mass"])
    with KANExplorer(model, swapped) as explorer:
        assert explorer._session.data.in_vars == ("mass", "speed")
        assert explorer._session.data.train_input.equal(named.train_input)


# ---- formats


def test_every_format_has_a_method():
    assert all(callable(getattr(KANExplorer, row.method)) for row in FORMATS.values())


def test_a_row_is_enough_for_a_format(explorer, tmp_path, monkeypatch):
    row = Format(
        "steps", "Steps", "steps.txt", "text/plain", "save_steps", lambda session: f"{len(session.run.records)}"
    )
    monkeypatch.setitem(FORMATS, "steps", row)
    monkeypatch.setattr(KANExplorer, row.method, method_of(row), raising=False)
    path = tmp_path / "steps.txt"
    explorer.save_steps(path)
    assert path.read_text() == "7"
    with pytest.raises(TypeError, match="the `path` argument of save_steps must be a path"):
        explorer.save_steps(3)
    assert ["steps", "Steps"] in menu()
    example = doctest.DocTestParser().get_doctest(KANExplorer.save_steps.__doc__, {}, row.method, None, None)
    assert doctest.DocTestRunner().run(example) == (0, 5)
