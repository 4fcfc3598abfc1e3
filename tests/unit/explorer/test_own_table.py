"""A table and its target are all that an explorer needs."""

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    p, v = generator.uniform(6e4, 1.4e5, 60), generator.uniform(0.5, 3, 60)
    return pandas.DataFrame({"p [Pa]": p, "v": v, "flow <b>": p * v / 2400})


def test_a_table_and_its_target_are_enough(frame):
    with KANExplorer(frame, target="flow <b>") as explorer:
        assert (explorer.model.width, explorer.model.grid) == ([[2, 0], [1, 0]], 8)
        explorer.step(2)
        assert explorer.status["step"] == 2
        assert explorer.history.last.test_loss is not None


def test_the_width_is_that_of_a_network(frame):
    with KANExplorer(frame, target="flow <b>", width=[2, [2, 1], 1]) as explorer:
        assert explorer.model.width == [[2, 0], [2, 1], [1, 0]]
    with pytest.raises(ValueError, match=r"from 2 inputs \(p \[Pa\], v\) to 1 target; got \[5, 2\]. Write \[2, 5, 1\]"):
        KANExplorer(frame, target="flow <b>", width=[5, 2])
    with pytest.raises(ValueError, match="one of 'auto'"):
        KANExplorer(frame, target="flow <b>", width="big")
    with pytest.raises(ValueError, match="`width` argument of KANExplorer must be left out beside a network"):
        KANExplorer(KAN([2, 1]), frame, target="flow <b>", width=[2, 1])


def test_a_dataset_is_enough_and_so_is_a_table_beside_a_network(frame):
    data = Dataset.from_frame(frame, "flow <b>")
    with KANExplorer(data, seed=3) as explorer:
        made = explorer.model
    with KANExplorer(KAN([2, 1], 8, seed=3), frame, target="flow <b>", seed=0) as explorer:
        given = explorer.model
    for one, other in zip(made.parameters(), given.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_standardized_data_and_logarithms_on_request(frame):
    with KANExplorer(frame, target="flow <b>", standardize=True, test_fraction=0) as explorer:
        assert explorer.model.input_scale.centre[0] == pytest.approx(frame["p [Pa]"].mean())
        assert explorer._session.data.test_input is None
    with KANExplorer(frame, target="flow <b>", log=["p [Pa]", "flow <b>"]) as explorer:
        assert explorer.model.scaling.input_log.tolist() == [True, False]
        assert "log=['p [Pa]', 'flow <b>']" in explorer.code()
    with pytest.raises(ValueError, match=r"left out beside a network.*KAN\(…, log=…\)"):
        KANExplorer(KAN([2, 1]), frame, target="flow <b>", log=["v"])


def test_the_script_begins_with_the_table(frame):
    with KANExplorer(frame, target="flow <b>", width=[2, 1], test_fraction=0.5) as explorer:
        explorer.step(3)
        code, model = explorer.code(), explorer.model
    replayed = {"data": frame}
    exec(code, replayed)
    replayed["explorer"].close()
    torch.testing.assert_close(replayed["model"](frame[["p [Pa]", "v"]]), model(frame[["p [Pa]", "v"]]), rtol=0, atol=0)
    assert "# `data` is the data frame" in code


def test_text_is_classes_by_name(frame):
    state = np.where(frame["p [Pa]"] > 1e5, "liquid", "gas")
    table = frame.drop(columns="flow <b>").assign(state=state)
    with KANExplorer(table, target="state") as explorer:
        assert explorer.parity()["train"].shape == (2, 2)
        explorer.step(8)
        model = explorer.model
    assert model.classes == ("gas", "liquid")
    assert np.mean(np.array(model.classify(table)) == state) > 0.9


def test_old_names_are_answered_with_the_new_ones(frame):
    with KANExplorer(frame, target="flow <b>") as explorer:
        with pytest.raises(AttributeError, match=r"no attribute 'stop'. It is called pause\(\)"):
            explorer.stop()
        assert not hasattr(explorer, "other")
    for call in (KANExplorer, Dataset.from_frame):
        with pytest.raises(TypeError, match=r"`standardise` argument of .* must be called `standardize`; got True"):
            call(frame, target="flow <b>", standardise=True)


def test_what_is_no_table_is_refused(frame):
    with pytest.raises(
        TypeError, match=r"`target` argument of KANExplorer must be the name of a column.*'p \[Pa\]', 'v'"
    ):
        KANExplorer(frame)
    with pytest.raises(ValueError, match=r"got 'p'. Did you mean 'p \[Pa\]'"):
        KANExplorer(frame, target="p")
    with pytest.raises(
        ValueError, match="`target` argument of KANExplorer must be left out where the data are no frame"
    ):
        KANExplorer("gas.csv", target="y")
    with pytest.raises(TypeError, match=r"KANExplorer\(df, target=…\)"):
        KANExplorer(KAN([2, 1]))
    with pytest.raises(TypeError, match="`model` argument of KANExplorer must be a KAN"):
        KANExplorer([2, 1], frame)
