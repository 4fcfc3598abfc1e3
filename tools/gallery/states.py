"""The states that the gallery shows: real sessions, each brought into one by what a person would do."""

import torch

from kanwidget import KAN, Dataset, KANExplorer, create_dataset
from kanwidget.explorer.commands.training import Start
from kanwidget.explorer.describe.equations import EquationWriter
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.session.background.formula_search import SearchNews

#: Markup, code, line breaks, other scripts, and what is merely long.
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "mean_radius_worst",
    'a & b < c "quoted"\nand a second line',
    "temperature of the cooling water in °C",
    "');drop table--</script><script>alert(2)</script>",
    "日本語の変数名",
)
#: Functions that are tried on edges where all of them become one.
FEW = ["x", "x^2", "sin", "exp", "tanh", "gaussian"]
GREEK = ("alpha", "beta_1", "θ", "lambda", "Δ_12")


def explorer(width, data, *, seed=1, grid=3, **options):
    return KANExplorer(KAN(width, grid=grid, k=3, seed=seed), data, driver="blocking", **options)


def two_inputs(train=150, test=80):
    return create_dataset(
        lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=train, test_num=test
    )


def random_data(n_in, n_out=1, rows=60, seed=0, scale=1.0, **names):
    """Inputs of all features, and labels that depend on the first few."""
    draw = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(rows, n_in, generator=draw, dtype=torch.float64) - 1
    y = torch.stack([torch.sin(3 * x[:, k % n_in]) + x[:, (k + 1) % n_in] ** 2 for k in range(n_out)], dim=1)
    cut = rows * 3 // 4
    return Dataset(x[:cut], scale * y[:cut], x[cut:], scale * y[cut:], **names)


def train_on(one, steps):
    """Leave the training going on after some steps, with the page's messages of the last ones still to come."""
    session = one._session
    with one._driver.own():
        one._publisher.mark_changed(session.apply(Start()))
        for _ in range(steps):
            one._publisher.mark_changed(session.advance(1e-9))


def empty():
    return explorer([2, 5, 1], two_inputs())


def training():
    one = explorer([2, 5, 1], two_inputs(), lamb=1e-3, opt="Adam")
    one.select((0, 1, 2))
    train_on(one, 60)
    return one


def with_formulas(one, *sources):
    """What a search that is held has found so far, the last one the likeliest."""
    session = one._session
    writer = EquationWriter(session)
    formulas = [writer.formula(source, 4.5 * (size + 1)) for size, source in enumerate(sources)]
    steps = [
        SearchNews("finding", "exp(h) of y is a sum of f(x_1) and g(x_2)", 1.0, formulas, sources[-1]),
        SearchNews("trying", "trying 240 curves for f", 12.5, formulas, sources[-1]),
    ]
    search = session.discoveries.begin(lambda ending: iter(steps), 60.0, session.run.problem)
    search.advance()
    search.advance()
    search.pause()
    return one


def worked():
    """An hour's work in short: acts of every kind, a branch, one edge selected."""
    one = explorer([2, 5, 1], two_inputs(), lamb=1e-3, seed=42)
    one.fit(25)
    one.prune()
    one.fit(10)
    one.refine(6)
    one.fit(10)
    ends = [tuple(edge["key"]) for edge in one._publisher.snapshot()["structure"]["edges"] if edge["state"] == "spline"]
    one.fix("sin", edge=ends[0])
    one.fit(5)
    one.undo()
    one.fix(edge=ends[0], keep_spline=True)
    one.fix("x^2", edge=ends[1])
    one.lamb = 0
    one.fit(10)
    one.refine(12)
    one.fit(5)
    one.select(ends[1])
    return with_formulas(
        one,
        "1.86",
        "1.462*x_1 + 1.809",
        "1.448*exp(0.8214*x_1)*sin(3.113*x_1 + 0.1031)/(0.1*x_1*x_2 + 1.2) + 1.491*x_2**2 + 0.9444*sin(x_1) - 0.02*x_2**3",
        "exp(sin(3.1416*x_1) + 1.0001*x_2**2)",
    )


def error():
    one = worked()
    one._router.handle({"v": VERSION, "seq": 1, "kind": "fix", "edge": [0, 0, 0], "name": "sine", "keep_spline": False})
    return one


def formula():
    """Everything fixed: the formula is long."""
    one = explorer([3, 4, 1], random_data(3, rows=200, in_vars=("mass", "speed_of_light", "x_3")))
    one.fit(15)
    one.auto_symbolic(r2_threshold=0.2)
    one.fit(5)
    one.select((0, 1, 1))
    return one


def fraction():
    """Its formula is higher than a line."""
    data = create_dataset(lambda x: 1 / (x[:, [0]] + 1.5) + x[:, [1]] ** 2, n_var=2, train_num=150, test_num=80)
    one = explorer([2, 1, 1], data)
    one.fit(20)
    for name, edge in (("1/x", (0, 0, 0)), ("x^2", (0, 1, 0)), ("x", (1, 0, 0))):
        one.fix(name, edge=edge)
    one.fit(5)
    one.select((0, 0, 0))
    return one


