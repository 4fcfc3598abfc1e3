"""Rooms that people call: cli, sklearn, pykan, kan, sweeps, structure."""

from tools.mutations.mutation import Mutation

USERS = (
    Mutation(
        "the demo refuses its seed 0",
        "kanwidget/cli/main.py",
        'type=_whole(0), default=0, metavar="N", help="of the random start',
        'type=_whole(1), default=0, metavar="N", help="of the random start',
        ("tests/unit/cli/test_commands.py::test_the_demo_takes_the_seed_0",),
    ),
    Mutation(
        "an explorer of an estimator that isn't fitted",
        "kanwidget/sklearn.py",
        "        check_is_fitted(self)\n        return KANExplorer(",
        "        return KANExplorer(",
        ("tests/unit/test_sklearn.py::test_what_shows_a_network_asks_for_a_fitted_one",),
    ),
    Mutation(
        "the step length of pykan's LBFGS ignored",
        "kanwidget/pykan/LBFGS.py",
        "super().__init__(params, lr, ",
        "super().__init__(params, 1, ",
        ("tests/unit/pykan/test_pykan_helpers.py::test_lbfgs_takes_what_torchs_takes",),
    ),
    Mutation(
        "outputs and rows of pykan's Jacobian swapped",
        "kanwidget/pykan/derivatives.py",
        "else derivatives.permute(1, 0, 2)",
        "else derivatives",
        ("tests/unit/pykan/test_pykan_helpers.py::test_derivatives_row_by_row",),
    ),
    Mutation(
        "pykan's differences said at every call",
        "kanwidget/pykan/words.py",
        "        _said.add(text)\n",
        "",
        ("tests/unit/pykan/test_pykan_trainings.py::test_what_lbfgs_means_here_is_said_once",),
    ),
    Mutation(
        "an argument of pykan ignored without a word",
        "kanwidget/pykan/network/base.py",
        "        if affine_trainable:\n",
        "        if False:\n",
        ("tests/unit/pykan/test_pykan_networks.py::test_an_argument_without_effect_is_said_to_have_none",),
    ),
    Mutation(
        "scale_base_sigma without effect",
        "kanwidget/pykan/network/starts.py",
        "layer.base.mul_(sigma).add_(mu",
        "layer.base.add_(mu",
        ("tests/unit/pykan/test_pykan_trainings.py::test_other_starts_have_the_mean_that_was_asked_for",),
    ),
    Mutation(
        "NaN in a table of architectures",
        "kanwidget/sweeps/architectures.py",
        "self.validation_loss if math.isfinite(self.validation_loss) else None",
        "self.validation_loss",
        (
            "tests/unit/sweeps/test_search_architecture.py::test_a_training_that_gives_no_numbers_is_a_trial_that_failed",
        ),
    ),
    Mutation(
        "columns with a gap missing in a table of a sweep",
        "kanwidget/sweeps/table.py",
        "if any(row.get(name) is not None for row in visible)",
        "if all(row.get(name) is not None for row in visible)",
        ("tests/unit/sweeps/test_sweep_table.py::test_a_notebook_shows_rows_and_no_empty_columns",),
    ),
    Mutation(
        "the placement of knots ignored",
        "kanwidget/kan/editing.py",
        "surgery.refine(self, grid, knots=knots, x=x)",
        "surgery.refine(self, grid, x=x)",
        ("tests/unit/test_kan.py::test_a_finer_grid_takes_the_placement_of_its_knots",),
    ),
    Mutation(
        "levels merged with themselves",
        "kanwidget/kan/words.py",
        "for group in self.groups if len(group) > 1]",
        "for group in self.groups if len(group) > 0]",
        ("tests/unit/kan/test_merges.py::test_only_groups_of_several_levels_are_merged",),
    ),
    Mutation(
        "a target beside a network, without a word",
        "kanwidget/structure/subjects.py",
        "    if target is not None and not frames.has_columns(subject):\n",
        "    if False:\n",
        (
            "tests/unit/structure/test_structure_queries.py::test_what_cannot_be_examined_is_refused",
            "tests/unit/structure/test_structure_queries.py::test_a_target_is_that_of_a_frame",
        ),
    ),
    Mutation(
        "points with infinite derivatives count",
        "kanwidget/structure/field.py",
        "finite = value.isfinite() & gradient.isfinite().all(-1) & hessian.isfinite().all(-1).all(-1)",
        "finite = value.isfinite()",
        ("tests/unit/structure/test_structure_conditions.py::test_points_where_a_derivative_is_infinite_are_left_out",),
    ),
    Mutation(
        "a tolerance ignored",
        "kanwidget/structure/structure.py",
        "self.tolerance = subject.tolerance if tolerance is None else tolerance",
        "self.tolerance = subject.tolerance",
        ("tests/unit/structure/test_structure_queries.py::test_a_tolerance_of_ones_own",),
    ),
)
