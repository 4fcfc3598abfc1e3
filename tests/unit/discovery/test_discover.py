"""`discover` and `discover_steps`: tables of all kinds, limits, interruptions; the engine is replaced where only its reports matter."""

import dataclasses
import inspect
import sys

import numpy as np
import pandas
import pytest
import sympy
import torch

import kanwidget
from kanwidget import Dataset, discover, discover_steps, load_planets
from kanwidget.discovery import steps as module
from kanwidget.discovery.arguments import Request
from kanwidget.discovery.engine.search import Report
from kanwidget.discovery.steps import DiscoverySteps
from tests.support.networks import uniform

PRODUCT = ("mul", ("x", 0), ("x", 1))
LAW = ("mul", ("x", 0), ("exp", ("x", 1)))
QUICK = {"steps": 5, "progress": False}


def table(rows=60):
    return uniform(rows, 2) + 2


def engine(*reports):
    """An engine that reports these, whatever the rows are."""

    def search(rows, limits):
        yield from reports

    return search


def formula(tree, text="a strategy"):
    return Report("formula", text, tree)


@pytest.fixture
def product(monkeypatch):
    monkeypatch.setattr(module, "search", engine(Report("trying", "products"), formula(PRODUCT)))


# ---- data


def test_frames_arrays_and_datasets_are_the_same_table(product):
    x = table()
    y = x[:, 0] * x[:, 1]
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
    texts = [
        discover(frame, **QUICK).best.text,
        discover(frame, "y", **QUICK).best.text,
        discover(frame.rename(columns={"y": "area"}), target="area", **QUICK).best.text,
        discover(frame[["a", "b"]], y.numpy(), **QUICK).best.text,
        discover(frame[["a", "b"]], frame["y"], **QUICK).best.text,
        discover(Dataset(x, y, in_vars=["a", "b"]), **QUICK).best.text,
    ]
    assert texts == ["a*b"] * 6
    assert discover(x.tolist(), y.tolist(), **QUICK).best.text == "x_1*x_2"
    assert discover((x, y), **QUICK).best.text == "x_1*x_2"


def test_whole_numbers_are_numbers():
    data = Request(torch.arange(4.0), torch.tensor([0, 1, 4, 9])).table()
    assert data.train_label.flatten().tolist() == [0, 1, 4, 9]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`data` argument of discover must be a data frame, an array of inputs, or a Dataset; got None"),
        (
            {"data": "mine.csv", "target": "y"},
            "`data` argument of discover must be a data frame.*; got 'mine.csv'. Read the",
        ),
        ({"data": table()}, "`y` argument of discover must be given beside an array of inputs"),
        ({"data": table(), "y": torch.ones(3)}, r"`y` argument of discover must be of shape \(60,\)"),
        ({"data": table(), "y": table()[:, 0], "target": "a"}, "`target` argument of discover must be left out"),
        ({"data": Dataset([[1.0], [2.0]], [0, 1])}, "must be a table whose target holds numbers"),
        ({"data": table(), "y": table()[:, 0], "weights": [1.0]}, "`weights` argument of discover must be 60 numbers"),
        ({"data": table(), "y": table()[:, 0], "loss": "mae"}, "`loss` argument of discover must be one of 'mse'"),
        ({"data": table(), "y": table()[:, 0], "seconds": 0}, "`seconds` argument of discover must be a finite number"),
        ({"data": table(), "y": table()[:, 0], "steps": 0}, "`steps` argument of discover must be an integer ≥ 1"),
        ({"data": table(), "y": table()[:, 0], "lib": ["sine"]}, "`lib` argument of discover .* Did you mean 'sin'"),
        ({"data": table(), "y": table()[:, 0], "n_jobs": 0}, "`n_jobs` argument of discover must be an integer ≥ 1"),
        ({"data": table(), "y": table()[:, 0], "callbacks": 3}, "`callbacks` argument of discover must be a list"),
        ({"data": table(), "y": table()[:, 0], "callbacks": [3]}, "`callbacks` argument of discover must be functions"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        discover(**arguments)


def test_what_is_no_number_is_refused_with_its_place():
    x = table()
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0]})
    frame.loc[4, "b"] = np.nan
    assert len(discover(frame, steps=3, progress=False).data.train_input) == len(frame) - 1
    y = x[:, 0].clone()
    y[7] = torch.inf
    with pytest.raises(ValueError, match="`y` argument of discover must be finite in row 7"):
        discover(x, y)
    with pytest.raises(
        TypeError, match=r"the `data` argument of discover must be made of numbers, .* in column 'b', row 0"
    ):
        discover(frame.assign(b=[[1]] * len(frame)))
    with pytest.raises(ValueError, match=r"must be a table whose target holds numbers; got \['red'\]"):
        discover(frame.assign(b=1.0 * frame["a"], y="red"))


