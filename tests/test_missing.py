"""Missing values and stamps: refused with the place, or masked so that no NaN reaches a weight or a forecast."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from forecast import RNNForecaster, SeriesForecaster
from forecast.baselines import Drift, LastValue, SeasonalNaive
from forecast.model_selection import BacktestWarning, RollingOrigin, backtest

pytestmark = pytest.mark.filterwarnings("ignore::forecast.model_selection.SkillWarning")


@pytest.fixture
def whole():
    rng = np.random.default_rng(0)
    index = pd.date_range("2024-03-25", periods=160, freq="h", tz="Europe/Berlin", name="when")
    y = 20 + 3 * np.sin(np.arange(160) * 2 * np.pi / 24) + 0.1 * rng.normal(size=160)
    return pd.DataFrame({"y": y, "temp": rng.normal(size=160), "promo": rng.integers(0, 2, 160) * 1.0}, index=index)


@pytest.fixture
def holed(whole):
    """NaN at the start, in the middle (longer than a window), at single places, and in the newest row."""
    frame = whole.copy()
    frame.iloc[[0, 1, 40, *range(60, 75), 110, 159], 0] = np.nan
    frame.iloc[[3, *range(80, 90), 158], 1] = np.nan
    return frame


def network(**changes):
    return RNNForecaster(**({"hidden_size": 4, "max_iter": 2, "random_state": 0} | changes))


def model(regressor=None, **changes):
    parameters = {"target": "y", "lookback": 8, "horizon": 3, "missing": "mask", "past_covariates": "temp"}
    return SeriesForecaster(Ridge() if regressor is None else regressor, **(parameters | changes))


class Spy(Ridge):
    """A Ridge that keeps what it was given."""

    def fit(self, X, y):
        self.X_, self.y_ = X.copy(), y.copy()
        return super().fit(X, y)

    def predict(self, X):
        self.asked_ = X.copy()
        return super().predict(X)


# -------------------- no NaN comes out


@pytest.mark.parametrize("transform", [None, "standard", "log", "difference", ["log", "seasonal_difference"]], ids=str)
@pytest.mark.parametrize("window_norm", [None, "last", "mean", "standard"])
def test_no_nan_reaches_weights_or_forecasts(holed, transform, window_norm):
    for regressor in (Ridge(), network()):
        fitted = model(regressor, transform=transform, window_norm=window_norm).fit(holed)
        assert np.isfinite(fitted.predict().to_numpy()).all()
        if isinstance(regressor, Ridge):
            assert np.isfinite(fitted.regressor_.coef_).all()
        else:
            assert np.isfinite(fitted.regressor_.loss_curve_).all()
        assert np.isfinite(fitted.report_.table["MAE"]).all()


@pytest.mark.parametrize("regressor", [LastValue(), SeasonalNaive(4), Drift()], ids=type)
def test_baselines_forecast_from_the_last_value_seen(holed, regressor):
    got = model(regressor, past_covariates=None).fit(holed).predict()
    assert np.isfinite(got.to_numpy()).all()
    if isinstance(regressor, LastValue):
        assert (got["y"] == holed["y"].iloc[158]).all()


def test_backtest_of_a_series_with_holes_judges_what_is_there(holed):
    with pytest.warns(BacktestWarning, match="48 of 75 intervals of coverage 0.5 are missing"):
        report = backtest(model(network()), holed, RollingOrigin(25, 3, step=5), refit=False, coverage=[0.5])
    assert report.frame["forecast"].notna().all()
    missing = report.frame["timestamp"].map(holed["y"]).isna()
    assert (report.frame["actual"].isna() == missing).all()
    assert np.isfinite(report.summary()[["MAE", "RMSE", "MASE", "skill"]].to_numpy()).all()


@pytest.mark.parametrize("regressor", [Ridge(), network()], ids=type)
@pytest.mark.parametrize("multi_target", ["joint", "shared"])
def test_several_targets_may_miss_different_rows(holed, regressor, multi_target):
    fitted = model(regressor, target=["y", "temp"], past_covariates=None, multi_target=multi_target).fit(holed)
    assert np.isfinite(fitted.predict().to_numpy()).all()


# -------------------- what the regressor sees


def test_window_has_the_value_before_and_channels_that_say_what_is_there(holed):
    fitted = model(Spy(), window_norm=None, validation_fraction=None).fit(holed)
    fitted.predict()
    window = fitted.regressor_.asked_[0].reshape(8, 4)
    newest = holed.iloc[-8:]
    np.testing.assert_array_equal(window[:, 0], newest["y"].ffill())
    np.testing.assert_array_equal(window[:, 1], newest["temp"].ffill())
    np.testing.assert_array_equal(window[:, 2:], newest[["y", "temp"]].notna().to_numpy())
    assert window[-1, 2] == 0
    assert window[-2, 3] == 0


def test_values_before_the_first_one_are_the_training_mean(holed):
    fitted = model(Spy(), window_norm=None, validation_fraction=None).fit(holed)
    first = fitted.regressor_.X_[0].reshape(8, 4)
    np.testing.assert_allclose(first[:2, 0], holed["y"].mean(), rtol=1e-15)
    np.testing.assert_array_equal(first[:3, 2], [0, 0, 1])


def test_regressor_that_cannot_mask_gets_only_windows_with_all_targets(holed):
    fitted = model(Spy(), window_norm=None, validation_fraction=None).fit(holed)
    y = holed["y"].to_numpy()
    expected = [y[origin + 1 : origin + 4] for origin in range(7, 157)]
    expected = [ahead for ahead in expected if not np.isnan(ahead).any()]
    np.testing.assert_array_equal(fitted.regressor_.y_, expected)
    seen = model(network(), validation_fraction=None).fit(holed).n_windows_
    assert seen == sum(not np.isnan(y[origin + 1 : origin + 4]).all() for origin in range(7, 157))


def test_network_and_ridge_without_missing_values_see_the_same_forecast_as_an_all_ones_mask(whole):
    """Channels that are always 1 say nothing to a regressor with an intercept."""
    plain = model(missing="error").fit(whole).predict()
    masked = model(missing="mask").fit(whole).predict()
    np.testing.assert_allclose(masked, plain, rtol=1e-9)


def test_a_window_in_which_nothing_was_ever_seen_is_not_trained_on_and_refused(whole):
    late = whole.copy()
    late.iloc[:30, 0] = np.nan
    fitted = model(validation_fraction=None).fit(late)
    assert fitted.n_windows_ == 157 - 30
    with pytest.raises(ValueError, match=r"no value of a target is known up to 2024-03-25 19:00:00\+01:00"):
        fitted.predict(history=late.iloc[:20])


def test_every_window_without_a_complete_target_is_refused_with_the_fix(whole):
    sparse = whole.copy()
    sparse.iloc[::3, 0] = np.nan
    with pytest.raises(ValueError, match=r"every window misses some target.*Ridge.*RNNForecaster"):
        model().fit(sparse)
    assert np.isfinite(model(network()).fit(sparse).predict().to_numpy()).all()


# -------------------- masked loss


@pytest.mark.parametrize("transform", [None, "standard", "difference"])
def test_targets_that_are_missing_reach_a_network_as_nan_and_no_other(holed, transform):
    class Network(LastValue):
        def fit(self, X, y):
            self.windows_, self.y_ = X, np.asarray(y)
            return super().fit(X, y)

    fitted = model(Network(), transform=transform, validation_fraction=None).fit(holed)
    origins = fitted.regressor_.windows_.origins
    ahead = holed["y"].to_numpy()[origins[:, None] + np.arange(1, 4)]
    np.testing.assert_array_equal(np.isnan(fitted.regressor_.y_), np.isnan(ahead))
    assert np.isnan(ahead).any()
    assert np.isfinite(np.asarray(fitted.regressor_.windows_)).all()


def test_values_masked_as_targets_have_no_part_in_the_loss(whole):
    """A row that no window looks back on, but whose value is missing: what stood there does not matter."""
    from forecast._windows import Windows

    values = whole[["y"]].to_numpy()
    targets, absurd = values.copy(), values.copy()
    targets[100:103] = np.nan
    absurd[100:103] = 1e9
    origins = np.r_[np.arange(7, 90), np.arange(97, 100)]  # no window looks back on rows 100 to 102
    fits = []
    for seen in (values, absurd):
        windows = Windows(seen, origins, lookback=8, horizon=3, targets=targets, window_norm="last")
        fits.append(network(early_stopping=False).fit(windows, windows.y))
    at = Windows(values, [99, 120], lookback=8, horizon=3, window_norm="last")
    np.testing.assert_array_equal(fits[0].predict(at), fits[1].predict(at))
    assert fits[0].loss_curve_ == fits[1].loss_curve_
    without = Windows(values, np.arange(7, 90), lookback=8, horizon=3, window_norm="last")
    other = network(early_stopping=False).fit(without, without.y)
    full = Windows(values, origins, lookback=8, horizon=3, window_norm="last")
    assert np.abs(network(early_stopping=False).fit(full, full.y).predict(at) - other.predict(at)).max() > 0


def test_a_missing_value_in_the_far_past_leaves_a_forecast_from_a_fitted_model_alone(whole):
    fitted = model(network()).fit(whole)
    far, near = whole.copy(), whole.copy()
    far.iloc[100, :2] = np.nan
    near.iloc[157, 0] = np.nan
    expected = fitted.predict(history=whole)
    np.testing.assert_array_equal(fitted.predict(history=far), expected)
    assert (fitted.predict(history=near) != expected).to_numpy().all()


# -------------------- histories


@pytest.mark.parametrize("regressor", [Ridge(), network()], ids=type)
def test_newest_rows_may_be_missing_in_a_history(whole, regressor):
    fitted = model(regressor).fit(whole.iloc[:120])
    history = whole.iloc[:140].copy()
    history.iloc[-20:, 0] = np.nan  # longer than a window: it is filled from the rows before
    got = fitted.predict(history=history)
    assert got.index.equals(whole.index[140:143])
    assert np.isfinite(got.to_numpy()).all()
    np.testing.assert_array_equal(got, fitted.predict(history=history.iloc[-21:]))
    higher = history.copy()
    higher.iloc[-21, 0] += 5
    assert (fitted.predict(history=higher)["y"] > got["y"]).all()


def test_covariate_that_a_history_never_had_is_the_mean_of_training(whole):
    fitted = model(Spy(), window_norm=None, validation_fraction=None).fit(whole.iloc[:120])
    fitted.predict(history=whole.iloc[100:140].assign(temp=np.nan))
    window = fitted.regressor_.asked_[0].reshape(8, 4)
    np.testing.assert_allclose(window[:, 1], whole["temp"].iloc[:120].mean(), rtol=1e-12)
    np.testing.assert_array_equal(window[:, 3], 0)


def test_missing_future_covariate_is_always_refused(whole):
    fitted = model(future_covariates="promo").fit(whole)
    future = fitted.future_frame()
    future["promo"] = [0.0, np.nan, 1.0]
    with pytest.raises(ValueError, match=r"'promo' has 1 missing values.*2024-03-31 18:00:00"):
        fitted.predict(future)
    with pytest.raises(ValueError, match=r"future covariate 'promo'"):
        model(future_covariates="promo").fit(whole.assign(promo=whole["promo"].where(whole.index != whole.index[9])))


# -------------------- missing="error"


@pytest.mark.parametrize(("column", "role"), [("y", "target"), ("temp", "past covariate")])
def test_missing_values_are_refused_by_default_with_column_stamp_and_fix(holed, whole, column, role):
    frame = whole.assign(**{column: holed[column]})
    first = holed.index[holed[column].isna().argmax()]
    with pytest.raises(ValueError, match="missing values") as caught:
        model(missing="error").fit(frame)
    message = str(caught.value)
    assert f"{role} {column!r}" in message
    assert str(first) in message
    assert "missing='mask'" in message
    fitted = model(missing="error").fit(whole)
    with pytest.raises(ValueError, match=r"missing values"):
        fitted.predict(history=frame)


# -------------------- gaps


def test_gaps_are_refused_by_default_with_places_and_fix(whole):
    gap = whole.drop(whole.index[[50, 51, 90]])
    with pytest.raises(ValueError, match=r"2024-03-27 02:00:00.*gaps='interpolate'.*Fix: gaps='mask'"):
        model(missing="error", freq="h").fit(gap)


@pytest.mark.parametrize("regressor", [Ridge(), network()], ids=type)
def test_masked_gaps_are_rows_of_missing_values(whole, regressor):
    gap, missing = whole.drop(whole.index[[50, 51, 90]]), whole.copy()
    missing.iloc[[50, 51, 90], :2] = np.nan
    for given in ("error", "mask"):
        got = model(regressor, missing=given, gaps="mask").fit(gap)
        expected = model(regressor).fit(missing)
        assert got.n_windows_ == expected.n_windows_
        np.testing.assert_array_equal(got.predict(), expected.predict())


def test_interpolated_gaps_lie_on_a_straight_line(whole):
    gap, filled = whole.drop(whole.index[[50, 51, 90]]), whole.copy()
    filled.iloc[[50, 51, 90], :2] = np.nan
    filled = filled.interpolate()
    got = model(Spy(), missing="error", gaps="interpolate").fit(gap)
    expected = model(Spy(), missing="error").fit(filled)
    real = ~np.isin(np.arange(7, 157), [50, 51, 90])  # no forecast starts from a row that was put in
    np.testing.assert_allclose(got.regressor_.X_, expected.regressor_.X_[real], rtol=1e-12, atol=1e-12)
    assert got.predict().index.equals(pd.date_range(whole.index[-1], periods=4, freq="h", name="when")[1:])


def test_history_with_gaps_follows_the_policy_of_the_model(whole):
    gap = whole.drop(whole.index[[150, 151]])
    masked = model(gaps="mask").fit(whole.iloc[:120]).predict(history=gap)
    assert np.isfinite(masked.to_numpy()).all()
    with pytest.raises(ValueError, match="gap"):
        model(missing="error").fit(whole.iloc[:120]).predict(history=gap)
    missing = whole.copy()
    missing.iloc[[150, 151], :2] = np.nan
    np.testing.assert_array_equal(masked, model().fit(whole.iloc[:120]).predict(history=missing))
