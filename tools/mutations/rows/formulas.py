"""Rooms of formulas: symbolic and formulas, without laws."""

from tools.mutations.mutation import Mutation

FORMULAS = (
    Mutation(
        "a function for words",
        "kanwidget/symbolic/edges.py",
        "    if layer.levels[i]:\n",
        "    if False:\n",
        ("tests/unit/core/test_levels.py::test_functions_are_for_numbers",),
    ),
    Mutation(
        "candidates that ignore the weights of rows",
        "kanwidget/symbolic/candidates/partial_residuals.py",
        "            weight = weight * data.train_weight.flatten()\n",
        "            pass\n",
        ("tests/unit/symbolic/test_ranking.py::test_rows_ask_with_their_weights",),
    ),
    Mutation(
        "edges that a formula doesn't have",
        "kanwidget/symbolic/formulas/compile.py",
        "            network.layer(index).spline_on[:] = False\n",
        "            pass\n",
        ("tests/unit/symbolic/test_compile.py::test_a_network_computes_its_formula",),
    ),
    Mutation(
        "mean and deviation of an output swapped",
        "kanwidget/symbolic/formulas/formula.py",
        "outputs = [y * std + mean for",
        "outputs = [y * mean + std for",
        ("tests/unit/symbolic/test_formula.py::test_scalers",),
    ),
    Mutation(
        "constants simplified by the first rows of a large table",
        "kanwidget/symbolic/formulas/simplest.py",
        "torch.linspace(0, problem.rows - 1, _MOST_ROWS).long()",
        "torch.arange(_MOST_ROWS)",
        ("tests/unit/symbolic/test_simplest.py::test_the_sampled_rows_are_from_the_whole_table",),
    ),
    Mutation(
        "constants within functions that say nothing of their own",
        "kanwidget/symbolic/formulas/rewriting/canonical.py",
        "expr.func(*(canonical(arg, values) for arg in expr.args))",
        "expr.func(*expr.args)",
        ("tests/unit/symbolic/test_simplest.py::test_what_one_constant_says_no_other_repeats",),
    ),
    Mutation(
        "the worst simpler parts first",
        "kanwidget/symbolic/formulas/regression/proposals.py",
        "key=lambda proposal: -proposal.explained",
        "key=lambda proposal: proposal.explained",
        ("tests/unit/symbolic/test_simplest.py::test_the_proposal_that_explains_most_comes_first",),
    ),
    Mutation(
        "a correction of a shifted function",
        "kanwidget/symbolic/edges.py",
        "u = a * points + b",
        "u = a * points - b",
        (
            "tests/unit/symbolic/test_edges.py::test_a_kept_spline_is_the_correction",
            "tests/unit/symbolic/test_edges.py::test_a_symbol_gets_a_correction",
            "tests/unit/symbolic/test_edges.py::test_fix_and_unfix_restore_the_spline",
        ),
    ),
    Mutation(
        "two weights of simplicity, one of them ignored",
        "kanwidget/symbolic/fits/ranking.py",
        "    if simplicity is not None:\n",
        "    if False:\n",
        ("tests/unit/symbolic/test_edges.py::test_pykan_s_weighting_is_an_option_of_its_own",),
    ),
    Mutation(
        "formulas with + 0",
        "kanwidget/symbolic/writing/forms.py",
        "nonzero = [term for term in flat if not is_number(term, 0)]",
        "nonzero = flat",
        ("tests/unit/symbolic/test_writing.py::test_a_form_leaves_out_what_changes_nothing",),
    ),
    Mutation(
        "source and target swapped in names of splines",
        "kanwidget/symbolic/writing/naming.py",
        'f"phi_{layer}_{source}_{target}"',
        'f"phi_{layer}_{target}_{source}"',
        ("tests/unit/symbolic/test_formula.py::test_edges_are_never_dropped_and_pruned_ones_are",),
    ),
    Mutation(
        "terms that fall away though their columns are large",
        "kanwidget/symbolic/writing/tidy.py",
        "_tidy(expr, tolerance, sizes or {})",
        "_tidy(expr, tolerance, {})",
        (
            "tests/unit/symbolic/test_tidy.py::test_small_data_keep_their_constants",
            "tests/unit/symbolic/test_tidy.py::test_what_the_data_may_need_stays",
        ),
    ),
    Mutation(
        "formulas that differ everywhere count as one",
        "kanwidget/formulas/points.py",
        "one = 1 - number / max(",
        "one = number / max(",
        (
            "tests/unit/formulas/test_equivalence.py::test_another_form",
            "tests/unit/formulas/test_equivalence.py::test_equal_formulas_that_are_written_otherwise",
        ),
    ),
    Mutation(
        "formulas that differ beyond the data count as one",
        "kanwidget/formulas/points.py",
        "(self.wider if wider else self.inner)",
        "self.inner",
        (
            "tests/unit/formulas/test_points.py::test_ranges_are_widened_by_a_part_and_keep_their_sign",
            "tests/unit/formulas/test_equivalence.py::test_wider_ranges_beyond_a_domain_are_said",
        ),
    ),
    Mutation(
        "a network in C that ends with the grid",
        "kanwidget/export/c_file.py",
        "while (piece < pieces - 1 &&",
        "while (piece < pieces - 2 &&",
        ("tests/unit/export/test_network_files.py::test_the_ends_of_a_grid_and_far_beyond_them",),
    ),
    Mutation(
        "names of several lines in comments",
        "kanwidget/export/text.py",
        '" ".join(text.split()).replace',
        "text.replace",
        ("tests/unit/export/test_network_files.py::test_names_of_others_do_no_harm",),
    ),
)
