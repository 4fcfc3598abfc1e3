"""Rooms of data and networks: checks, datasets, core, surgery."""

from tools.mutations.mutation import Mutation

DATA = (
    Mutation(
        "messages that print long values whole",
        "kanwidget/_check.py",
        "text if len(text) <= 80 else",
        "text if len(text) <= 8000 else",
        ("tests/unit/test_check.py",),
    ),
    Mutation(
        "complex numbers lose their imaginary part",
        "kanwidget/datasets/arrays.py",
        "        if value.is_complex():",
        "        if False:",
        (
            "tests/unit/datasets/test_dataset.py",
            "tests/contracts/test_own_inputs.py",
        ),
    ),
    Mutation(
        "missing numbers read as 0",
        "kanwidget/datasets/encoding.py",
        "filled = np.where(absent, self.fill, values)",
        "filled = np.where(absent, 0.0, values)",
        ("tests/unit/datasets/test_encoding.py",),
    ),
    Mutation(
        "a data set of no inputs",
        "kanwidget/datasets/synthetic.py",
        'n_var = _check.integer(n_var, "n_var", _WHERE, low=1)',
        'n_var = _check.integer(n_var, "n_var", _WHERE, low=0)',
        ("tests/unit/datasets/test_synthetic.py",),
    ),
    Mutation(
        "the energy as first column of chains",
        "kanwidget/datasets/chains.py",
        'return (*self.ranges, "E")',
        'return ("E", *self.ranges)',
        (
            "tests/unit/datasets/test_chain_tables.py",
            "tests/unit/datasets/test_chain_models.py",
        ),
    ),
    Mutation(
        "an equation with fewer ranges than variables",
        "kanwidget/datasets/equations/equation.py",
        'for name in ("units", "ranges"):',
        'for name in ("units",):',
        ("tests/unit/datasets/equations/test_equation.py",),
    ),
    Mutation(
        "a network of one level",
        "kanwidget/core/arguments.py",
        "not isinstance(width, Sequence) or len(width) < 2:",
        "not isinstance(width, Sequence) or len(width) < 1:",
        ("tests/unit/core/test_arguments.py",),
    ),
    Mutation(
        "the inputs as outputs of a trace",
        "kanwidget/core/records.py",
        "        return self.nodes[-1]",
        "        return self.nodes[0]",
        ("tests/unit/core/test_network.py",),
    ),
    Mutation(
        "other reference data after a return to a state",
        "kanwidget/core/state.py",
        "        self._network.reference = self._reference\n",
        "",
        ("tests/unit/core/test_state.py",),
    ),
    Mutation(
        "Bessel functions of large negative numbers",
        "kanwidget/core/primitives/bessel.py",
        "    near = x.abs() <= _MEET\n    (close,)",
        "    near = x <= _MEET\n    (close,)",
        ("tests/unit/core/test_primitives.py",),
    ),
    Mutation(
        "a finer grid with another curve",
        "kanwidget/surgery/_knots.py",
        "fitted = start + step.permute(2, 0, 1)",
        "fitted = start - step.permute(2, 0, 1)",
        ("tests/unit/surgery/test_grids.py",),
    ),
    Mutation(
        "nodes added to the outputs",
        "kanwidget/surgery/_structure.py",
        "low=1, high=network.depth - 1, advice",
        "low=1, high=network.depth, advice",
        (
            "tests/unit/surgery/test_edit.py",
            "tests/contracts/test_junk_arguments.py",
        ),
    ),
    Mutation(
        "perturb wakes pruned edges in minimal mode",
        "kanwidget/surgery/reseed.py",
        'pruned=mode != "minimal"',
        'pruned=mode == "minimal"',
        ("tests/unit/surgery/test_perturb.py",),
    ),
)
