"""Noise on the labels of a session."""

import torch

from kanwidget import create_dataset
from kanwidget.explorer.session.states.run_states import noisy


def test_the_noise_does_not_follow_from_rows_of_any_usual_seed():
    for seed in range(3):
        data = create_dataset(lambda x: x[:, [0]], n_var=1, train_num=1000, seed=seed)
        noise = (noisy(data, 1.0).train_label - data.train_label)[:, 0]
        x = torch.pi * data.train_input[:, 0]
        # A correlation of 1,000 independent rows has a standard error of 0.03.
        assert torch.stack([x, x.cos(), x.sin(), noise]).corrcoef()[3, :3].abs().max() < 0.13
