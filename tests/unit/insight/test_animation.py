"""A training as an animated picture: that it moves, is bounded, and stays what it is."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from kanwidget import KAN, History, StepRecord
from kanwidget.core import Event
from kanwidget.insight.plot import animation
from kanwidget.insight.plot.animate import Film, Stage
from kanwidget.insight.plot.style import theme_of

SMALL = {"seconds": 3, "width": 240}


def history(n=6, **values):
    return History([StepRecord(i, 0.5**i, 0.6**i, 0.0, 0.1 * i) for i in range(1, n + 1)])


def moved(model, by):
    with torch.no_grad():
        for parameter in (model.layer(0).coef, model.layer(0).base):
            parameter.add_(by * torch.linspace(-1, 1, parameter.numel(), dtype=parameter.dtype).view_as(parameter))
    return model


@pytest.fixture
def x():
    return torch.linspace(-1, 1, 80, dtype=torch.float64).reshape(40, 2)


@pytest.fixture
def frames():
    return [(step, moved(KAN([2, 2, 1], seed=3), 0.3 * step)) for step in (0, 2, 4, 6)]


def opened(data):
    image = Image.open(io.BytesIO(data))
    pictures, times = [], []
    for number in range(image.n_frames):
        image.seek(number)
        times.append(image.info["duration"])
        pictures.append(np.asarray(image.convert("RGB")))
    return image, pictures, times


def test_it_moves_for_as_long_as_was_asked_and_begins_again(frames, x):
    image, pictures, times = opened(animation(frames, x, history(), **SMALL))
    assert image.format == "GIF"
    assert image.info["loop"] == 0
    assert image.width == 240
    assert sum(times) == pytest.approx(3000, rel=0.1)
    changes = [np.any(a != b) for a, b in pairwise(pictures)]
    assert all(changes)


@pytest.mark.parametrize(("theme", "ground"), [("light", (255, 255, 255)), ("dark", (17, 17, 17))])
def test_the_ground_is_exactly_the_themes(frames, x, theme, ground):
    _, pictures, _ = opened(animation(frames, x, history(), theme=theme, **SMALL))
    for picture in pictures:
        assert tuple(picture[1, 1]) == ground
        assert tuple(picture[-2, -2]) == ground


def test_the_same_film_gives_the_same_bytes_and_changes_nothing(frames, x):
    before = [
        {name: value.clone() for name, value in net.state_dict().items() if torch.is_tensor(value)} for _, net in frames
    ]
    random = torch.random.get_rng_state()
    one, other = (animation(frames, x, history(), **SMALL) for _ in range(2))
    assert one == other
    assert torch.equal(random, torch.random.get_rng_state())
    for (_, network), old in zip(frames, before, strict=True):
        assert all(torch.equal(network.state_dict()[name], value) for name, value in old.items())


@pytest.mark.slow
def test_a_limit_is_kept_by_fewer_and_smaller_pictures(frames, x):
    whole = animation(frames, x, history(), seconds=3, width=400)
    limited = animation(frames, x, history(), seconds=3, width=400, limit=len(whole) // 3)
    assert len(limited) <= len(whole) // 3
    assert opened(limited)[0].n_frames < opened(whole)[0].n_frames


def test_pruning_and_fixing_on_the_way(x):
    model = moved(KAN([2, 3, 1], seed=1), 0.2)
    model.reference = x
    smaller = model.remove_node(1, 0)
    fixed = KAN([2, 3, 1], seed=1)
    fixed.fix_symbolic(0, 0, 0, "sin", data=x)
    made = History(history(4).records, [Event(2, "fix", "fix an edge"), Event(3, "prune", "pruned")])
    image, pictures, _ = opened(animation([(1, model), (2, fixed), (3, smaller), (4, smaller)], x, made, **SMALL))
    assert image.n_frames > 3
    assert not np.array_equal(pictures[0], pictures[-1])


def test_time_goes_slowly_where_much_changes(x):
    still = KAN([2, 2, 1], seed=3)
    jump = moved(KAN([2, 2, 1], seed=3), 2.0)
    film = Film([(1, still), (2, still), (3, jump)], x, History())
    assert film.times[0] == 0
    assert film.times[-1] == 1
    assert film.times[1] < 0.5


def test_losses_belong_to_their_steps_whatever_row_they_stand_in(x):
    """A history that begins later and leaves steps out: rows aren't steps."""
    steps = [101, 111, 121]
    events = [Event(111, "fix", "here"), Event(50, "fix", "before")]
    known = History([StepRecord(s, 10.0 / s, None, 0.0, 0.1) for s in steps], events)
    film = Film([(s, KAN([2, 2, 1], seed=1)) for s in steps], x, known)
    assert [film._loss(step) for step in (50, 101, 110.5, 111, 500)] == [1.0, 10 / 101, 10 / 101, 10 / 111, 10 / 121]
    stage = Stage(film, theme_of("light", "test"), (None, None), None, 200)
    stage.picture(film.sections[0], film.edges[0], 115.0)
    assert stage.strip.lines[0].get_xdata().tolist() == [101, 111]
    assert stage.strip.get_xlim() == (100, 121)
    assert any("train 9.0e-02" in text.get_text() for text in stage.figure.texts)


def test_one_state_and_no_losses_make_a_still_picture(x):
    image, _, _ = opened(animation([(0, KAN([2, 1]))], x, History(), **SMALL))
    assert image.n_frames == 1


def test_losses_that_are_no_numbers_are_left_out(frames, x):
    values = [float("nan"), 0.0, float("inf"), 1e-3, 1e-300, 2e-4]
    records = [StepRecord(i, value, None, 0.0, 0.1) for i, value in enumerate(values, 1)]
    assert opened(animation(frames, x, History(records), **SMALL))[0].n_frames > 1


def test_products_names_and_a_title(x):
    network = KAN([2, [1, 1], 1], seed=2)
    names = {"in_vars": ["<b>", "$\\alpha$"], "out_vars": ["E"], "title": "a $10 film"}
    assert animation([(1, network), (2, moved(KAN([2, [1, 1], 1], seed=2), 1.0))], x, history(2), **names, **SMALL)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"theme": "drak"}, "Did you mean 'dark'"),
        ({"theme": "auto"}, "`theme` argument of save_animation must be one of 'light', 'dark'"),
        ({"seconds": 0}, "`seconds` argument of save_animation"),
        ({"width": 5}, "`width` argument of save_animation must be an integer from 200"),
        ({"in_vars": ["a"]}, "a list of 2 names"),
    ],
)
def test_wrong_settings_are_named(frames, x, wrong, message):
    with pytest.raises(ValueError, match=message):
        animation(frames, x, history(), **{**SMALL, **wrong})


def test_no_frames_are_an_error(x):
    with pytest.raises(ValueError, match="at least one pair"):
        animation([], x, History())
