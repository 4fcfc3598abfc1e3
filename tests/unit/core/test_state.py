"""`NetworkState`: a copy of all parameters, to return to."""

import torch
from torch import nn

from kanwidget.core.state import NetworkState
from kanwidget.surgery import refine
from tests.support.networks import assert_same, plain, snapshot, states, tied, uniform


def test_changes_in_place_are_taken_back():
    for model in (plain(), states(), tied()):
        before, state = snapshot(model), NetworkState(model)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 1.0
        model.layer(0).knots += 1.0
        model.layer(0).spline_on[:] = False
        model.layer(0).frozen[:] = True
        model.layer(0).symbols, model.layer(0).ties = {"sin": [0]}, [[0, 1]]
        model.reference = uniform(3, model.n_features)
        state.restore()
        assert_same(before, model)


def test_replaced_tensors_come_back_as_the_same_objects():
    model = plain()
    before, coef, state = snapshot(model), model.layer(0).coef, NetworkState(model)
    finer = refine(model, 7).layer(0)
    model.layer(0).coef, model.layer(0).knots = nn.Parameter(finer.coef.detach()), finer.knots
    state.restore()
    assert model.layer(0).coef is coef
    assert_same(before, model)


def test_it_can_be_restored_again():
    model = plain()
    before, state = snapshot(model), NetworkState(model)
    for _ in range(2):
        with torch.no_grad():
            model.layer(1).coef.zero_()
        state.restore()
        assert_same(before, model)