def test_columns_that_say_nothing_are_left_out(product):
    x = table()
    wide = torch.stack([x[:, 0], torch.ones(60), x[:, 1], x[:, 0]], 1)
    discovery = discover(wide, x[:, 0] * x[:, 1], **QUICK)
    assert discovery.best.text == "x_1*x_3"
    assert discovery.findings == ("x_2 is the same in every row: left out", "x_4 repeats x_1: left out")


# ---- robustness, with the real engine


def test_a_target_that_never_changes():
    discovery = discover(table(), torch.full((60,), 2.5), progress=False)
    assert (discovery.best.text, discovery.stop_reason) == ("2.5", "complete")
    assert discovery.findings == ("y is the same in every row",)


@pytest.mark.slow
def test_a_target_that_is_a_column():
    x = table()
    assert discover(x, x[:, 1], progress=False).best.text == "x_2"


@pytest.mark.parametrize("rows", [1, 2, 5, 19])
def test_few_rows_are_all_fitted_to(rows, product):
    x = table(rows)
    discovery = discover(x, x[:, 0] * x[:, 1], **QUICK)
    assert discovery.best.rmse_test is None
    assert discovery.best.rmse_train < 1e-12 or rows == 1


@pytest.mark.parametrize(("x_unit", "y_unit"), [(1e-20, 1e20), (1e20, 1e-20), (1e-20, 1e-20)])
def test_units_of_any_size(x_unit, y_unit, monkeypatch):
    monkeypatch.setattr(module, "search", engine(formula(("mul", ("c", 3.0), ("inv", ("sq", ("x", 0)))))))
    x = table()

    def rows_of_order_one(rows, limits):
        assert 0.1 < float(rows.y.abs().max()) < 10
        assert 0.1 < float(rows.x.abs().max()) < 10
        scale = float((rows.y * rows.x[:, 0] ** 2).mean())
        yield formula(("mul", ("c", scale), ("inv", ("sq", ("x", 0)))))

    monkeypatch.setattr(module, "search", rows_of_order_one)
    y = y_unit * 3 / x[:, 0] ** 2
    best = discover(x * x_unit, y, **QUICK).best
    assert torch.allclose(best.predict(x * x_unit), y, rtol=1e-9, atol=0)
    assert 1 - best.r2 < 1e-9


def outliers():
    x = table(100)
    y = 3 * x[:, 0] + x[:, 1]
    y[::9] += 40
    return x, y


@pytest.mark.parametrize("loss", ["huber", "absolute"])
def test_outliers_with_a_robust_loss(loss, monkeypatch):
    def search(rows, limits):
        """Least squares by the rows, as an engine does it."""
        design = torch.cat([rows.x, torch.ones(len(rows.x), 1)], 1)
        root = torch.ones(len(rows.x)) if rows.weights is None else rows.weights.sqrt()
        a, b, c = torch.linalg.lstsq(root[:, None] * design, (root * rows.y)[:, None]).solution.flatten().tolist()
        terms = ("add", ("mul", ("c", a), ("x", 0)), ("mul", ("c", b), ("x", 1)))
        yield formula(("add", terms, ("c", c)))

    monkeypatch.setattr(module, "search", search)
    x, y = outliers()
    best = discover(x, y, loss=loss, steps=20, progress=False).best
    assert best.text == "3*x_1 + x_2"


def test_weights_leave_rows_out(product):
    x = table()
    y = x[:, 0] * x[:, 1]
    y[:5] = -100
    weights = torch.ones(60)
    weights[:5] = 0
    discovery = discover(x, y, weights=weights, **QUICK)
    assert len(discovery.data.train_input) == 55
    assert discovery.best.rmse_train < 1e-12


