"""The table of optimizers: all that follows from a row."""

import pytest
import torch

from kanwidget import KANExplorer
from kanwidget.training import OPTIMIZERS, fit_many
from kanwidget.training.jacobian.parameter_vector import network_parameters
from kanwidget.training.optimizers.base import Optimizer, Outcome
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.optimizers.table import Method
from tests.support.networks import plain, product_data


class Descent(Optimizer):
    """Steps along the gradient."""

    def __init__(self, objective, lr):
        self.objective, self.lr = objective, lr

    def step(self, interrupted=lambda: False):
        parameters = network_parameters(self.objective.stack.template)
        gradients = torch.autograd.grad(self.objective.differentiable(), parameters, allow_unused=True)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    parameter -= self.lr * gradient
        value = self.objective.value()
        return [Outcome(float(value.loss), float(value.penalty))]

    def reload(self, networks=None):
        """It has no memory."""

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        """It has no memory."""


@pytest.fixture
def descent(monkeypatch):
    """A further row."""
    row = Method(
        "Descent",
        lambda objective, options: Descent(objective, options.lr or 0.01),
        auto=lambda size, rows, options: False,
        plain_state=True,
        unused={"geodesic_acceleration": "It has no such steps."},
        all_rows="It takes all rows.",
    )
    monkeypatch.setitem(OPTIMIZERS, row.name, row)


@pytest.mark.usefixtures("descent")
def test_a_row_is_enough_for_a_training():
    history = plain().fit(product_data(), "Descent", steps=20, progress=False)
    assert history.optimizer == "Descent"
    assert history["train_loss"][-1] < history["train_loss"][0]
    assert plain().fit(product_data(), steps=1, progress=False).optimizer == "LM"
    _, histories = fit_many([plain(), plain(seed=1)], product_data(), "Descent", steps=2, progress=False)
    assert [history.optimizer for history in histories] == ["Descent", "Descent"]


@pytest.mark.usefixtures("descent")
def test_its_options_and_its_name_are_checked():
    with pytest.raises(ValueError, match=r"`opt` .* 'Adam', .*'Descent'; got 'Decent'. Did you mean 'Descent'"):
        plain().fit(product_data(), "Decent", progress=False)
    with pytest.raises(
        ValueError, match=r"`batch` argument of fit must be left out with opt='Descent'; .* takes all rows"
    ):
        plain().fit(product_data(), "Descent", batch=3, progress=False)
    with pytest.raises(
        ValueError, match=r"`geodesic_acceleration` argument of fit must be left out with opt='Descent'"
    ):
        plain().fit(product_data(), "Descent", geodesic_acceleration=True, progress=False)
    with pytest.raises(ValueError, match=r"must be 'LBFGS' or 'Adam' or .*'Descent' with this loss; got 'LM'"):
        plain().fit(product_data(), "LM", loss=lambda output, label: (output - label).abs().mean(), progress=False)


@pytest.mark.usefixtures("descent")
def test_the_explorer_offers_it_and_its_sessions_come_back(tmp_path):
    with KANExplorer(plain(), product_data(), opt="Descent", driver="blocking") as explorer:
        assert "Descent" in explorer._session.run.optimizers
        explorer.step(3)
        explorer.save_json(tmp_path / "session.json")
        with KANExplorer.load(tmp_path / "session.json", driver="blocking") as other:
            explorer.step(2)
            other.step(2)
            for a, b in zip(explorer.model.parameters(), other.model.parameters(), strict=True):
                assert torch.equal(a, b)


def test_only_levenberg_marquardt_steps_several_networks():
    assert [row.name for row in OPTIMIZERS.values() if row.several] == ["LM"]
    with pytest.raises(NotImplementedError, match="Descent steps one network at a time"):
        Descent(None, 0.1).inherit(Descent(None, 0.1), [0])


@pytest.mark.parametrize(
    "state", [{}, {"damping": [1.0]}, {"damping": [1.0, 2.0], "growth": [2.0, 2.0], "small_steps": [0, 0]}]
)
def test_a_state_of_another_shape_is_refused(state):
    trainer = plain().fit_steps(product_data(), "LM")
    assert isinstance(trainer.optimizer, LevenbergMarquardt)
    with pytest.raises(ValueError, match="no state of Levenberg-Marquardt for a batch of 1"):
        trainer.optimizer.load_state_dict(state)
