"""What scikit-learn asks of estimators, and what its users do with them."""

import pickle
import warnings

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from kanwidget.sklearn import FormulaClassifier, FormulaRegressor, KANClassifier, KANRegressor

#: Few functions and steps: the checks are of what estimators take and give, not of the formulas.
ESTIMATORS = {
    "KANRegressor": KANRegressor(steps=8),
    "KANClassifier": KANClassifier(steps=8),
    "FormulaRegressor": FormulaRegressor(steps=10, lib=["x", "x^2"]),
    "FormulaClassifier": FormulaClassifier(steps=3, lib=["x"]),
}


#: How tables and labels come in, which the base class of networks and formulas does for both: the estimators of networks show it.
SHARED = {
    "check_array_api_input",
    "check_classifier_data_not_an_array",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_n_features_in_after_fitting",
    "check_regressor_data_not_an_array",
    "check_sample_weights_list",
    "check_supervised_y_2d",
}


def checks():
    for name, estimator in ESTIMATORS.items():
        for _, check in estimator_checks_generator(estimator):
            title = getattr(check, "func", check).__name__
            if not (name.startswith("Formula") and title in SHARED):
                yield pytest.param(name, check, id=f"{name}-{title}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of scikit-learn's own arrays
@pytest.mark.parametrize(("name", "check"), [*checks()])
def test_checks_of_scikit_learn(name, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)
        check(clone(ESTIMATORS[name]))


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    rows = 240
    frame = pandas.DataFrame(
        {
            "area": rng.uniform(30, 120, rows),
            "town": rng.choice(["north", "south", "west"], rows),
            "year": rng.uniform(1950, 2020, rows),
        }
    )
    rent = 9 * frame.area + frame.town.map({"north": 0, "south": -80, "west": 60}) + 20 * rng.normal(size=rows)
    frame.loc[rng.random(rows) < 0.1, "year"] = np.nan
    return frame, rent.rename("rent")


@pytest.fixture(scope="module")
def regressor(table):
    return KANRegressor().fit(*table)


@pytest.mark.slow
def test_a_frame_with_words_and_missing_cells(regressor, table):
    frame, rent = table
    assert regressor.score(frame, rent) > 0.98
    assert regressor.feature_names_in_.tolist() == ["area", "town", "year"]
    assert regressor.n_iter_ > 3
    assert regressor.model_.in_vars == ("area", "town", "year", "year missing")
    value, error = regressor.predict(frame, return_std=True)
    assert value.shape == error.shape == (len(frame),)
    assert 0 < error.mean() < 20
    formula = str(regressor.formula_)
    assert formula.startswith("rent = ")
    assert "where f(town) = {north: " in formula


def test_pictures(regressor):
    figure = regressor.plot_terms()
    assert len(figure.axes) == len(regressor.model_.edge_refs(active=True))
    plt.close("all")
    assert "data:image/svg+xml;base64," in regressor._repr_html_()
    assert "svg" not in KANRegressor()._repr_html_().split("</style>")[-1]
    with regressor.explore(driver="blocking") as explorer:
        assert explorer.model.in_vars == regressor.model_.in_vars


def test_copies_are_alike(regressor, table, tmp_path):
    frame, _ = table
    expected = regressor.predict(frame)
    joblib.dump(regressor, tmp_path / "m.joblib")
    for other in (pickle.loads(pickle.dumps(regressor)), joblib.load(tmp_path / "m.joblib")):
        assert np.array_equal(other.predict(frame), expected)
    with pytest.raises(NotFittedError):
        clone(regressor).predict(frame)


@pytest.mark.slow
def test_searches_pipelines_and_processes(table):
    frame, rent = table
    numbers = frame[["area", "year"]].fillna(1980.0)
    search = GridSearchCV(KANRegressor(width=[2, 1], steps=8), {"grid": [3, 5]}, cv=2, n_jobs=2).fit(numbers, rent)
    assert search.best_params_["grid"] in (3, 5)
    assert (cross_val_score(KANRegressor(width=[2, 1], steps=8), numbers, rent, cv=2, n_jobs=2) > 0.5).all()
    scaled = ColumnTransformer([("scale", StandardScaler(), ["area"])], remainder="passthrough")
    pipeline = make_pipeline(scaled, KANRegressor(steps=8)).set_output(transform="pandas").fit(frame, rent)
    assert pipeline.score(frame, rent) > 0.9
    # Without set_output it makes an array of objects, words among them.
    pipeline = make_pipeline(clone(scaled), KANRegressor(steps=8)).fit(frame, rent)
    assert pipeline.score(frame, rent) > 0.9
    assert pipeline[-1].n_features_in_ == 3
    assert pipeline[-1].model_.encoding.levels[1] == ("north", "south", "west")


def test_classes_keep_their_names(table):
    frame, rent = table
    dear = np.where(rent > rent.median(), "dear", "cheap")
    model = KANClassifier().fit(frame, dear)
    assert model.classes_.tolist() == ["cheap", "dear"]
    assert model.predict_proba(frame).sum(1) == pytest.approx(1)
    assert model.score(frame, dear) > 0.9


@pytest.mark.slow
def test_formulas(table):
    frame, rent = table
    model = FormulaRegressor(steps=20).fit(frame[["area"]], 9 * frame.area)
    assert model.formula_.text == "9*area"
    assert model.predict(frame[["area"]]) == pytest.approx(9 * frame.area)
    assert model.explore(driver="blocking").close() is None
    classifier = FormulaClassifier().fit(frame[["area", "town"]], rent > 650)
    assert classifier.score(frame[["area", "town"]], rent > 650) > 0.9
    assert "score of True" in str(classifier.formula_)


def test_weights_count():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (200, 1))
    y = np.where(np.arange(200) % 2, 1.0, -1.0) + 0.01 * rng.normal(size=200)
    weight = np.where(np.arange(200) % 2, 1.0, 0.25)
    assert KANRegressor().fit(x, y, weight).predict(x).mean() == pytest.approx(0.6, abs=0.02)
    with pytest.raises(ValueError, match="at least one non-zero number"):
        KANRegressor().fit(x, y, np.zeros(200))


def test_what_shows_a_network_asks_for_a_fitted_one():
    for show in (KANRegressor().explore, KANClassifier().plot_terms):
        with pytest.raises(NotFittedError):
            show()