def test_errors_count_rows_by_their_weights(product):
    x, weights = table(), torch.ones(60, dtype=torch.float64)
    y = x[:, 0] * x[:, 1]
    y[:10] += 1.0
    weights[:10] = 0.1
    front = discover(x, y, weights=weights, progress=False).front
    mean, law = front[0], front[-1]
    assert law.text == "x_1*x_2"
    share = 0.1 * 10 / float(weights.sum())
    assert law.rmse_train == pytest.approx(share**0.5)
    variance = np.cov(y.numpy(), aweights=weights.numpy(), ddof=0)
    assert law.r2 == pytest.approx(1 - share / variance)
    assert float(mean.sympy) == pytest.approx(np.average(y.numpy(), weights=weights.numpy()), rel=0.1)
    assert mean.r2 == pytest.approx(0, abs=0.05)


def test_a_target_that_changes_on_validation_rows_alone(product):
    x = table(80)
    data = Dataset(x[:60], torch.full((60, 1), 2.0), val_input=x[60:], val_label=torch.full((20, 1), 5.0))
    equation = discover(data, progress=False).front[0]
    residual = equation.predict(x[60:]) - 5.0
    assert equation.rmse_test == pytest.approx(float(residual.square().mean().sqrt()))


# ---- limits


class Clock:
    """Time that passes by a second at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


def endless(rows, limits):
    while True:
        yield Report("trying", "more")


def asked(x, y, seconds, loss="mse"):
    request = Request(x, y, seconds=seconds, max_complexity=40, loss=loss)
    return request.table(), request.settings()


def run(x, y, seconds, clock):
    return DiscoverySteps(*asked(x, y, seconds), clock)


def test_the_time_ends_a_search(monkeypatch):
    monkeypatch.setattr(module, "search", endless)
    x = table()
    running = run(x, x[:, 0] * x[:, 1], 50.0, Clock())
    numbers = [step.number for step in running]
    assert running.stop_reason == "time"
    assert numbers == list(range(1, len(numbers) + 1))
    assert 3 < len(numbers) < 50
    assert running.discovery.front


def test_formulas_of_a_step_that_outlasts_the_time_are_all_taken(monkeypatch):
    clock = Clock()

    def slow(rows, limits):
        clock.now += 1000
        yield formula(("x", 1))
        yield formula(PRODUCT)
        yield from endless(rows, limits)

    monkeypatch.setattr(module, "search", slow)
    x = table()
    running = run(x, x[:, 0] * x[:, 1], 50.0, clock)
    for _ in running:
        pass
    assert (running.discovery.best.text, running.stop_reason) == ("x_1*x_2", "time")


@pytest.mark.parametrize("seconds", [40.0, 400.0])
@pytest.mark.parametrize(("rows", "columns"), [(60, 2), (100, 30), (6000, 3)])
def test_a_search_has_an_answer_within_its_time(seconds, rows, columns):
    clock, x = Clock(), uniform(rows, columns) + 2
    y = x[:, 0] * x[:, 1] + torch.sin(3 * x[:, 1])
    running = run(x, y + 0.1 * uniform(rows, 1, seed=3)[:, 0], seconds, clock)
    for step in running:
        assert step.best is not None
    assert running.stop_reason == "time"
    assert running.seconds < seconds + 20  # a second passes at each look
    assert running.discovery.best.sympy.free_symbols


def test_without_time_the_answer_is_a_line(monkeypatch):
    monkeypatch.setattr(module, "search", endless)
    x = uniform(80, 3)
    running = run(x, 2 * x[:, 1] + 0.1 * x[:, 0] + 5, 10.0, Clock())
    *_, last = running
    assert last.best.sympy.free_symbols == {sympy.Symbol("x_2")}
    assert last.best.r2 > 0.9


def exact_and_endless(rows, limits):
    yield formula(LAW)
    yield from endless(rows, limits)


@pytest.mark.parametrize("loss", ["mse", "huber"])
@pytest.mark.parametrize("rounded", [lambda y: y, lambda y: y.float(), lambda y: (1e6 * y).round() / 1e6])
def test_a_search_ends_soon_after_an_exact_formula(rounded, loss, monkeypatch):
    monkeypatch.setattr(module, "search", exact_and_endless)
    x = table()
    running = DiscoverySteps(*asked(x, rounded(x[:, 0] * x[:, 1].exp()), 1e6, loss), Clock())
    texts = [step.text for step in running]
    assert running.stop_reason == "exact"
    assert running.seconds < 200
    assert "something simpler: more" in texts


def test_a_search_goes_on_where_something_is_left(monkeypatch):
    monkeypatch.setattr(module, "search", exact_and_endless)
    x = table()
    y = x[:, 0] * x[:, 1].exp() + 1e-5 * uniform(60, 1, seed=3)[:, 0]
    running = run(x, y, 300.0, Clock())
    texts = [step.text for step in running]
    assert running.stop_reason == "time"
    assert "more" in texts


def test_the_engine_reports_formulas_before_the_words_of_their_step():
    x = table()
    steps = list(discover_steps(x, x[:, 0] * x[:, 1] + x[:, 0] / x[:, 1], steps=40))
    found = [place for place, step in enumerate(steps) if step.kind == "formula" and place]
    assert found
    # Nothing is tried between a formula and the words of its step.
    assert all(steps[place + 1].kind in ("formula", "trying") for place in found[:-1])


def test_time_between_steps_does_not_count(monkeypatch):
    monkeypatch.setattr(module, "search", endless)
    clock, x = Clock(), table()
    running = run(x, x[:, 0] * x[:, 1], 50.0, clock)
    next(running)
    before = running.seconds
    clock.now += 1000
    assert running.seconds == before
    next(running)
    assert running.seconds < before + 20


@pytest.mark.slow
def test_steps_and_seed_give_the_same_result():
    x = table(80)
    y = torch.sin(x[:, 0]) * x[:, 1] + 0.01 * torch.randn(80, generator=torch.Generator().manual_seed(1))
    first, second = (discover(x, y, steps=3, seed=3, progress=False) for _ in range(2))
    assert repr(first) == repr(second)
    assert repr(first.best) == repr(second.best)


def test_more_steps_than_asked_for_are_not_taken(monkeypatch):
    monkeypatch.setattr(module, "search", endless)
    x = table()
    discovery = discover(x, x[:, 0] ** 2, steps=7, progress=False)
    assert discovery.stop_reason == "steps"


def test_an_interruption_leaves_the_front_so_far(monkeypatch):
    def interrupted(rows, limits):
        yield formula(PRODUCT)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "search", interrupted)
    x = table()
    discovery = discover(x, x[:, 0] * x[:, 1], progress=False)
    assert (discovery.best.text, discovery.stop_reason) == ("x_1*x_2", "interrupted")


def words(step):
    return f"trying {step.text}" if step.kind == "trying" else step.kind


@pytest.mark.slow
def test_a_search_that_is_ended_finishes_its_formulas_as_one_whose_steps_are_over():
    x = table(80)
    y = 1.5 * torch.sin(x[:, 0]) * x[:, 1] + 0.01 * torch.randn(80, generator=torch.Generator().manual_seed(1))
    whole = discover_steps(x, y, steps=60)
    last_fits = {"constants", "trying what else the rows allow"}
    last = next(step.number for step in whole if words(step) in last_fits) - 1
    for _ in whole:
        pass
    ended = discover_steps(x, y, seconds=600)
    kinds = []
    for step in ended:
        kinds.append(words(step))
        if step.number == last:
            ended.conclude()
    assert last_fits <= set(kinds[last:]) <= {*last_fits, "finding"}  # a rival
    assert ended.discovery.stop_reason == "interrupted"
    assert [repr(one) for one in ended.discovery.front] == [repr(one) for one in whole.discovery.front]


def test_the_last_fits_of_a_search_that_is_ended_take_no_longer_than_at_its_end(monkeypatch):
    monkeypatch.setattr(module, "search", endless)
    left = []
    monkeypatch.setattr(module.Finishing, "members", lambda finishing: left.append(finishing._seconds()) or ())
    x = table()
    running = run(x, x[:, 0] * x[:, 1], 1000.0, Clock())
    next(running)
    running.conclude()
    running.conclude()
    for _ in running:
        pass
    assert 100 < left[0] <= 150


def test_a_callback_ends_the_search_and_its_errors_are_raised(product):
    x = table()
    y = x[:, 0] * x[:, 1]
    seen = []
    discovery = discover(x, y, progress=False, callbacks=[seen.append, lambda step: step.number == 2])
    assert [step.number for step in seen] == [1, 2]
    assert discovery.stop_reason == "callback"

    def broken(step):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        discover(x, y, progress=False, callbacks=[broken])


def test_steps_say_what_is_tried_and_found(monkeypatch):
    monkeypatch.setattr(
        module,
        "search",
        engine(Report("finding", "x_2 doesn't matter"), Report("trying", "240 curves"), formula(("sq", ("x", 0)))),
    )
    x = table()
    running = discover_steps(x, x[:, 0] ** 2, steps=10)
    listed = list(running)
    assert [(step.kind, step.text) for step in listed[1:4]] == [
        ("finding", "x_2 doesn't matter"),
        ("trying", "240 curves"),
        ("formula", "x_1**2"),
    ]
    assert listed[3].changed == (listed[3].best,)
    assert listed[3].best in listed[3].front
    assert running.discovery.findings == ("x_2 doesn't matter",)
    assert running.discovery.stop_reason == "complete"


@pytest.mark.slow
def test_several_targets_have_a_front_each():
    x = table()
    discovery = discover(x, torch.stack([x[:, 0] + x[:, 1], x[:, 0] * x[:, 1]], 1), progress=False)
    assert discovery.targets == ("y_1", "y_2")
    assert discovery["y_1"].best.text == "x_1 + x_2"
    assert discovery["y_2"].best.text == "x_1*x_2"
    with pytest.raises(ValueError, match=r"discovery\['y_1'\].best"):
        _ = discovery.best
    model = discovery["y_2"].best.network
    assert model.predict(x).flatten().tolist() == pytest.approx((x[:, 0] * x[:, 1]).tolist())
    assert model.history.last.train_loss < 1e-9


def two_targets():
    """x_1² and x_1·x_2; the search for the second one never ends by itself."""
    x = table()
    return x, torch.stack([x[:, 0] ** 2, x[:, 0] * x[:, 1]], 1)


def first_complete_then_endless(rows, limits):
    yield formula(("sq", ("x", 0)))
    if rows.target == "y_2":
        yield from endless(rows, limits)


def test_each_of_several_targets_has_its_reason_to_end(monkeypatch):
    monkeypatch.setattr(module, "search", first_complete_then_endless)
    discovery = discover(*two_targets(), steps=9, progress=False)
    assert discovery.stop_reasons == {"y_1": "complete", "y_2": "steps"}
    assert discovery.stop_reason == "steps"
    assert discovery["y_1"].stop_reason == "complete"


def test_a_target_whose_constants_were_not_finished_is_interrupted(monkeypatch):
    monkeypatch.setattr(module, "search", engine(formula(("sq", ("x", 0))), formula(PRODUCT)))
    ends = [lambda step: step.kind == "constants" and step.target == "y_2"]
    discovery = discover(*two_targets(), progress=False, callbacks=ends)
    assert discovery.stop_reasons == {"y_1": "complete", "y_2": "callback"}
    assert discovery.stop_reason == "callback"


def test_a_search_that_is_stopped_at_once_has_a_formula_for_each_target():
    x = table()
    y = torch.stack([x[:, 0] + x[:, 1], x[:, 1]], 1)
    stopped = discover(x, y, callbacks=[lambda step: True], progress=False)
    assert [bool(stopped[target].front) for target in stopped.targets] == [True, True]
    assert stopped["y_2"].best.text == "x_2"
    with pytest.raises(ValueError, match=r"discovery\['y_1'\].best"):
        _ = stopped.best
    assert discover_steps(x, y[:, 1]).discovery.best.text == "x_2"


def test_only_functions_of_the_library(monkeypatch):
    curves = formula(("exp", ("x", 0))), formula(("sin", ("x", 0)))
    monkeypatch.setattr(module, "search", engine(*curves))
    x = table()
    discovery = discover(x, x[:, 0].exp(), lib=["sin"], steps=10, progress=False)
    assert all("exp" not in equation.text for equation in discovery.front)


def test_formulas_beyond_the_largest_complexity_are_left_out(product):
    x = table()
    discovery = discover(x, x[:, 0] * x[:, 1], max_complexity=2, **QUICK)
    assert all(equation.complexity <= 2 for equation in discovery.front)


def test_noise_that_grows_with_the_value(monkeypatch):
    x = table(200)
    noise = 1 + 0.02 * torch.randn(200, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    y = x[:, 0] ** 8 * noise
    weights = []

    def search(rows, limits):
        weights.append(rows.weights)
        yield formula(("pow", ("x", 0), ("c", 8.01)))

    monkeypatch.setattr(module, "search", search)
    discovery = discover(x, y, steps=10, progress=False)
    assert "the noise of y grows with it: relative errors count" in discovery.findings
    assert weights[0] is None
    assert float(weights[1].max() / weights[1].min()) > 1e3
    assert discovery.best.text == "x_1**8"
    assert discovery.relative == {"y"}
    assert discovery.best.relative_error == pytest.approx(0.02, rel=0.2)
    head, *lines = repr(discovery).splitlines()
    assert head.split()[4] == "relative"
    assert next(line for line in lines if line.startswith("→")).split()[4:6] == ["1.8", "%"]
    assert discovery.to_pandas()["relative_error"].min() == discovery.best.relative_error


def grown(x):
    """What a formula misses of a clean target, in parts of its value."""
    return 1 + 0.02 * torch.sin(4 * x[:, 0])


@pytest.mark.parametrize("rows", [200, 15])
def test_what_a_formula_misses_is_not_called_noise(rows, monkeypatch):
    monkeypatch.setattr(module, "search", engine(formula(("pow", ("x", 0), ("c", 8.0)))))
    x = table(rows)
    discovery = discover(x, x[:, 0] ** 8 * grown(x), steps=10, progress=False)
    assert discovery.findings == ("errors grow with y: relative errors count",)
    assert "noise" not in repr(discovery.best)


def test_exact_data_have_no_noise(monkeypatch):
    monkeypatch.setattr(module, "search", engine(formula(("pow", ("x", 0), ("c", 8.0)))))
    x = table(200)
    discovery = discover(x, x[:, 0] ** 8, steps=10, progress=False)
    assert discovery.best.text == "x_1**8"
    assert discovery.findings == ()
    assert "errors grow" not in repr(discovery.best)
    assert discovery.relative == frozenset()


def test_torch_keeps_its_threads_and_nothing_is_printed(two_threads, capsys):
    discover(load_planets(), steps=3, progress=False)
    assert torch.get_num_threads() == 2
    assert capsys.readouterr() == ("", "")


def test_a_bar_shows_time_and_the_best_formula(product, capsys):
    x = table()
    discover(x, x[:, 0] * x[:, 1], seconds=30)
    error = capsys.readouterr().err
    assert "discover: " in error
    assert "x_1*x_2" in error
    assert "100%" in error


@pytest.mark.parametrize("function", [discover, discover_steps])
def test_signatures_are_those_of_the_request(function):
    expected = {field.name: (field.default, field.type) for field in dataclasses.fields(Request)}
    own = {name: (p.default, p.annotation) for name, p in inspect.signature(function).parameters.items()}
    assert {name: own[name] for name in expected} == expected
    assert own.keys() - expected.keys() <= {"progress", "callbacks"}


@pytest.mark.parametrize("function", [discover, discover_steps])
def test_each_argument_has_its_place_in_the_request(function, monkeypatch):
    asked = {field.name: object() for field in dataclasses.fields(Request)}
    made = []

    def noted(request):
        made.append(request)
        return DiscoverySteps(Request(table(), table()[:, 0]).table(), Request(steps=1).settings())

    monkeypatch.setattr(sys.modules["kanwidget.discovery.discover"], "_running", noted)
    monkeypatch.setattr(module, "search", engine())
    function(**asked, **({"progress": False} if function is discover else {}))
    assert {name: getattr(made[0], name) for name in asked} == asked


def test_names_at_the_top():
    assert kanwidget.discover is discover
    assert {"discover", "discover_steps", "Discovery", "DiscoveryStep", "Equation"} <= set(dir(kanwidget))


@pytest.mark.slow
def test_a_wide_table_needs_no_more_memory_than_it_has_columns():
    """All subsets of thirty columns were listed before they were counted."""
    x = torch.rand(60, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = discover(x, 2 * x[:, 3] + 1, steps=20, progress=False)
    assert found.best.text == "2*x_4 + 1"
