import numpy as np
import pytest

from kanwidget.sweeps.space import cases_of, plain, seeds_of, settings_of


def test_all_combinations_in_order():
    settings = settings_of({"width": [[2, 1], [2, 3, 1]], "lamb": [0, 1e-3]}, {"steps": 5})
    assert settings == [
        {"width": width, "steps": 5, "lamb": lamb} for width in ([2, 1], [2, 3, 1]) for lamb in (0, 1e-3)
    ]


def test_a_list_of_settings_and_what_they_share():
    settings = settings_of([{"grid": 3}, {"grid": 5, "steps": 7}], {"width": (2, 1), "steps": 5})
    assert settings == [{"width": [2, 1], "grid": 3, "steps": 5}, {"width": [2, 1], "grid": 5, "steps": 7}]


def test_doubles_are_tried_once():
    assert len(settings_of([{"grid": 3, "k": 2}, {"k": 2, "grid": np.int64(3)}], {"width": [2, 1]})) == 1
    assert seeds_of([3, 3, 1]) == [3, 1]


def test_an_empty_space_is_one_setting():
    assert settings_of({}, {"width": [2, 1]}) == [{"width": [2, 1]}]


def test_values_become_plain():
    assert plain([np.float32(0.5), (True, None), np.arange(2), "LM"]) == [
        0.5,
        [True, None],
        [0, 1],
        "LM",
    ]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"widht": [[2, 1]]}, r"`space` argument of sweep must be one of .*Did you mean 'width'\?"),
        ({"width": [2, 5, 1]}, r"with a list of values for 'width'; got \[2, 5, 1\]"),
        ({"width": [[2, 1]], "grid": 3}, "with a list of values for 'grid'; got 3"),
        ({"width": [[2, 1]], "grid": []}, "with a list of values for 'grid'"),
        ({"width": [[2, 1]], "grid": np.array(3)}, "with a list of values for 'grid'; got 3"),
        ({"width": [[2, 1]], "opt": "LM"}, "with a list of values for 'opt'; got 'LM'"),
        ({"width": [[2, 1]], "seed": [1]}, "without seeds"),
        ({"width": ["big"]}, "with a list of widths|'auto'|single one"),
        ({"width": [[2, 1]], "loss": [len]}, "made of finite numbers"),
        ({"width": [[2, 1]], "lamb": [float("nan")]}, "made of finite numbers"),
        ({"width": [[2, 1]], 3: [1]}, "must be one of"),
        ([], "a mapping from name to values, or a list of settings"),
        ([3], "a mapping from name to values, or a list of settings"),
        (3, "a mapping from name to values, or a list of settings"),
        ("width", "a mapping from name to values, or a list of settings"),
    ],
)
def test_what_is_no_space(space, message):
    with pytest.raises((ValueError, TypeError), match=message):
        settings_of(space, {})


@pytest.mark.parametrize("seeds", [0, -1, [], 1.5, "3", None, [1, -1]])
def test_what_are_no_seeds(seeds):
    with pytest.raises(ValueError, match="the `seeds` argument of sweep must be"):
        seeds_of(seeds)


def test_keys_differ_in_all_that_decides_about_a_result_and_in_nothing_else():
    def keys(settings=({"width": [2, 1]},), digests=(("a", "1"),), seeds=1, version=1):
        return [case.key for case in cases_of(settings, dict(digests), seeds, version)]

    (key,) = keys()
    assert keys(digests=(("other name", "1"),)) == [key]
    assert keys(seeds=3)[0] == key
    others = [
        *keys(settings=({"width": [2, 2, 1]},)),
        *keys(digests=(("a", "2"),)),
        *keys(seeds=[1]),
        *keys(version=2),
    ]
    assert len({key, *others}) == 5


def test_a_key_is_that_of_files_written_before_the_argument_was_renamed():
    [case] = cases_of([{"width": [2, 1], "geodesic_acceleration": True}], {"": "d"}, [3], 1)
    assert case.setting == {"width": [2, 1], "geodesic_acceleration": True}
    assert (
        case.key == "71dca404e368e42b3769669718cf7e15b81853d44bf8ebba2ffd3df9f2b54fb9"
    )  # of {"width": [2, 1], "bend": True}
