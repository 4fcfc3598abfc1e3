import json
import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from kanwidget import KAN
from kanwidget.core.network import Network
from kanwidget.core.records import Event, StepRecord
from kanwidget.core.storage import load, save
from kanwidget.surgery import freeze, lock, prune_input, remove_edge


@pytest.fixture
def model():
    """A network of all that has to be kept."""
    model = KAN([4, [3, 1], 2], grid=[4, 6], k=2, mult_arity=[[], [3], []], grid_eps=0.25, seed=9, base_fun="identity")
    model.layer(0).set_symbol(1, 2, "x^2", (1.0, 0.1, -2.0, 1 / 3))
    model.layer(0).set_symbol(1, 4, "sin", (2.0, 0.0, 1.0, 0.0))
    model.layer(0).spline_on[2, 1] = False
    remove_edge(model, 0, 0, 5)
    lock(model, 1, [(0, 0), (1, 1)])
    freeze(model, 1, 2, 0)
    model.layer(1).base.requires_grad_(False)
    model.reference = torch.rand(7, 4, dtype=torch.float64)
    model.history.records += [
        StepRecord(1, 0.1, None, 0.0, 0.3, damping=1e-3, metrics={"r2": 0.5}),
        StepRecord(2, 1 / 3, 0.2, 1e-300, 0.5, stop_reason="converged"),
    ]
    model.history.events.append(Event(2, "lamb", "λ <b>0</b>"))
    model.history.optimizer, model.history.stop_reason = "LM", "converged"
    return prune_input(model, torch.rand(20, 4, dtype=torch.float64), active=[1, 3])


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    assert a.keys() == b.keys()
    for name, value in a.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, b[name]), name
            assert value.dtype == b[name].dtype
        else:
            assert value == b[name], name
    assert (one.width, one.arities, one.n_features, one.k) == (other.width, other.arities, other.n_features, other.k)
    return True


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_round_trip_bit_for_bit(model, tmp_path, dtype):
    model = model.to(dtype).eval()
    save(model, tmp_path / "a model.anything")
    back = load(str(tmp_path / "a model.anything"), KAN)
    assert same(back, model)
    assert type(back) is KAN
    assert (back.grid_eps, back.seed, back.training) == (0.25, 9, False)
    assert back.layer(0).base_fun == "identity"
    assert back.history.records == model.history.records
    assert back.history.events == model.history.events
    assert (back.history.optimizer, back.history.stop_reason) == ("LM", "converged")
    assert [p.requires_grad for p in back.parameters()] == [p.requires_grad for p in model.parameters()]
    x = torch.rand(10, 4, dtype=dtype)
    assert torch.allclose(back(x), model(x), rtol=1e-6, atol=1e-13)
    save(back, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "a model.anything").read_bytes()


@pytest.mark.parametrize("k", range(4))
def test_round_trip_of_new_networks(tmp_path, k):
    model = KAN([2, 5, 1], k=k)
    save(model, tmp_path / "m.kan")
    back = load(tmp_path / "m.kan", KAN)
    assert same(back, model)
    assert len(back.history) == 0


def test_a_plain_network_can_be_saved_too(tmp_path):
    kan = KAN([2, 3, 1])
    plain = Network(kan.width, kan.arities, [kan.layer(0), kan.layer(1)])
    save(plain, tmp_path / "n")
    assert same(load(tmp_path / "n", Network), plain)


def test_the_file_is_written_whole_or_not_at_all(model, tmp_path, monkeypatch):
    path = tmp_path / "m.kan"
    save(model, path)
    before = path.read_bytes()

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        save(KAN([2, 1]), path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.kan"]
    with pytest.raises(FileNotFoundError):
        save(model, tmp_path / "no folder" / "m.kan")


def test_unknown_primitives_are_named(tmp_path, registered):
    registered("only_here", torch.sinc)
    model = KAN([2, 1])
    model.layer(0).set_symbol(0, 0, "only_here")
    save(model, tmp_path / "m")
    assert load(tmp_path / "m", KAN).layer(0).symbols == {"only_here": [0]}
    data = (tmp_path / "m").read_bytes()
    (tmp_path / "other").write_bytes(data.replace(b"only_here", b"not__here"))
    with pytest.raises(ValueError, match=r"register_primitive\('not__here', …\) before load"):
        load(tmp_path / "other", KAN)


def structure_of(path):
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["kanwidget"])  # noqa: SIM118


def test_foreign_damaged_and_newer_files_are_refused(model, tmp_path):
    path = tmp_path / "m.kan"
    with pytest.raises(FileNotFoundError, match=r"no file .*m\.kan"):
        load(path, KAN)
    save(model, path)
    data = path.read_bytes()
    for count in (0, 7, 100, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:count])
        with pytest.raises(ValueError, match="can't be read as a safetensors file"):
            load(path, KAN)
    path.write_bytes(pickle.dumps(os.system))
    with pytest.raises(ValueError, match="can't be read"):
        load(path, KAN)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="another program"):
        load(path, KAN)
    save_file({"a": torch.zeros(2)}, path, {"kanwidget": "{not json"})
    with pytest.raises(ValueError, match="another program"):
        load(path, KAN)
    path.write_bytes(data)
    tensors, structure = structure_of(path)
    save_file(tensors, path, {"kanwidget": json.dumps(structure | {"version": 99})})
    with pytest.raises(ValueError, match=r"format 99, this kanwidget reads formats 2 to 5\. Update"):
        load(path, KAN)


@pytest.mark.parametrize(
    "change",
    [
        {"width": [[2, 0], [9, 0], [2, 0]]},
        {"width": "no"},
        {"arities": [[], [], []]},
        {"layers": []},
        {"n_features": 1},
        {"history": {"columns": {}}},
        {"settings": None},
        {"frozen": 3},
    ],
)
def test_contradictions_are_found(model, tmp_path, change):
    save(model, tmp_path / "m")
    tensors, structure = structure_of(tmp_path / "m")
    save_file(tensors, tmp_path / "bad", {"kanwidget": json.dumps(structure | change)})
    with pytest.raises(ValueError, match="is damaged"):
        load(tmp_path / "bad", KAN)


def test_edges_out_of_range_and_missing_tensors_are_found(model, tmp_path):
    save(model, tmp_path / "m")
    tensors, structure = structure_of(tmp_path / "m")
    for key, value in (("symbols", {"sin": [999]}), ("ties", [[0, -1]])):
        changed = json.loads(json.dumps(structure))
        changed["layers"][0][key] = value
        save_file(tensors, tmp_path / "bad", {"kanwidget": json.dumps(changed)})
        with pytest.raises(ValueError, match="from 0 to"):
            load(tmp_path / "bad", KAN)
    del tensors["layers.1.coef"]
    save_file(tensors, tmp_path / "bad", {"kanwidget": json.dumps(structure)})
    with pytest.raises(ValueError, match=r"damaged: KeyError: 'layers\.1\.coef'"):
        load(tmp_path / "bad", KAN)


def test_settings_of_a_file_cannot_replace_methods(model, tmp_path):
    save(model, tmp_path / "m")
    tensors, structure = structure_of(tmp_path / "m")
    structure["settings"] |= {"forward": 1, "_modules": 2, "a b": 3, "note": "fine"}
    save_file(tensors, tmp_path / "odd", {"kanwidget": json.dumps(structure)})
    back = load(tmp_path / "odd", KAN)
    assert callable(back.forward)
    assert back.note == "fine"
    assert len(back.layers) == 2
