"""Weights of rows and their decay with age: what a window weighs, and who takes weights."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import HistGradientBoostingRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import forecast
from forecast import LinearForecaster, RNNForecaster, SeriesForecaster
from forecast._series import windows_of_frame
from forecast.baselines import LastValue
from forecast.model_selection import RollingOrigin, backtest

LOOKBACK, HORIZON = 6, 3


def turning(rows=120):
    """A series that follows another law in its second half."""
    rng = np.random.default_rng(0)
    y = np.zeros(rows)
    for row in range(1, rows):
        y[row] = (0.9 if row < rows // 2 else -0.9) * y[row - 1] + rng.normal()
    return pd.DataFrame({"y": y}, index=pd.date_range("2024-01-01", periods=rows, freq="D"))


def model(regressor=None, **changes):
    plain = dict(target="y", lookback=LOOKBACK, horizon=HORIZON, validation_fraction=None, window_norm=None)
    return SeriesForecaster(Ridge() if regressor is None else regressor, **plain | changes)


def window_weights(row_weights, windows):
    """The definition: the mean over the rows that a window forecasts, scaled to a mean of 1."""
    ahead = windows.origins[:, None] + np.arange(1, HORIZON + 1)
    found = np.nanmean(row_weights[ahead], axis=1)
    return found / found.mean()


def alone(fitted, df, row_weights, regressor=None):
    """The coefficients that the definition gives."""
    windows = windows_of_frame(fitted, df)
    weights = window_weights(row_weights, windows)
    return (regressor or Ridge()).fit(np.asarray(windows), np.asarray(windows.y), sample_weight=weights)


DF = turning()
WEIGHT = np.random.default_rng(1).uniform(size=len(DF))
AGE = np.arange(len(DF))[::-1]

# -------------------- what a window weighs


@pytest.mark.parametrize("as_given", [np.asarray, list, lambda w: pd.Series(w, DF.index)])
def test_a_window_weighs_the_mean_of_the_rows_that_it_forecasts(as_given):
    fitted = model().fit(DF, sample_weight=as_given(WEIGHT))
    np.testing.assert_allclose(fitted.regressor_.coef_, alone(fitted, DF, WEIGHT).coef_, rtol=1e-10)
    assert np.abs(fitted.regressor_.coef_ - model().fit(DF).regressor_.coef_).max() > 1e-3


def test_a_half_life_halves_the_weight_with_age():
    fitted = model(half_life=20).fit(DF)
    np.testing.assert_allclose(fitted.regressor_.coef_, alone(fitted, DF, 0.5 ** (AGE / 20)).coef_, rtol=1e-10)
    both = model(half_life=20).fit(DF, sample_weight=WEIGHT)
    expected = alone(fitted, DF, WEIGHT * 0.5 ** (AGE / 20)).coef_
    np.testing.assert_allclose(both.regressor_.coef_, expected, rtol=1e-10)


def test_what_is_newest_counts():
    flat, newest = (model(half_life=value).fit(DF).regressor_.coef_[0, -1] for value in (None, 10))
    assert newest < -0.7 < flat


def test_equal_weights_are_no_weights_whatever_their_size():
    plain = model().fit(DF).regressor_.coef_
    for size in (1.0, 1e-6, 1e6):
        fitted = model().fit(DF, sample_weight=np.full(len(DF), size))
        np.testing.assert_allclose(fitted.regressor_.coef_, plain, rtol=1e-9)
    np.testing.assert_allclose(model(half_life=1e12).fit(DF).regressor_.coef_, plain, rtol=1e-6)


def test_rows_of_weight_0_are_left_out_as_targets():
    weight = (np.arange(len(DF)) >= 60).astype(float)
    fitted, changed = model().fit(DF, sample_weight=weight), DF.copy()
    changed.iloc[: 60 - LOOKBACK - HORIZON] = 1e3
    np.testing.assert_allclose(model().fit(changed, sample_weight=weight).regressor_.coef_, fitted.regressor_.coef_)
    changed.iloc[60 - LOOKBACK] = 1e3  # looked back on by what counts
    assert np.abs(model().fit(changed, sample_weight=weight).regressor_.coef_ - fitted.regressor_.coef_).max() > 0.01


def test_missing_targets_have_no_part_in_the_mean():
    df = DF.copy()
    df.iloc[50:52] = np.nan
    weight = np.where(df["y"].isna(), 100.0, WEIGHT)
    network = RNNForecaster(hidden_size=3, max_iter=2, random_state=0, early_stopping=False)
    fitted = model(network, missing="mask").fit(df, sample_weight=weight)
    windows = windows_of_frame(fitted, df)
    known = np.where(df["y"].isna(), np.nan, WEIGHT)
    expected = clone(network).fit(windows, windows.y, sample_weight=window_weights(known, windows))
    np.testing.assert_allclose(fitted.regressor_._network.theta, expected._network.theta, rtol=1e-6)


def test_a_gap_has_no_weight_of_its_own():
    gappy, kept = DF.drop(DF.index[50]), np.arange(len(DF)) != 50
    fitted = model(gaps="mask").fit(gappy, sample_weight=WEIGHT[kept])
    windows = windows_of_frame(fitted, gappy)
    whole = [o for o in range(len(windows.origins)) if 50 not in windows.origins[o] + np.arange(1, HORIZON + 1)]
    weights = window_weights(WEIGHT, windows[whole])
    expected = Ridge().fit(np.asarray(windows[whole]), np.asarray(windows[whole].y), sample_weight=weights)
    np.testing.assert_allclose(fitted.regressor_.coef_, expected.coef_, rtol=1e-10)
    assert len(model(gaps="interpolate").fit(gappy, sample_weight=WEIGHT[kept]).predict()) == HORIZON


# -------------------- panels, several targets, members


def test_rows_of_a_panel_keep_their_weights_in_any_order():
    other = turning() * 2 + 1
    shops = pd.concat([DF.assign(shop="x"), other.assign(shop="y")]).assign(w=np.r_[WEIGHT, WEIGHT[::-1]])
    by_time = shops.sort_index(kind="stable")
    one, two = (model(series="shop").fit(part, sample_weight=part["w"].to_numpy()) for part in (shops, by_time))
    np.testing.assert_allclose(one.regressor_.coef_, two.regressor_.coef_, rtol=1e-10)
    np.testing.assert_allclose(one.regressor_.coef_, alone(one, shops, shops["w"].to_numpy()).coef_, rtol=1e-10)


def test_age_is_counted_from_the_newest_row_of_all_series():
    shops = pd.concat([DF.assign(shop="x"), DF[:60].assign(shop="y")])
    fitted = model(series="shop", half_life=15).fit(shops)
    age = np.asarray((DF.index[-1] - shops.index) / pd.Timedelta("1D"))
    np.testing.assert_allclose(fitted.regressor_.coef_, alone(fitted, shops, 0.5 ** (age / 15)).coef_, rtol=1e-9)
    counted = shops.reset_index(drop=True)
    counted.index = [*range(120), *range(60)]
    fitted = model(series="shop", half_life=15).fit(counted)
    age = np.r_[np.arange(120)[::-1], np.arange(60)[::-1]]
    np.testing.assert_allclose(fitted.regressor_.coef_, alone(fitted, counted, 0.5 ** (age / 15)).coef_, rtol=1e-9)


@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_several_targets_share_the_weights_of_their_rows(multi_target):
    two = DF.assign(z=DF["y"] ** 2)  # no multiple: then coefficients would hang on the last bits of a sum
    fitted = model(target=["y", "z"], multi_target=multi_target).fit(two, sample_weight=WEIGHT)
    tiled = np.tile(WEIGHT, 2) if multi_target == "shared" else WEIGHT
    np.testing.assert_allclose(fitted.regressor_.coef_, alone(fitted, two, tiled).coef_, rtol=1e-9)


def test_members_take_weights_and_naive_ones_need_none():
    members = {"ridge": {"regressor": Ridge()}, "last": {"regressor": LastValue()}}
    mixed = model(members=members, half_life=10).set_params(regressor=None).fit(DF)
    expected = model(half_life=10).fit(DF).regressor_.coef_
    np.testing.assert_allclose(mixed.members_["ridge"].regressor_.coef_, expected)


def test_the_recipe_trains_its_members_with_weights():
    plain, decayed = (
        SeriesForecaster(target="y", horizon=2, half_life=value, random_state=0).fit(DF[:90]) for value in (None, 8)
    )
    assert decayed.recipe_["half_life"] == 8
    again = SeriesForecaster(**decayed.recipe_).fit(DF[:90])
    pd.testing.assert_frame_equal(again.predict(), decayed.predict())
    assert np.abs(decayed.predict() - plain.predict()).to_numpy().max() > 1e-6


def test_the_linear_forecaster_takes_weights():
    fitted = model(LinearForecaster(penalty=1e-6), half_life=10).fit(DF)
    expected = alone(fitted, DF, 0.5 ** (AGE / 10), LinearRegression())
    np.testing.assert_allclose(fitted.regressor_.coef_[-1, 0], expected.coef_[0, -1], rtol=1e-2)


# -------------------- reports, backtests, scikit-learn


def test_the_report_is_of_a_fit_with_weights():
    fitted = model(half_life=10, validation_fraction=0.2).fit(DF)
    plain = model(validation_fraction=0.2).fit(DF)
    assert fitted.report_.table.loc["Ridge", "MAE"] < plain.report_.table.loc["Ridge", "MAE"]


def test_every_fit_of_a_backtest_takes_the_weights_of_its_rows():
    cv = RollingOrigin(n_splits=3, horizon=HORIZON)
    models = {"ridge": model(half_life=30)}
    rows = backtest(models, DF, cv, sample_weight=WEIGHT).frame.query("model == 'ridge'")
    train, test = list(cv.split(DF))[1]
    fitted = model(half_life=30).fit(DF.iloc[train], sample_weight=WEIGHT[train])
    found = rows[rows["origin"] == DF.index[train[-1]]]["forecast"]
    np.testing.assert_array_equal(found, fitted.predict(DF.iloc[test])["y"])
    with pytest.raises(ValueError, match="sample_weight has 3 values, df has 120 rows"):
        backtest(models, DF, cv, sample_weight=np.ones(3))


def test_scikit_learn_passes_weights_on():
    cv = TimeSeriesSplit(2, test_size=HORIZON)
    plain, weighted = (
        cross_val_score(model(), DF, DF["y"], cv=cv, params=params, scoring="r2", error_score="raise")
        for params in (None, {"sample_weight": WEIGHT})
    )
    assert (plain != weighted).all()
    search = GridSearchCV(model(), {"half_life": [5, 50]}, cv=cv, scoring="r2", error_score="raise")
    assert search.fit(DF, DF["y"], sample_weight=WEIGHT).best_params_["half_life"] in (5, 50)
    vote = VotingRegressor([("one", model())]).fit(DF[:-3], DF["y"][:-3], sample_weight=WEIGHT[:-3])
    expected = model().fit(DF[:-3], sample_weight=WEIGHT[:-3]).predict(DF[-3:])["y"]
    np.testing.assert_allclose(vote.predict(DF[-3:]), expected)


def test_a_file_keeps_the_half_life(tmp_path):
    fitted = model(half_life=30).fit(DF, sample_weight=WEIGHT)
    fitted.save(tmp_path / "weighted.forecast")
    again = forecast.load(tmp_path / "weighted.forecast")
    assert again.half_life == 30
    pd.testing.assert_frame_equal(again.predict(), fitted.predict())


WRAPPED = {
    "pipeline": lambda: make_pipeline(StandardScaler(), Ridge()),
    "search": lambda: GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=TimeSeriesSplit(2)),
    "transformed": lambda: TransformedTargetRegressor(Ridge()),
    "each output": lambda: HistGradientBoostingRegressor(max_iter=3, random_state=0),
    "each output of a pipeline": lambda: make_pipeline(StandardScaler(), HistGradientBoostingRegressor(max_iter=3)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_weights_reach_what_is_inside(name):
    plain, weighted = (model(WRAPPED[name](), half_life=value).fit(DF).predict() for value in (None, 5))
    assert np.abs(plain - weighted).to_numpy().max() > 1e-6


# -------------------- refused by name


@pytest.mark.parametrize("half_life", [None, 10])
def test_regressors_that_take_no_weights_are_named(half_life):
    weight = WEIGHT if half_life is None else None
    for regressor in (KNeighborsRegressor(), make_pipeline(StandardScaler(), KNeighborsRegressor())):
        kind = type(regressor).__name__
        with pytest.raises(ValueError, match=rf"take weights, and {kind}\.fit has no sample_weight; expected neither"):
            model(regressor, half_life=half_life).fit(DF, sample_weight=weight)
    with pytest.raises(ValueError, match="has no effect on what learns nothing, here LastValue"):
        model(LastValue(), half_life=half_life).fit(DF, sample_weight=weight)


BAD = {
    "short": (np.ones(3), r"sample_weight has shape \(3,\); expected one weight for each row, \(120,\)"),
    "two columns": (np.ones((120, 2)), r"shape \(120, 2\)"),
    "negative": (np.where(np.arange(120) == 7, -1.0, 1.0), r"1 values that are not weights, the first -1\.0 in row 7"),
    "missing": (np.where(np.arange(120) == 7, np.nan, 1.0), "the first nan in row 7"),
    "all 0": (np.zeros(120), "the targets of all 112 windows have weight 0"),
    "another index": (pd.Series(np.ones(120)), "another index than X"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_weight_is_refused_and_the_last_fit_kept(name):
    weight, message = BAD[name]
    fitted = model().fit(DF)
    expected = fitted.predict()
    with pytest.raises(ValueError, match=message):
        fitted.fit(DF * 2, sample_weight=weight)
    pd.testing.assert_frame_equal(fitted.predict(), expected)


@pytest.mark.parametrize("value", [0, -1.0, "30D", pd.Timedelta("30D")])
def test_a_half_life_is_a_positive_number_of_steps(value):
    with pytest.raises(ValueError, match="'half_life' parameter of SeriesForecaster must be"):
        model(half_life=value).fit(DF)


# -------------------- trained on


def test_an_update_that_trains_on_keeps_the_half_life():
    newer = DF[100:]
    for regressor in (Ridge(), RNNForecaster(hidden_size=3, max_iter=5, random_state=0, early_stopping=False)):
        fitted = model(regressor, half_life=15).fit(DF[:100])
        plain = model(regressor).fit(DF[:100])
        fitted.update(newer, refit="continue")
        plain.update(newer, refit="continue")
        assert np.abs(fitted.predict() - plain.predict()).to_numpy().max() > 1e-3
    again = model(half_life=15).fit(DF[:100]).update(newer, refit="continue")
    np.testing.assert_allclose(again.regressor_.coef_, model(half_life=15).fit(DF).regressor_.coef_, rtol=1e-9)