def units():
    """A measured table with units and noise, an edge selected."""
    draw = torch.Generator().manual_seed(1)
    low, high = torch.tensor([260, 6e4, 0.5, 0.0]), torch.tensor([340, 1.4e5, 3.0, 1.0])
    x = low + (high - low) * torch.rand(400, 4, generator=draw, dtype=torch.float64)
    y = x[:, 1] * x[:, 2] / (8.314 * x[:, 0]) * (1 + 0.02 * torch.randn(400, generator=draw, dtype=torch.float64))
    names = {"in_vars": ("T (K)", "p [Pa]", "v_x", "position of the valve"), "out_vars": ("n_dot [mol/s]",)}
    data = Dataset(x[:300], y[:300, None], x[300:], y[300:, None], **names)
    one = explorer([4, 3, 1], data, lamb=1e-3)
    one.fit(30)
    one.fix(edge=(0, 1, 0))
    one.fit(5)
    one.select((0, 0, 0))
    return one


def one_edge():
    one = explorer([1, 1], create_dataset(lambda x: torch.tanh(4 * x), n_var=1, train_num=80, test_num=40))
    one.fit(10)
    one.select((0, 0, 0))
    return one


def many_edges():
    """20·40 + 40·40 + 40·5 = 2,600."""
    one = explorer([20, 40, 40, 5], random_data(20, 5, rows=80), opt="Adam")
    one.fit(3)
    one.select((1, 3, 7))
    return one


def names_long():
    names = ("a_rather_long_name_that_someone_gave_to_a_column_of_a_table", "T", "mean_radius_worst")
    out = ("the_quantity_of_interest_in_arbitrary_units",)
    one = explorer([3, 3, 1], random_data(3, in_vars=names, out_vars=out))
    one.fit(10)
    one.fix(edge=(0, 0, 0))
    one.select((0, 0, 1))
    return one


def names_greek():
    one = explorer([5, 2, 1], random_data(5, in_vars=GREEK, out_vars=("omega",)), lib=FEW)
    one.fit(10)
    one.auto_symbolic(r2_threshold=0.5)
    one.select((0, 2, 1))
    return one


def names_hostile():
    one = explorer([6, 2, 2], random_data(6, 2, in_vars=HOSTILE, out_vars=("<b>out</b>", "&lt;script&gt;")))
    one.fit(10)
    one.fix("sin", edge=(0, 0, 0))
    one.select((0, 0, 1))
    return one


def products():
    one = explorer([3, [2, 2], [1, 1], 1], random_data(3, rows=120))
    one.fit(10)
    one.select((0, 1, 3))
    return one


def huge_numbers():
    one = explorer([2, 2, 1], random_data(2, scale=1e300), opt="Adam")
    one.fit(5)
    one.select((1, 0, 0))
    return one


def tiny_numbers():
    one = explorer([2, 2, 1], random_data(2, scale=1e-300))
    one.fit(5)
    one.select((1, 0, 0))
    return one


def large_numbers():
    """As large as the numbers on the way to the page can be, and as small, at once."""
    data = random_data(2)
    x, y = 1e30 * data.train_input, 1e-30 * data.train_label
    model = KAN([2, 2, 1], grid=3, seed=1, grid_range=(-1e30, 1e30))
    one = KANExplorer(model, Dataset(x, y, 1e30 * data.test_input, 1e-30 * data.test_label), driver="blocking")
    one.fit(5)
    one.select((0, 0, 0))
    return one


def constant():
    """Edges that are constant, one of them nothing but zero."""
    one = explorer([2, 2, 1], random_data(2))
    for edge in ((0, 0, 0), (0, 1, 0), (1, 0, 0)):
        one.fix("0", edge=edge)
    one.select((0, 0, 0))
    return one


def no_test_data():
    data = two_inputs()
    one = explorer([2, 3, 1], Dataset(data.train_input, data.train_label))
    one.fit(20)
    return one


def classes():
    """Ten classes."""
    draw = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(160, 4, generator=draw, dtype=torch.float64) - 1
    label = (5 * (x[:, 0] + 1)).long().clamp(0, 9)
    one = explorer([4, 10], Dataset(x[:120], label[:120], x[120:], label[120:]), loss="cross_entropy")
    one.fit(10)
    one.select((0, 0, 4))
    return one


STATES = {
    make.__name__: make
    for make in (
        empty,
        training,
        worked,
        error,
        formula,
        fraction,
        units,
        one_edge,
        many_edges,
        names_long,
        names_greek,
        names_hostile,
        products,
        huge_numbers,
        tiny_numbers,
        large_numbers,
        constant,
        no_test_data,
        classes,
    )
}
