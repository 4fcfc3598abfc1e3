"""What a person types wrongly gets a sentence in words of the network, and changes nothing."""

import pytest

from kanwidget import KANExplorer


@pytest.fixture
def explorer(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


def test_an_edge_that_does_not_exist_is_named_with_what_its_layer_has(explorer):
    expected = (
        r"`edge` argument of fix must be one of layer 0, which has inputs 0 to 1 and outputs 0 to 2; got \(0, 3, 1\)"
    )
    with pytest.raises(ValueError, match=expected):
        explorer.fix("sin", edge=(0, 3, 1))
    with pytest.raises(ValueError, match=r"in one of the layers 0 to 1 of edges; got \(2, 0, 0\)"):
        explorer.select(2, 0, 0)
    with pytest.raises(ValueError, match=r"That is edge \(0, 3, 1\): layer 0 has inputs 0 to 1 and outputs 0 to 2"):
        explorer.model.suggest_symbolic(0, 3, 1)


@pytest.mark.parametrize(("name", "meant"), [("lam", "lamb"), ("Lamb", "lamb"), ("optimizer", "opt")])
def test_a_setting_by_another_name_is_refused_and_the_right_one_named(explorer, name, meant):
    with pytest.raises(AttributeError, match=rf"KANExplorer has no setting `{name}`\. Did you mean `{meant}`\?"):
        setattr(explorer, name, 1)
    assert not hasattr(explorer, name)
    setattr(explorer, meant, getattr(explorer, meant))


def test_what_resembles_nothing_gets_the_list(explorer):
    with pytest.raises(AttributeError, match=r"no setting `colour`\. Settings are .*lamb.*opt"):
        explorer.colour = "red"
